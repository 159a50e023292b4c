/** digits-infer: runs a trained network on samples of any shape. */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"
#include "digits/version.h"
#include "tools/common/command.h"
#include "tools/common/given.h"
#include "tools/common/piped.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"
#include "tools/infer/answers.h"
#include "tools/infer/inputs.h"

/** For command_note. */
static char program[] = "digits-infer";

enum { PIECE_BYTES = 1 << 22 }; /* about so much is read at once */

typedef struct {
  const infer_options *options;
  const char *in; /**< path of INPUT */
  char pipes[3][PIPED_PATH];
  char path[DG_PATH_SIZE]; /**< of the weights */
  dg_model *model;
  dg_device *device;
  dg_predictor *predictor;
  dg_classes classes;
  dg_columns *columns; /**< that the weights carry; NULL: none */
  infer_output output;
  inputs inputs;
} work;

/* ---- opening ---------------------------------------------------------------- */

/** Checks that no input would be overwritten. */
static bool check_targets(const work *w, dg_error *err) {
  const infer_options *o = w->options;
  targets t = {0};
  bool ok = targets_write(&t, "OUTPUT", o->out, NULL, err) &&
            targets_read_weights(&t, o->weights, err) && targets_read_model(&t, o->model, err) &&
            targets_read(&t, "the names of the classes are", o->classes, err) &&
            (dg_is_sample_file(w->in) ? targets_read(&t, "the samples are", w->in, err)
                                      : targets_read_set(&t, "the samples are", w->in, err));
  targets_close(&t);
  return ok && (!o->out || dg_file_check(o->out, err));
}

static bool open_predictor(work *w, dg_error *err) {
  const infer_options *o = w->options;
  const char *weights = o->weights, *model = o->model, *path = w->path;
  if (!piped(&weights, w->pipes[0], err) || !piped(&model, w->pipes[1], err) ||
      !dg_weights_find(weights, w->path, err))
    return false;
  const dg_predictor_options options = {.size = sizeof options, .weights = path, .batch = o->batch};
  w->model = model ? dg_model_load(model, NULL, 0, err) : dg_model_from_weights(path, NULL, 0, err);
  w->device = w->model ? command_open(o->backend, o->device, o->threads, program, err) : NULL;
  w->predictor = w->device ? dg_predictor_new(w->model, w->device, &options, err) : NULL;
  if (!w->predictor || !dg_columns_from_weights(&w->columns, path, err)) return false;
  return o->classes ? dg_classes_read(&w->classes, o->classes, err)
                    : dg_classes_from_weights(&w->classes, path, err);
}

static bool check_classes(const work *w, dg_error *err) {
  const uint32_t outputs = dg_predictor_outputs(w->predictor);
  return !w->options->classes || w->classes.count == outputs ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s names %u classes, but the network has %u outputs: one name a line, the first "
                 "for label 0, an empty line for a class without one",
                 w->options->classes, w->classes.count, outputs);
}

/** Chooses what is written, of what such a network gives. */
static bool choose_output(work *w, dg_error *err) {
  const infer_output asked = w->options->output;
  const dg_task task = dg_predictor_task(w->predictor);
  const char *loss = dg_model_loss(w->model);
  const bool logits = strcmp(loss, "cross_entropy") == 0 || strcmp(loss, "bce") == 0;
  const infer_output own = given_logits(w->model, w->predictor) ? INFER_LOGITS : INFER_VALUES;
  w->output = asked == INFER_DEFAULT ? own : asked;
  if (w->output == own || (w->output == INFER_PROBABILITIES && task != DG_TASK_VALUES) ||
      (w->output == INFER_CLASSES && task == DG_TASK_CLASS))
    return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%s learned with the loss %s, and gives %s: --output can't be %s",
                 w->options->weights, loss,
                 task == DG_TASK_LABELS   ? "logits or probabilities of several labels"
                 : task == DG_TASK_VALUES ? "values"
                 : logits                 ? "logits, probabilities or classes"
                                          : "values, probabilities or classes",
                 asked == INFER_LOGITS          ? "logits"
                 : asked == INFER_PROBABILITIES ? "probabilities"
                 : asked == INFER_CLASSES       ? "classes"
                                                : "values");
}

static bool work_open(work *w, dg_error *err) {
  w->in = strcmp(w->options->in, "-") == 0 ? "/dev/stdin" : w->options->in;
  if (!(check_targets(w, err) && open_predictor(w, err) && check_classes(w, err) &&
        choose_output(w, err) && piped(&w->in, w->pipes[2], err)))
    return false;
  const inputs_learned learned = {w->model, w->columns};
  return inputs_open(&w->inputs, w->options, w->in, &learned, program, err) &&
         (!w->inputs.data || dg_dataset_fits_weights(w->inputs.data, w->path, err));
}

static void work_close(work *w) {
  inputs_close(&w->inputs);
  dg_columns_free(w->columns);
  dg_predictor_free(w->predictor);
  dg_close(w->device);
  dg_model_free(w->model);
}

/* ---- running ----------------------------------------------------------------- */

/** Whole batches whose samples and outputs take about PIECE_BYTES. */
static uint32_t samples_of_piece(const work *w) {
  uint32_t dim[3];
  const uint32_t rank = dg_predictor_input(w->predictor, dim), batch = w->options->batch;
  uint64_t numbers = dg_predictor_outputs(w->predictor), input = 1;
  for (uint32_t i = 0; i < rank; i++) input *= dim[i];
  numbers += input;
  const uint64_t batches = PIECE_BYTES / (numbers * sizeof(float) * batch);
  return batches > 1 ? (uint32_t)batches * batch : batch;
}

/** Makes what is written of a network's outputs [n, outputs]. */
static void convert(const work *w, float *outputs, uint32_t n) {
  if (w->output == INFER_PROBABILITIES) given_probabilities(w->predictor, outputs, n, outputs);
}

/** Says where samples come from, and where they are counted from. */
static bool fail_piece(const work *w, uint64_t first, dg_error *err) {
  if (err->kind == DG_ERR_INPUT || first == 0) return dg_fail_prefix(err, "%s", w->options->in);
  return dg_fail_prefix(err, "%s, samples from %llu on", w->options->in, (unsigned long long)first);
}

static bool run_pieces(work *w, answers *a, uint32_t most, float *outputs, dg_error *err) {
  dg_ndarray samples;
  const uint32_t *lengths;
  while (true) {
    if (!inputs_next(&w->inputs, most, &samples, &lengths, err)) return false;
    if (samples.dim[0] == 0) return true;
    if (!dg_predictor_run_sequences(w->predictor, &samples, lengths, outputs, err))
      return fail_piece(w, a->next, err);
    convert(w, outputs, samples.dim[0]);
    answers_add(a, outputs, samples.dim[0]);
  }
}

static bool run(work *w, dg_error *err) {
  answers a;
  const answers_form form = {w->options->format, w->output, dg_predictor_outputs(w->predictor),
                             &w->classes};
  const uint32_t most = samples_of_piece(w);
  const size_t size = (size_t)most * form.outputs * sizeof(float);
  float *outputs = malloc(size);
  if (!outputs) return dg_fail_memory(err, size);
  bool ok = answers_begin(&a, &form, w->options->out, &w->inputs, err);
  if (ok && run_pieces(w, &a, most, outputs, err))
    ok = answers_commit(&a, err);
  else if (ok)
    answers_abandon(&a), ok = false;
  free(outputs);
  return ok;
}

static bool perform(const infer_options *o, dg_error *err) {
  if (o->task == INFER_HELP) return command_help(infer_options_help);
  if (o->task == INFER_VERSION) return say("digits-infer %s\n", dg_version());
  work w = {.options = o};
  const bool ok = work_open(&w, err) && run(&w, err);
  work_close(&w);
  return ok;
}

int main(int argc, char **argv) {
  infer_options o;
  dg_error err = {0};
  command_begin();
  const bool ok = infer_options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end(program, "backend device threads model batch " READING_REMEDIES, ok, &err);
}
