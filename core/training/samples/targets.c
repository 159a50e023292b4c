/** What samples and targets are scaled by, targets as the network learns them, weights of classes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/size.h"
#include "core/base/text.h"
#include "core/exec/restore.h"
#include "core/training/trainer.h"

/* ---- what is learned ----------------------------------------------------- */

dg_task dg_trainer_task(const dg_trainer *t) {
  if (t->model->target == DG_TARGET_INPUT) return DG_TASK_VALUES;
  if (!t->data->train.kind.targets) return DG_TASK_CLASS;
  return t->model->loss == DG_LOSS_BCE ? DG_TASK_LABELS : DG_TASK_VALUES;
}

/* ---- measuring ---------------------------------------------------------- */

/** Numbers of which `channels` have their own mean. */
typedef struct {
  const uint8_t *numbers;
  dg_numbers_type type;
  double white;      /**< what bytes are divided by */
  uint64_t count;    /**< of all numbers */
  uint32_t channels; /**< number i is of channel i / inner % channels */
  uint64_t inner;
  uint64_t sample;         /**< numbers of a sample, and of its steps that count, if */
  const uint32_t *lengths; /**< they have lengths (inner is 1); else NULL */
} measured_numbers;

static double number_at(const measured_numbers *m, uint64_t i) {
  if (m->type == DG_NUMBERS_BYTES) return m->numbers[i] / m->white;
  return (double)((const float *)(const void *)m->numbers)[i];
}

/** Adds up a channel's numbers [begin, end), or their squared distances to `mean`. */
static void add_part(const measured_numbers *m, uint64_t begin, uint64_t end, const double *mean,
                     double *sums) {
  for (uint64_t i = begin; i < end;)
    for (uint32_t c = 0; c < m->channels; c++) {
      double sum = 0;
      for (uint64_t k = 0; k < m->inner; k++, i++) {
        double number = number_at(m, i);
        sum += mean ? (number - mean[c]) * (number - mean[c]) : number;
      }
      sums[c] += sum;
    }
}

/** The mean of each channel's numbers, or of their squared distances to `mean`. */
static void add_up(const measured_numbers *m, const double *mean, double *sums) {
  uint64_t count = m->lengths ? 0 : m->count;
  for (uint32_t c = 0; c < m->channels; c++) sums[c] = 0;
  if (!m->lengths) add_part(m, 0, count, mean, sums);
  for (uint64_t s = 0; m->lengths && s < m->count / m->sample; s++) {
    const uint64_t there = (uint64_t)m->lengths[s] * m->channels;
    add_part(m, s * m->sample, s * m->sample + there, mean, sums);
    count += there;
  }
  for (uint32_t c = 0; c < m->channels; c++) sums[c] *= (double)m->channels / (double)count;
}

/** The mean of each channel, and its standard deviation (of all: with n, not n - 1), or 1 if all
    its numbers are the same. */
static void measure(const measured_numbers *m, double *mean, double *std) {
  add_up(m, NULL, mean);
  add_up(m, mean, std);
  for (uint32_t c = 0; c < m->channels; c++) std[c] = std[c] > 0 ? sqrt(std[c]) : 1;
}

/** Numbers as the value of a key, in new memory. */
static char *list_text(const double *numbers, uint32_t count, dg_error *err) {
  enum { NUMBER = 32 };
  const size_t size = count * (size_t)NUMBER + 3;
  char *text = malloc(size);
  if (!text) return dg_fail_memory(err, size), NULL;
  text[0] = '\0';
  for (uint32_t i = 0; i < count; i++) dg_append(text, size, "%s%#.9g", i ? ", " : "[", numbers[i]);
  dg_append(text, size, "]");
  return text;
}

/** The values of measured keys. */
typedef struct {
  dg_override keys[5];
  size_t count;
} measured_keys;

static bool add_key(measured_keys *keys, const char *path, const double *numbers, uint32_t count,
                    dg_error *err) {
  char *text = list_text(numbers, count, err);
  if (text) keys->keys[keys->count++] = (dg_override){"", path, text};
  return text != NULL;
}

/** Measures some numbers for the keys that are to be measured; NULL: that one is not. */
static bool measure_keys(measured_keys *keys, const measured_numbers *m, const char *mean_path,
                         const char *std_path, dg_error *err) {
  double *mean = calloc(2 * (size_t)m->channels, sizeof *mean), *std = mean + m->channels;
  if (!mean) return dg_fail_memory(err, 2 * m->channels * sizeof *mean);
  measure(m, mean, std);
  bool ok = (!mean_path || add_key(keys, mean_path, mean, m->channels, err)) &&
            (!std_path || add_key(keys, std_path, std, m->channels, err));
  free(mean);
  return ok;
}

static bool measure_inputs(const dg_trainer *t, measured_keys *keys, dg_error *err) {
  const dg_data_recipe *recipe = &t->model->data;
  const dg_samples *samples = &t->data->train;
  if (!recipe->mean.word && !recipe->std.word) return true;
  if (!dg_gather_takes(&t->model->input, &samples->kind.shape) ||
      (samples->lengths &&
       (!t->model->lengths || samples->kind.shape.dim[0] != t->model->input.dim[0])))
    return true; /* which dg_trainer_fits refuses */
  const dg_gather_desc layout = dg_gather_describe(t->model, &samples->kind);
  const uint64_t plane = (uint64_t)layout.height * layout.width;
  const measured_numbers m = {
      .numbers = samples->inputs,
      .type = samples->kind.type,
      .white = 255,
      .count = dg_size_times(samples->count, dg_shape_count(&samples->kind.shape)),
      .channels = layout.channels,
      .inner = layout.channels_last ? 1 : plane,
      .sample = dg_shape_count(&samples->kind.shape),
      .lengths = samples->lengths};
  return measure_keys(keys, &m, recipe->mean.word ? "data.mean" : NULL,
                      recipe->std.word ? "data.std" : NULL, err);
}

static bool measure_targets(const dg_trainer *t, measured_keys *keys, dg_error *err) {
  const dg_data_recipe *recipe = &t->model->data;
  const dg_samples *samples = &t->data->train;
  const bool mean = recipe->target_mean.word || recipe->targets == DG_DATA_MEASURE;
  const bool std = recipe->target_std.word || recipe->targets == DG_DATA_MEASURE;
  if (!mean && !std) return true;
  if (!samples->kind.targets)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: targets are to be measured, but the samples of %.300s have labels",
                   t->model->path, t->data->source);
  const measured_numbers m = {.numbers = samples->targets,
                              .type = samples->kind.targets_type,
                              .white = 1,
                              .count = dg_size_times(samples->count, samples->kind.targets),
                              .channels = samples->kind.targets,
                              .inner = 1};
  if (recipe->targets == DG_DATA_MEASURE) {
    char *given = strdup("\"given\"");
    if (!given) return dg_fail_memory(err, sizeof "\"given\"");
    keys->keys[keys->count++] = (dg_override){"", "data.targets", given};
  }
  return measure_keys(keys, &m, mean ? "data.target_mean" : NULL, std ? "data.target_std" : NULL,
                      err);
}

/** Is any number of a recipe to be measured? */
static bool measures(const dg_data_recipe *recipe) {
  return recipe->mean.word || recipe->std.word || recipe->target_mean.word ||
         recipe->target_std.word || recipe->targets == DG_DATA_MEASURE;
}

bool dg_trainer_measure(dg_trainer *t, dg_error *err) {
  const bool validation_given = t->model->data.validation_given;
  measured_keys keys = {.count = 0};
  if (!measures(&t->model->data)) return true;
  if (t->data->train.count == 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: means or deviations are to be measured, but %.300s has no sample to train "
                   "on; take the model in the weights, which has them",
                   t->model->path, t->data->source);
  bool ok = measure_inputs(t, &keys, err) && measure_targets(t, &keys, err);
  if (ok && keys.count) {
    t->measured = dg_model_parse(t->model->text, t->model->path, keys.keys, keys.count, err);
    ok = t->measured != NULL;
  }
  for (size_t i = 0; i < keys.count; i++) free((char *)keys.keys[i].value);
  if (!ok || !t->measured) return ok;
  t->measured->data.validation_given = validation_given;
  t->model = t->measured;
  return true;
}

/* ---- targets on the device ---------------------------------------------- */

dg_sample_kind dg_trainer_kind(const dg_trainer *t) {
  dg_sample_kind kind = t->data->train.kind;
  if (t->model->target == DG_TARGET_INPUT) kind.targets = 0;
  if (kind.targets && dg_scales_targets(t->model)) kind.targets_type = DG_NUMBERS_FLOATS;
  return kind;
}

uint32_t dg_trainer_target_numbers(const dg_trainer *t) {
  const uint32_t targets = t->data->train.kind.targets;
  if (t->model->target == DG_TARGET_INPUT) return 0;
  return targets ? targets : 1;
}

size_t dg_trainer_target_bytes(const dg_trainer *t) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  return t->model->target == DG_TARGET_INPUT ? 0 : dg_target_bytes(&kind);
}

/** The targets of samples as the network learns them, in new memory. */
static uint8_t *scale_targets(const dg_model *model, const dg_samples *samples, dg_error *err) {
  const dg_data_recipe *recipe = &model->data;
  const uint32_t targets = samples->kind.targets;
  const size_t count = samples->count * (size_t)targets;
  const measured_numbers from = {
      .numbers = samples->targets, .type = samples->kind.targets_type, .white = 1};
  float *scaled = malloc(count * sizeof *scaled);
  if (!scaled) return dg_fail_memory(err, count * sizeof *scaled), NULL;
  for (size_t i = 0; i < count; i++) {
    const uint32_t target = (uint32_t)(i % targets);
    scaled[i] = (float)((number_at(&from, i) - dg_number_of(&recipe->target_mean, target, 0)) /
                        dg_number_of(&recipe->target_std, target, 1));
  }
  return (uint8_t *)scaled;
}

bool dg_trainer_targets(const dg_trainer *t, const dg_samples *samples, const uint8_t **targets,
                        uint8_t **owned, dg_error *err) {
  const bool given = t->model->target == DG_TARGET_GIVEN;
  *owned = NULL;
  *targets = !given ? NULL : samples->kind.targets ? samples->targets : samples->labels;
  if (!given || !samples->kind.targets || !dg_scales_targets(t->model)) return true;
  *targets = *owned = scale_targets(t->model, samples, err);
  return *owned != NULL;
}

uint64_t dg_trainer_set_bytes(const dg_trainer *t, uint64_t samples, uint64_t order) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const uint64_t length = t->model->lengths ? sizeof(uint32_t) : 0;
  const uint64_t bytes =
      dg_size_plus(dg_size_plus(dg_input_bytes(&kind), dg_trainer_target_bytes(t)), length);
  return dg_size_plus(dg_size_times(samples, bytes), dg_size_times(order, sizeof(uint32_t)));
}

static bool put_samples(const dg_trainer *t, dg_source *source, const dg_samples *samples,
                        const uint8_t *targets, dg_error *err) {
  return dg_source_put(source, samples->inputs, targets, samples->count, err) &&
         dg_source_put_lengths(source, samples->lengths, t->model->input.dim[0], samples->count,
                               err);
}

bool dg_trainer_upload(const dg_trainer *t, const dg_samples *samples, uint32_t capacity,
                       dg_source *source, dg_error *err) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const uint8_t *targets;
  uint8_t *owned;
  if (!dg_trainer_targets(t, samples, &targets, &owned, err)) return false;
  const dg_source_plan plan = {.samples = samples->count,
                               .order = capacity,
                               .targets = targets != NULL,
                               .lengths = t->model->lengths};
  bool ok = dg_source_open(source, t->device, &kind, &plan, err) &&
            put_samples(t, source, samples, targets, err);
  free(owned);
  if (!ok) dg_source_close(source);
  return ok;
}

bool dg_trainer_reload(dg_trainer *t, dg_error *err) {
  const dg_samples *samples = &t->data->train;
  const uint8_t *targets;
  uint8_t *owned;
  if (!dg_trainer_targets(t, samples, &targets, &owned, err)) return false;
  bool ok = put_samples(t, &t->source, samples, targets, err);
  free(owned);
  return ok;
}

bool dg_trainer_feed(const dg_trainer *t, const dg_samples *samples, const dg_source_plan *plan,
                     dg_source *source, dg_error *err) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const uint8_t *targets;
  uint8_t *owned;
  if (!dg_trainer_targets(t, samples, &targets, &owned, err)) return false;
  dg_source_plan whole = *plan;
  whole.targets = targets != NULL;
  whole.lengths = t->model->lengths;
  if (!dg_source_open(source, t->device, &kind, &whole, err)) return free(owned), false;
  source->kept = owned;
  if (dg_source_feed(source, samples->inputs, targets, err) &&
      dg_source_feed_lengths(source, samples->lengths, t->model->input.dim[0], err))
    return true;
  dg_source_close(source);
  return false;
}

void dg_trainer_restore(const dg_trainer *t, uint32_t n, float *outputs) {
  const dg_gather_desc layout = dg_gather_describe(t->model, &t->data->train.kind);
  dg_restore(t->model, &layout, dg_network_outputs(t->network), n, outputs);
}

/* ---- weights of classes ------------------------------------------------- */

/** samples / (classes * samples of the class); 0 for a class without any. */
static void balance(const dg_samples *samples, uint32_t outputs, float *weights) {
  uint32_t count[DG_MODEL_CLASSES] = {0}, classes = 0;
  for (uint32_t i = 0; i < samples->count; i++) classes += count[samples->labels[i]]++ == 0;
  for (uint32_t c = 0; c < outputs; c++)
    weights[c] = c < DG_MODEL_CLASSES && count[c]
                     ? (float)samples->count / ((float)classes * (float)count[c])
                     : 0;
}

static bool fill_weights(const dg_trainer *t, uint32_t outputs, float *weights, dg_error *err) {
  const dg_number_list *recipe = &t->model->train.class_weights;
  if (!t->data->train.labels || t->model->target == DG_TARGET_INPUT)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: train.class_weights needs labels, but targets are to be learned",
                   t->model->path);
  if (recipe->word) return balance(&t->data->train, outputs, weights), true;
  if (recipe->count != outputs)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: train.class_weights has %u numbers, but the network has %u outputs; give "
                   "one for each",
                   t->model->path, recipe->count, outputs);
  for (uint32_t c = 0; c < outputs; c++) weights[c] = (float)recipe->values[c];
  return true;
}

bool dg_trainer_open_class_weights(dg_trainer *t, dg_error *err) {
  const uint32_t outputs = dg_network_outputs(t->network);
  const dg_number_list *recipe = &t->model->train.class_weights;
  if ((!recipe->word && !recipe->count) || t->test_only) return true;
  float *weights = malloc(outputs * sizeof *weights);
  if (!weights) return dg_fail_memory(err, outputs * sizeof *weights);
  bool ok =
      fill_weights(t, outputs, weights, err) &&
      (t->class_weights =
           dg_trainer_calls(t)->buffer_new(t->device, outputs * sizeof *weights, err)) &&
      dg_trainer_calls(t)->write(t->class_weights, 0, weights, outputs * sizeof *weights, err);
  free(weights);
  return ok;
}
