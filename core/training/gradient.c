/**
 * The gradient of a training step over one batch or several accumulated ones, each as a whole or in
 * slices. The reduction uses two kinds of trees: one over the batches, and, in each leaf and for
 * every stage of the network, one over the slices of the batch.
 */
#include "core/parallel/tree.h"
#include "core/training/trainer.h"

/** A step that is running. */
typedef struct {
  dg_trainer *trainer;
  const dg_step *step; /**< the whole step */
} whole;

/** A batch of the step, in a stage. */
typedef struct {
  dg_trainer *trainer;
  dg_step step; /**< the batch: batch_index and first are its first sample's */
  uint32_t all; /**< samples of the whole step */
  uint32_t root;
  uint32_t stage; /**< forward stages, then backward ones; the last forward stage also runs the loss
                     and the first backward stage */
} batch;

static uint32_t sync_count_of(const batch *b) {
  return dg_network_sync_count(b->trainer->network);
}

/* ---- slices ------------------------------------------------------------- */

/** The loss of a slice is divided by the samples of all batches. */
static bool run_loss(const batch *b, uint32_t instance, dg_step step, dg_error *err) {
  step.whole = b->all;
  step.slot = dg_metrics_slot(&b->trainer->metrics);
  return dg_bound_forward(&b->trainer->batch_ops[instance].loss, &step, err);
}

static bool run_slice(void *user, uint32_t slice, uint32_t level, dg_error *err) {
  const batch *b = user;
  dg_trainer *t = b->trainer;
  uint32_t slices = dg_trainer_slices(t), begin = dg_slice_begin(b->step.n, slices, slice);
  dg_step step = b->step;
  step.whole = b->step.n;
  step.n = dg_slice_begin(b->step.n, slices, slice + 1) - begin;
  step.first += begin;
  step.batch_index += begin;
  uint32_t own = slice < begin ? slice : begin; /* slices without samples have no instance */
  const dg_network_part part = {
      .instance = sync_count_of(b) ? own : 0, .level = level, .root = b->root};
  if (b->stage == 0 && !dg_gather_run(&t->batch_ops[part.instance].gather, &step, err))
    return false;
  if (b->stage <= sync_count_of(b) &&
      !dg_network_forward_stage(t->network, b->stage, &part, &step, err))
    return false;
  if (b->stage < sync_count_of(b)) return true;
  return (b->stage > sync_count_of(b) || run_loss(b, part.instance, step, err)) &&
         dg_network_backward_stage(t->network, b->stage - sync_count_of(b), &part, &step, err);
}

static bool reduce_slices(void *user, uint32_t level, uint32_t right, uint32_t both,
                          dg_error *err) {
  const batch *b = user;
  dg_network *network = b->trainer->network;
  dg_step step = b->step;
  step.n = right;
  step.whole = both;
  if (b->stage < sync_count_of(b))
    return dg_network_merge_forward(network, b->stage, level, &step, err);
  return dg_network_reduce_backward(network, b->stage - sync_count_of(b), level, &step, err);
}

/* ---- batches ------------------------------------------------------------ */

static bool run_batch(void *user, uint32_t index, uint32_t level, dg_error *err) {
  const whole *w = user;
  dg_trainer *t = w->trainer;
  uint32_t batches = t->model->train.accumulate, n = w->step->n;
  uint32_t begin = dg_slice_begin(n, batches, index);
  batch b = {.trainer = t, .step = *w->step, .all = n, .root = level};
  b.step.n = b.step.whole = dg_slice_begin(n, batches, index + 1) - begin;
  b.step.first += begin;
  b.step.batch_index = begin;
  const dg_tree tree = {b.step.n, dg_trainer_slices(t), run_slice, reduce_slices, &b};
  uint32_t syncs = dg_network_sync_count(t->network);
  for (; b.stage <= 2 * syncs; b.stage++)
    if (!dg_tree_run(&tree, level, err) ||
        !dg_network_finish_forward(t->network, b.stage, level, &b.step, err))
      return false;
  return true;
}

static bool reduce_batches(void *user, uint32_t level, uint32_t right, uint32_t both,
                           dg_error *err) {
  const whole *w = user;
  (void)right, (void)both;
  for (uint32_t i = 0; i <= dg_network_sync_count(w->trainer->network); i++)
    if (!dg_network_reduce_backward(w->trainer->network, i, level, w->step, err)) return false;
  return true;
}

bool dg_trainer_gradient(dg_trainer *t, const dg_step *step, dg_error *err) {
  whole w = {t, step};
  const dg_tree tree = {step->n, t->model->train.accumulate, run_batch, reduce_batches, &w};
  dg_metrics_begin(&t->metrics, step->n);
  return dg_tree_run(&tree, 0, err);
}
