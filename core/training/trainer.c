/** The trainer: one loop for every network, on every device. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/digits.h"
#include "core/network/network.h"
#include "core/support/clock.h"
#include "core/support/philox.h"
#include "core/training/feed.h"
#include "core/training/meter.h"
#include "core/training/schedule.h"
#include "core/weights/weights.h"

/** A prepared step op with the buffers that it runs on. */
typedef struct {
  dg_op *op;
  dg_op_buffers buffers;
  dg_buffer *workspace;
} step_op;

struct dg_trainer {
  const dg_model *model;
  const dg_dataset *data;
  dg_device *device;
  dg_listener listener;
  uint32_t seed;
  bool test_only;
  dg_network *network;
  dg_feed feed; /**< the training images */
  dg_meter meter;
  step_op gather, loss, update;
  dg_buffer *labels; /**< of the batch: uint32 [batch] */
  dg_buffer *state;  /**< of the optimizer; NULL where it has none */
  dg_buffer *fault;  /**< uint32 [2], see dg_update_desc */
  uint32_t train_count, validation_count;
  uint32_t steps;            /**< of an epoch */
  uint32_t *members;         /**< training samples, then validation samples */
  uint32_t *order;           /**< of an epoch, [steps * batch] */
  float *best;               /**< parameters of the best epoch */
  double best_accuracy;      /**< negative before the first validation */
  double started, last_read; /**< seconds */
};

static const dg_device_calls *calls_of(const dg_trainer *t) {
  return t->device->calls;
}

/* ---- setting up --------------------------------------------------------- */

static bool fits_input(const dg_model *model, const dg_samples *samples, dg_error *err) {
  const dg_shape *in = &model->input;
  uint32_t h = samples->height, w = samples->width;
  bool right = dg_shape_count(in) == (uint64_t)h * w;
  if (in->rank == 3) right = in->dim[0] == 1 && in->dim[1] == h && in->dim[2] == w;
  char text[64];
  return right || dg_fail(err, DG_ERR_INPUT,
                          "%s: the input is %s, but the images are of %ux%u: input = [1, %u, %u]",
                          model->path, dg_shape_text(in, text, sizeof text), h, w, h, w);
}

static bool fits_data(const dg_trainer *t, const dg_dataset *data, dg_error *err) {
  uint32_t outputs = dg_network_outputs(t->network);
  return data->classes <= outputs ||
         dg_fail(err, DG_ERR_INPUT, "%s: the last layer has %u outputs, but the labels go to %u",
                 t->model->path, outputs, data->classes - 1);
}

/** Splits off the validation samples by the seed, and counts the steps of an epoch. */
static bool split(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  uint32_t count = t->data->train.count;
  t->validation_count = t->model->data.validation;
  if (t->validation_count >= count)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: validation = %u leaves nothing of %u samples to train on", t->model->path,
                   t->validation_count, count);
  t->train_count = count - t->validation_count;
  uint64_t steps = recipe->steps ? recipe->steps
                                 : ((uint64_t)t->train_count + recipe->batch - 1) / recipe->batch;
  uint64_t places = recipe->steps ? steps * recipe->batch : t->train_count;
  if (places > UINT32_MAX / sizeof(uint32_t))
    return dg_fail(err, DG_ERR_INPUT, "%s: steps * batch is too large", t->model->path);
  t->steps = (uint32_t)steps;
  t->members = malloc(count * sizeof *t->members);
  /* room for the permutation that passes the end, see order_epoch */
  t->order = malloc((places + t->train_count) * sizeof *t->order);
  if (!t->members || !t->order) return dg_fail_memory(err, places * sizeof *t->order);
  if (t->validation_count)
    dg_shuffled(t->members, count, t->seed, dg_stream(DG_STREAM_SPLIT, 0), 0, 0);
  else
    for (uint32_t i = 0; i < count; i++) t->members[i] = i;
  uint32_t room = places > t->validation_count ? (uint32_t)places : t->validation_count;
  return dg_feed_open(&t->feed, t->device, &t->data->train, room, err);
}

/** Prepares a step op and its workspace; `what` is for messages. */
static bool prepare(dg_trainer *t, step_op *s, const char *what, const dg_op_desc *desc,
                    dg_error *err) {
  if (!calls_of(t)->supports(t->device, desc))
    return dg_fail(err, DG_ERR_UNSUPPORTED, "the %s device \"%s\" can't run the %s op",
                   t->device->backend, t->device->info.name, what);
  s->op = calls_of(t)->prepare(t->device, desc, t->model->train.batch, true, err);
  if (!s->op) return dg_fail_prefix(err, "%s", what);
  size_t bytes = s->op->needs.forward_workspace;
  if (bytes) s->workspace = calls_of(t)->buffer_new(t->device, bytes, err);
  s->buffers.workspace = s->workspace;
  return bytes == 0 || s->workspace;
}

static bool new_buffer(dg_trainer *t, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = calls_of(t)->buffer_new(t->device, bytes, err)) != NULL;
}

static bool prepare_gather(dg_trainer *t, dg_error *err) {
  const dg_data_recipe *recipe = &t->model->data;
  dg_op_desc desc = {.kind = DG_OP_GATHER,
                     .gather = {.height = t->data->train.height,
                                .width = t->data->train.width,
                                .mean = (float)recipe->mean,
                                .std = (float)recipe->std}};
  if (!new_buffer(t, t->model->train.batch * sizeof(uint32_t), &t->labels, err) ||
      !prepare(t, &t->gather, "gather", &desc, err))
    return false;
  t->gather.buffers.out[0] = dg_network_input(t->network);
  t->gather.buffers.out[1] = t->labels;
  return true;
}

static bool prepare_loss(dg_trainer *t, dg_error *err) {
  dg_op_desc desc = {
      .kind = DG_OP_LOSS,
      .loss = {.kind = (dg_loss_kind)t->model->loss, .classes = dg_network_outputs(t->network)}};
  if (!prepare(t, &t->loss, "loss", &desc, err)) return false;
  t->loss.buffers.in[0] = dg_network_output(t->network);
  t->loss.buffers.in[1] = t->labels;
  t->loss.buffers.out[0] = dg_network_d_output(t->network);
  t->loss.buffers.out[1] = t->meter.losses;
  t->loss.buffers.out[2] = t->meter.correct;
  return true;
}

static uint32_t state_arrays(const dg_optimizer_recipe *recipe) {
  if (recipe->kind == DG_SGD) return recipe->momentum > 0.0;
  return 2;
}

static bool prepare_update(dg_trainer *t, dg_error *err) {
  const dg_optimizer_recipe *o = &t->model->train.optimizer;
  uint32_t floats = dg_network_floats(t->network), arrays = state_arrays(o);
  static const uint32_t no_fault[2] = {0, UINT32_MAX};
  dg_op_desc desc = {.kind = DG_OP_UPDATE,
                     .update = {.kind = o->kind,
                                .count = floats,
                                .momentum = (float)o->momentum,
                                .nesterov = o->nesterov,
                                .beta1 = (float)o->beta1,
                                .beta2 = (float)o->beta2,
                                .rho = (float)o->rho,
                                .eps = (float)o->eps,
                                .weight_decay = (float)o->weight_decay,
                                .decoupled = o->decoupled,
                                .clip_norm = (float)t->model->train.clip_norm}};
  if ((arrays && !new_buffer(t, (size_t)arrays * floats * sizeof(float), &t->state, err)) ||
      !new_buffer(t, sizeof no_fault, &t->fault, err) ||
      !calls_of(t)->write(t->fault, 0, no_fault, sizeof no_fault, err) ||
      !prepare(t, &t->update, "update", &desc, err))
    return false;
  t->update.buffers.in[0] = dg_network_gradients(t->network);
  t->update.buffers.out[0] = dg_network_parameters(t->network);
  t->update.buffers.out[1] = t->state;
  t->update.buffers.out[2] = t->fault;
  return true;
}

static bool set_up(dg_trainer *t, dg_error *err) {
  if (!fits_input(t->model, &t->data->train, err)) return false;
  t->network = dg_network_build(t->model, t->device, t->model->train.batch, !t->test_only, err);
  if (!t->network || !fits_data(t, t->data, err)) return false;
  if (!dg_meter_open(&t->meter, t->device, err) || !prepare_gather(t, err) ||
      !prepare_loss(t, err) || !dg_network_initialize(t->network, t->seed, err))
    return false;
  if (t->test_only) return true;
  t->best = malloc(dg_network_floats(t->network) * sizeof(float));
  if (!t->best) return dg_fail_memory(err, dg_network_floats(t->network) * sizeof(float));
  return split(t, err) && prepare_update(t, err);
}

dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                           const dg_trainer_options *options, dg_error *err) {
  dg_trainer *t = calloc(1, sizeof *t);
  if (!t) return dg_fail_memory(err, sizeof *t), NULL;
  t->model = model;
  t->device = device;
  t->data = data;
  t->seed = options->seed;
  t->test_only = options->test_only;
  t->listener = options->listener;
  if (set_up(t, err)) return t;
  dg_trainer_free(t);
  return NULL;
}

static void release(dg_trainer *t, step_op *s) {
  calls_of(t)->op_free(s->op);
  calls_of(t)->buffer_free(s->workspace);
}

void dg_trainer_free(dg_trainer *t) {
  if (!t) return;
  calls_of(t)->finish(t->device, NULL);
  release(t, &t->gather);
  release(t, &t->loss);
  release(t, &t->update);
  calls_of(t)->buffer_free(t->labels);
  calls_of(t)->buffer_free(t->state);
  calls_of(t)->buffer_free(t->fault);
  dg_meter_close(&t->meter);
  dg_feed_close(&t->feed);
  dg_network_free(t->network);
  free(t->members);
  free(t->order);
  free(t->best);
  free(t);
}

uint64_t dg_trainer_parameters(const dg_trainer *t) {
  return dg_network_parameter_count(t->network);
}

uint32_t dg_trainer_outputs(const dg_trainer *t) {
  return dg_network_outputs(t->network);
}

uint32_t dg_trainer_train_samples(const dg_trainer *t) {
  return t->train_count;
}

uint32_t dg_trainer_validation_samples(const dg_trainer *t) {
  return t->validation_count;
}

/* ---- steps -------------------------------------------------------------- */

static bool run(dg_trainer *t, step_op *s, const dg_step *step, dg_error *err) {
  return calls_of(t)->forward(s->op, &s->buffers, step, err);
}

static void read_from(step_op *gather, const dg_feed *feed) {
  gather->buffers.in[0] = feed->images;
  gather->buffers.in[1] = feed->labels;
  gather->buffers.in[2] = feed->order;
}

/** Gathers a batch and runs it through the network and the loss. */
static bool run_forward(dg_trainer *t, dg_step *step, dg_error *err) {
  step->slot = dg_meter_slot(&t->meter, step->n);
  return run(t, &t->gather, step, err) && dg_network_forward(t->network, step, err) &&
         run(t, &t->loss, step, err);
}

static bool train_step(dg_trainer *t, dg_step *step, dg_error *err) {
  return run_forward(t, step, err) && dg_network_backward(t->network, step, err) &&
         run(t, &t->update, step, err);
}

/** Copies what the network gave for the samples of a step to their places in `logits`. */
static bool read_logits(dg_trainer *t, const dg_step *step, float *logits, dg_error *err) {
  size_t outputs = dg_network_outputs(t->network);
  return calls_of(t)->read(dg_network_output(t->network), 0, logits + step->first * outputs,
                           step->n * outputs * sizeof(float), err);
}

/**
 * Scores the network on the first `count` samples of a feed's order. `logits` [count, outputs],
 * unless NULL, gets what it gave for them.
 */
static bool evaluate(dg_trainer *t, const dg_feed *feed, uint32_t count, dg_score *score,
                     float *logits, dg_error *err) {
  const float *losses;
  uint32_t read, batch = t->model->train.batch;
  read_from(&t->gather, feed);
  dg_meter_reset(&t->meter);
  for (uint32_t first = 0; first < count; first += batch) {
    dg_step step = {.n = count - first < batch ? count - first : batch, .first = first};
    if (dg_meter_full(&t->meter) && !dg_meter_read(&t->meter, &losses, &read, err)) return false;
    if (!run_forward(t, &step, err) || (logits && !read_logits(t, &step, logits, err)))
      return false;
  }
  if (!dg_meter_read(&t->meter, &losses, &read, err)) return false;
  *score = dg_meter_score(&t->meter);
  return true;
}

/* ---- an epoch ----------------------------------------------------------- */

/** Writes the order of an epoch: one random permutation of the training samples after another. */
static bool order_epoch(dg_trainer *t, uint32_t epoch, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  uint32_t places = recipe->steps ? t->steps * recipe->batch : t->train_count;
  for (uint32_t done = 0, round = 0; done < places; done += t->train_count, round++)
    dg_shuffled(t->order + done, t->train_count, t->seed, dg_stream(DG_STREAM_SHUFFLE, 0), epoch,
                round);
  for (uint32_t i = 0; i < places; i++) t->order[i] = t->members[t->order[i]];
  return dg_feed_order(&t->feed, t->order, places, err);
}

static const char *parameter_at(const dg_network *network, uint32_t element) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list);
  const char *name = "?";
  for (uint32_t i = 0; i < count && list[i].offset <= element; i++) name = list[i].name;
  return name;
}

/** Names the first step and parameter whose gradient was not finite, or else the loss. */
static bool check_finite(dg_trainer *t, uint64_t first, const float *losses, uint32_t count,
                         dg_error *err) {
  uint32_t fault[2];
  if (!calls_of(t)->read(t->fault, 0, fault, sizeof fault, err)) return false;
  if (fault[0])
    return dg_fail(err, DG_ERR_RUNTIME,
                   "training diverged: the gradient of \"%s\" is not finite at step %u (of epoch "
                   "%u); try a smaller --lr",
                   parameter_at(t->network, fault[1]), fault[0] - 1, (fault[0] - 1) / t->steps + 1);
  for (uint32_t i = 0; i < count; i++)
    if (!isfinite(losses[i]))
      return dg_fail(err, DG_ERR_RUNTIME,
                     "training diverged: the loss is not finite at step %llu; try a smaller --lr",
                     (unsigned long long)(first + i));
  return true;
}

/** Where an epoch stands. */
typedef struct {
  uint32_t epoch, done;
  uint64_t reported; /**< steps of the whole run whose losses were handed on */
  double started;
} place;

static bool report_progress(dg_trainer *t, const place *at, double now) {
  const dg_train_recipe *recipe = &t->model->train;
  if (!t->listener.progress) return true;
  uint64_t total = (uint64_t)recipe->epochs * t->steps;
  uint64_t seen = (uint64_t)at->done * recipe->batch;
  if (seen > t->train_count && !recipe->steps) seen = t->train_count;
  dg_progress progress = {.epoch = at->epoch + 1,
                          .epochs = recipe->epochs,
                          .step = at->done,
                          .steps = t->steps,
                          .samples_per_second = (double)seen / (now - at->started),
                          .seconds_left = (now - t->started) / (double)at->reported *
                                          (double)(total - at->reported)};
  return t->listener.progress(t->listener.user, &progress);
}

/** Waits for the steps that were enqueued and hands on their losses. */
static bool catch_up(dg_trainer *t, place *at, dg_error *err) {
  const float *losses;
  uint32_t count;
  if (!dg_meter_read(&t->meter, &losses, &count, err)) return false;
  bool finite = check_finite(t, at->reported, losses, count, err);
  for (uint32_t i = 0; i < count && t->listener.step; i++)
    t->listener.step(t->listener.user, at->reported + i, losses[i]);
  if (!finite) return false;
  at->reported += count;
  t->last_read = dg_seconds();
  return report_progress(t, at, t->last_read) ||
         dg_fail(err, DG_ERR_INTERRUPTED, "interrupted in epoch %u after step %u of %u",
                 at->epoch + 1, at->done, t->steps);
}

static dg_step step_at(const dg_trainer *t, const place *at) {
  const dg_train_recipe *recipe = &t->model->train;
  uint64_t index = (uint64_t)at->epoch * t->steps + at->done;
  uint32_t first = at->done * recipe->batch;
  uint32_t left = recipe->steps ? recipe->batch : t->train_count - first;
  return (dg_step){.n = left < recipe->batch ? left : recipe->batch,
                   .train = true,
                   .seed = t->seed,
                   .step = (uint32_t)index,
                   .first = first,
                   .lr = (float)dg_learning_rate(&recipe->schedule, recipe->optimizer.lr, index,
                                                 t->steps, (uint64_t)recipe->epochs * t->steps)};
}

static bool train_epoch(dg_trainer *t, uint32_t epoch, dg_epoch_report *report, dg_error *err) {
  const double read_every = 1.0; /* seconds between two looks at the device */
  place at = {.epoch = epoch, .reported = (uint64_t)epoch * t->steps, .started = dg_seconds()};
  if (!order_epoch(t, epoch, err)) return false;
  read_from(&t->gather, &t->feed);
  dg_meter_reset(&t->meter);
  for (at.done = 0; at.done < t->steps;) {
    dg_step step = step_at(t, &at);
    if (!train_step(t, &step, err)) return false;
    at.done++;
    report->lr = step.lr;
    bool look =
        dg_meter_full(&t->meter) || at.done == t->steps || dg_seconds() - t->last_read > read_every;
    if (look && !catch_up(t, &at, err)) return false;
  }
  report->train = dg_meter_score(&t->meter);
  report->seconds = dg_seconds() - at.started;
  report->samples_per_second = report->train.total / report->seconds;
  return true;
}

/** Validates after an epoch and remembers the best parameters. */
static bool validate(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  const uint32_t *members = t->members + t->train_count;
  if (!dg_feed_order(&t->feed, members, t->validation_count, err) ||
      !evaluate(t, &t->feed, t->validation_count, &report->validation, NULL, err))
    return false;
  report->validated = true;
  report->best = report->validation.accuracy > t->best_accuracy;
  if (!report->best) return true;
  t->best_accuracy = report->validation.accuracy;
  return dg_network_read(t->network, t->best, err);
}

bool dg_train(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  t->best_accuracy = -1;
  t->started = t->last_read = dg_seconds();
  for (uint32_t epoch = 0; epoch < recipe->epochs; epoch++) {
    dg_epoch_report report = {.epoch = epoch + 1, .epochs = recipe->epochs};
    if (!train_epoch(t, epoch, &report, err) || (t->validation_count && !validate(t, &report, err)))
      return false;
    if (t->listener.epoch) t->listener.epoch(t->listener.user, &report);
  }
  return recipe->keep != DG_KEEP_BEST || dg_network_write(t->network, t->best, err);
}

bool dg_save(dg_trainer *t, const char *path, dg_error *err) {
  return dg_weights_save(t->network, t->model, path, err);
}

bool dg_load(dg_trainer *t, const char *path, dg_error *err) {
  return dg_weights_load(t->network, path, err);
}

/** Runs the network on the test images of `data` (NULL: the trainer's own); see evaluate. */
static bool run_test(dg_trainer *t, const dg_dataset *data, dg_score *score, float *logits,
                     dg_error *err) {
  const dg_samples *samples = data ? &data->test : &t->data->test;
  if (!fits_input(t->model, samples, err) || !fits_data(t, data ? data : t->data, err))
    return false;
  dg_feed feed;
  if (!dg_feed_open(&feed, t->device, samples, samples->count, err)) return false;
  uint32_t *order = malloc(samples->count * sizeof *order);
  for (uint32_t i = 0; order && i < samples->count; i++) order[i] = i;
  bool right = order ? dg_feed_order(&feed, order, samples->count, err)
                     : dg_fail_memory(err, samples->count * sizeof *order);
  right = right && evaluate(t, &feed, samples->count, score, logits, err);
  free(order);
  calls_of(t)->finish(t->device, NULL);
  dg_feed_close(&feed);
  return right;
}

bool dg_test(dg_trainer *t, const dg_dataset *data, dg_score *score, dg_error *err) {
  return run_test(t, data, score, NULL, err);
}

bool dg_predict(dg_trainer *t, const dg_dataset *data, float *logits, dg_error *err) {
  dg_score score;
  return run_test(t, data, &score, logits, err);
}
