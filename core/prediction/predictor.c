/** A trained network with gather ops before it. */
#include <pthread.h>
#include <stdlib.h>

#include "core/base/numbers.h"
#include "core/base/sized.h"
#include "core/base/text.h"
#include "core/exec/restore.h"
#include "core/prediction/feed.h"
#include "core/weights/weights.h"
#include "digits/calibration.h"
#include "digits/predict.h"

enum { INITIAL_SEED = 1, TYPES = DG_NUMBERS_FLOATS + 1 };

struct dg_predictor {
  const dg_model *model;
  dg_device *device;
  uint32_t batch;
  double temperature; /**< of the weights; 0: none */
  bool restores;      /**< outputs are those of the last layer, and get their own units */
  dg_network *network;
  dg_feed feeds[TYPES]; /**< of bytes and of floats, each from its first samples on */
};

static const dg_device_calls *calls_of(const dg_predictor *p) {
  return p->device->calls;
}

/* ---- what it takes ------------------------------------------------------- */

static bool takes_pictures(const dg_model *model) {
  return model->input.rank == 3 && model->input.dim[0] == 1;
}

bool dg_predictor_check_pictures(const dg_predictor *p, dg_error *err) {
  const dg_shape *in = &p->model->input;
  char text[64];
  return takes_pictures(p->model) ||
         dg_fail(err, DG_ERR_INPUT, "%s: the input is %s; images need [1, HEIGHT, WIDTH]",
                 p->model->path, dg_shape_text(in, text, sizeof text));
}

/** Are all numbers known by which inputs and outputs are scaled? */
static bool check_measured(const dg_model *model, dg_error *err) {
  const dg_data_recipe *data = &model->data;
  const char *key = data->mean.word                    ? "mean"
                    : data->std.word                   ? "std"
                    : data->target_mean.word           ? "target_mean"
                    : data->target_std.word            ? "target_std"
                    : data->targets == DG_DATA_MEASURE ? "targets"
                                                       : NULL;
  return !key || dg_fail(err, DG_ERR_INPUT,
                         "%s: data.%s is to be measured, which training does; take the model that "
                         "is in the weights, which has the numbers",
                         model->path, key);
}

/** The feed for samples of a kind, which is made for the first ones. */
static dg_feed *feed_for(dg_predictor *p, const dg_sample_kind *kind, dg_error *err) {
  dg_feed *feed = &p->feeds[kind->type];
  if (feed->source.device && dg_shape_equal(&feed->kind.shape, &kind->shape)) return feed;
  if (feed->source.device && !calls_of(p)->finish(p->device, err)) return NULL;
  dg_feed_close(feed);
  if (dg_feed_open(feed, p->model, p->network, p->device, kind, p->batch, err)) return feed;
  dg_feed_close(feed);
  return NULL;
}

/* ---- making it ------------------------------------------------------------ */

static bool check_options(const dg_predictor_options *options, const dg_model *model,
                          const dg_device *device, dg_error *err) {
  const dg_predictor *share = options->share;
  if (!share) return true;
  if (options->weights)
    return dg_fail(err, DG_ERR_INPUT, "a predictor has weights or shares them, not both");
  return (share->model == model && share->device == device) ||
         dg_fail(err, DG_ERR_INPUT,
                 "a predictor shares weights with one of the same model and device only");
}

/** Makes the feed of pictures, so that running them allocates nothing. */
static bool open_pictures(dg_predictor *p, dg_error *err) {
  const dg_shape *in = &p->model->input;
  const dg_sample_kind kind = dg_gray_kind(in->dim[1], in->dim[2]);
  return !takes_pictures(p->model) || feed_for(p, &kind, err);
}

static bool set_up(dg_predictor *p, const dg_predictor_options *options, dg_error *err) {
  const dg_network_for_test how = {.max_n = p->batch,
                                   .owner = options->share ? options->share->network : NULL,
                                   .layer = options->layer};
  if (!check_measured(p->model, err)) return false;
  p->network = dg_network_build_for_test(p->model, p->device, &how, err);
  p->restores = !options->layer;
  if (!p->network || !open_pictures(p, err) ||
      (p->restores && !dg_restore_check(p->model, dg_network_outputs(p->network), err)))
    return false;
  if (options->share) return p->temperature = options->share->temperature, true;
  return options->weights ? dg_weights_load(p->network, options->weights, &p->temperature, err)
                          : dg_network_initialize(p->network, INITIAL_SEED, err);
}

dg_predictor *dg_predictor_new(const dg_model *model, dg_device *device,
                               const dg_predictor_options *given, dg_error *err) {
  dg_predictor_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_predictor_options", err) ||
      !check_options(&options, model, device, err))
    return NULL;
  dg_predictor *p = calloc(1, sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p), NULL;
  p->model = model;
  p->device = device;
  p->batch = options.batch ? options.batch : 1;
  if (set_up(p, &options, err)) return p;
  dg_predictor_free(p);
  return NULL;
}

void dg_predictor_free(dg_predictor *p) {
  if (!p) return;
  calls_of(p)->finish(p->device, NULL);
  for (int type = 0; type < TYPES; type++) dg_feed_close(&p->feeds[type]);
  dg_network_free(p->network);
  free(p);
}

uint32_t dg_predictor_height(const dg_predictor *p) {
  return takes_pictures(p->model) ? p->model->input.dim[1] : 0;
}

uint32_t dg_predictor_width(const dg_predictor *p) {
  return takes_pictures(p->model) ? p->model->input.dim[2] : 0;
}

uint32_t dg_predictor_input(const dg_predictor *p, uint32_t dim[3]) {
  const dg_shape *in = &p->model->input;
  for (uint32_t i = 0; i < in->rank; i++) dim[i] = in->dim[i];
  return in->rank;
}

uint32_t dg_predictor_outputs(const dg_predictor *p) {
  return dg_network_outputs(p->network);
}

dg_task dg_predictor_task(const dg_predictor *p) {
  const dg_model *model = p->model;
  const bool classes = dg_network_outputs(p->network) > 1 && !dg_scales_targets(model);
  if (model->target == DG_TARGET_INPUT || !p->restores) return DG_TASK_VALUES;
  if (model->loss == DG_LOSS_BCE) return DG_TASK_LABELS;
  return model->loss == DG_LOSS_CROSS_ENTROPY || classes ? DG_TASK_CLASS : DG_TASK_VALUES;
}

/* ---- running ------------------------------------------------------------ */

/** Samples in the caller's memory. */
typedef struct {
  const uint8_t *inputs;
  dg_sample_kind kind;
  uint32_t count;
  const uint32_t *lengths; /**< NULL: all are whole */
} samples;

/** Runs at most one batch, from sample `first` on. */
static bool run_batch(dg_predictor *p, dg_feed *feed, const samples *s, uint32_t first, uint32_t n,
                      float *outputs, dg_error *err) {
  const dg_step step = {.n = n};
  const uint8_t *inputs = s->inputs + first * dg_input_bytes(&s->kind);
  return dg_feed_run(feed, inputs, s->lengths ? s->lengths + first : NULL, n, err) &&
         dg_network_forward(p->network, &step, err) &&
         calls_of(p)->read(dg_network_output(p->network), 0, outputs,
                           (size_t)n * dg_network_outputs(p->network) * sizeof *outputs, err);
}

static bool run_batches(dg_predictor *p, const samples *s, float *outputs, dg_error *err) {
  const size_t each = dg_network_outputs(p->network);
  dg_feed *feed = feed_for(p, &s->kind, err);
  if (!feed) return false;
  for (uint32_t first = 0; first < s->count; first += p->batch) {
    uint32_t n = s->count - first < p->batch ? s->count - first : p->batch;
    if (!run_batch(p, feed, s, first, n, outputs + first * each, err)) return false;
    if (n < p->batch) break; /* the sum could overflow 32 bits */
  }
  return true;
}

static bool run(dg_predictor *p, const samples *s, float *outputs, dg_error *err) {
  const uint32_t each = dg_network_outputs(p->network);
  pthread_mutex_lock(&p->device->turn);
  const bool done = run_batches(p, s, outputs, err);
  pthread_mutex_unlock(&p->device->turn);
  if (!done || !dg_network_check_logits(p->network, outputs, s->count, err)) return false;
  const dg_gather_desc layout = dg_gather_describe(p->model, &s->kind);
  if (p->restores) dg_restore(p->model, &layout, each, s->count, outputs);
  return true;
}

bool dg_predictor_run(dg_predictor *p, const uint8_t *images, uint32_t count, float *logits,
                      dg_error *err) {
  const dg_sample_kind kind = dg_gray_kind(dg_predictor_height(p), dg_predictor_width(p));
  return dg_predictor_check_pictures(p, err) &&
         dg_network_check_words(p->network, &kind, images, NULL, count, err) &&
         run(p, &(samples){images, kind, count, NULL}, logits, err);
}

/** The shape of a sample of an array. */
static dg_shape shape_of(const dg_shape *input, const dg_ndarray *array) {
  dg_shape shape = {array->rank - 1, {array->dim[1], array->dim[2], array->dim[3]}};
  if (shape.rank == 2 && input->rank == 3) /* pictures without their one channel */
    return (dg_shape){3, {1, array->dim[1], array->dim[2]}};
  return shape;
}

static bool fail_shape(const dg_predictor *p, const dg_ndarray *array, dg_error *err) {
  uint32_t dim[3];
  char takes[80] = "[N", given[80] = "[N";
  const uint32_t rank = dg_predictor_input(p, dim);
  for (uint32_t i = 0; i < rank; i++) dg_append(takes, sizeof takes, ", %u", dim[i]);
  for (uint32_t i = 1; i < array->rank && i < DG_NDARRAY_RANK; i++)
    dg_append(given, sizeof given, ", %u", array->dim[i]);
  return dg_fail(err, DG_ERR_INPUT, "%s: the network takes N samples as %s], not as %s]",
                 p->model->path, takes, given);
}

/** The first number that counts and is not finite; their count: there is none. */
static size_t find_nonfinite(const samples *s, const float *numbers) {
  const size_t each = dg_shape_count(&s->kind.shape), count = s->count * each;
  if (!s->lengths) return dg_first_nonfinite(numbers, count);
  for (size_t i = 0; i < s->count; i++) {
    const size_t there = each / s->kind.shape.dim[0] * s->lengths[i];
    const size_t at = dg_first_nonfinite(numbers + i * each, there);
    if (at < there) return i * each + at;
  }
  return count;
}

/** Are all numbers finite? */
static bool check_finite(const samples *s, const float *numbers, dg_error *err) {
  const size_t each = dg_shape_count(&s->kind.shape), count = s->count * each;
  const size_t at = find_nonfinite(s, numbers);
  uint64_t dim[3];
  char index[80];
  if (at == count) return true;
  for (uint32_t i = 0; i < s->kind.shape.rank; i++) dim[i] = s->kind.shape.dim[i];
  dg_index_text(s->kind.shape.rank, dim, at % each, index, sizeof index);
  return dg_fail(err, DG_ERR_INPUT,
                 "sample %zu (the first is 0) has %g at %s: inputs must be finite", at / each,
                 (double)numbers[at], index);
}

/** Does the model know lengths, and are these possible? */
static bool check_lengths(const dg_predictor *p, const samples *s, dg_error *err) {
  const dg_model *model = p->model;
  const uint32_t steps = model->input.dim[0];
  if (!s->lengths) return true;
  if (!model->lengths)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the network takes whole sequences, not lengths: it was not trained with "
                   "lengths = true",
                   model->path);
  if (s->kind.shape.dim[0] != steps)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the input is of %u steps, but the lengths of the samples are of %u",
                   model->path, steps, s->kind.shape.dim[0]);
  return dg_network_check_lengths(p->network, steps, s->lengths, 0, s->count, err);
}

bool dg_predictor_run_array(dg_predictor *p, const dg_ndarray *inputs, float *outputs,
                            dg_error *err) {
  return dg_predictor_run_sequences(p, inputs, NULL, outputs, err);
}

bool dg_predictor_run_sequences(dg_predictor *p, const dg_ndarray *inputs, const uint32_t *lengths,
                                float *outputs, dg_error *err) {
  if (inputs->rank < 2 || inputs->rank > DG_NDARRAY_RANK) return fail_shape(p, inputs, err);
  const samples s = {inputs->numbers,
                     {.shape = shape_of(&p->model->input, inputs), .type = inputs->type},
                     inputs->dim[0],
                     lengths};
  if (!dg_gather_takes(&p->model->input, &s.kind.shape)) return fail_shape(p, inputs, err);
  if (s.kind.type != DG_NUMBERS_BYTES && s.kind.type != DG_NUMBERS_FLOATS)
    return dg_fail(err, DG_ERR_INPUT, "an array has bytes or floats, not numbers of the type %d",
                   (int)s.kind.type);
  return check_lengths(p, &s, err) &&
         (s.kind.type == DG_NUMBERS_BYTES || check_finite(&s, inputs->numbers, err)) &&
         dg_network_check_words(p->network, &s.kind, s.inputs, s.lengths, s.count, err) &&
         run(p, &s, outputs, err);
}

/* ---- probabilities ------------------------------------------------------ */

double dg_predictor_temperature(const dg_predictor *p) {
  return p->temperature;
}

void dg_predictor_probabilities(const dg_predictor *p, const float *logits, uint32_t count,
                                float *probabilities) {
  dg_probabilities(p->model, p->temperature, logits, count, dg_network_outputs(p->network),
                   probabilities);
}
