/** Single training steps on samples from the caller. */
#include <stdlib.h>

#include "core/base/sized.h"
#include "core/training/trainer.h"

/** The caller's samples; nothing is changed in them. */
static dg_samples samples_of(const dg_trainer *t, const dg_batch *batch) {
  return (dg_samples){.count = batch->count,
                      .kind = t->data->train.kind,
                      .inputs = (uint8_t *)(batch->inputs ? batch->inputs : batch->images),
                      .labels = (uint8_t *)batch->labels,
                      .targets = (uint8_t *)batch->targets,
                      .lengths = (uint32_t *)batch->lengths};
}

static bool check_contents(const dg_trainer *t, const dg_batch *batch, dg_error *err) {
  const uint32_t outputs = dg_network_outputs(t->network);
  const dg_sample_kind *kind = &t->data->train.kind;
  if (!batch->inputs && (!batch->images || kind->type != DG_NUMBERS_BYTES))
    return dg_fail(err, DG_ERR_INPUT, "a training step was given no inputs");
  if (batch->lengths && !t->model->lengths)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: a training step was given lengths, but the model takes all steps of its "
                   "samples: lengths=true would fit",
                   t->model->path) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  if (!dg_network_check_lengths(t->network, t->model->input.dim[0], batch->lengths, 0, batch->count,
                                err) ||
      (batch->inputs &&
       !dg_network_check_words(t->network, kind, batch->inputs, batch->lengths, batch->count, err)))
    return false;
  if (t->model->target == DG_TARGET_INPUT) return true;
  if (kind->targets ? !batch->targets : !batch->labels)
    return dg_fail(err, DG_ERR_INPUT, "a training step was given no %s",
                   kind->targets ? "targets" : "labels");
  for (uint32_t i = 0; !kind->targets && i < batch->count; i++)
    if (batch->labels[i] >= outputs)
      return dg_fail(err, DG_ERR_INPUT,
                     "sample %u has the label %u, but the network has %u outputs", i,
                     batch->labels[i], outputs);
  return true;
}

static bool check_batch(const dg_trainer *t, const dg_batch *batch, dg_error *err) {
  uint32_t most = dg_trainer_step_samples(t);
  if (t->test_only)
    return dg_fail(err, DG_ERR_INPUT, "the trainer was made to test only: it can't train");
  if (batch->count == 0 || batch->count > most)
    return dg_fail(err, DG_ERR_INPUT,
                   "%u samples were given for a training step; the model's recipe takes 1 to %u",
                   batch->count, most);
  const dg_samples samples = samples_of(t, batch);
  return check_contents(t, batch, err) && dg_trainer_check_targets(t, &samples, "of the step", err);
}

static bool open_given(dg_trainer *t, const dg_sample_kind *kind, const dg_source_plan *plan,
                       dg_error *err) {
  if (!dg_source_open(&t->given, t->device, kind, plan, err)) return false;
  if (dg_source_in_turn(&t->given, err)) return true;
  dg_source_close(&t->given);
  return false;
}

/** Uploads the samples; memory for them is allocated once. */
static bool put(dg_trainer *t, const dg_batch *batch, dg_error *err) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const dg_source_plan plan = {.samples = dg_trainer_step_samples(t),
                               .order = dg_trainer_step_samples(t),
                               .targets = t->model->target == DG_TARGET_GIVEN,
                               .lengths = t->model->lengths};
  const dg_samples samples = samples_of(t, batch);
  const uint8_t *targets;
  uint8_t *owned;
  if (!t->given.device && !open_given(t, &kind, &plan, err)) return false;
  if (!dg_trainer_targets(t, &samples, &targets, &owned, err)) return false;
  bool ok =
      dg_source_put(&t->given, samples.inputs, targets, batch->count, err) &&
      dg_source_put_lengths(&t->given, samples.lengths, t->model->input.dim[0], batch->count, err);
  free(owned);
  return ok;
}

/** Advances the cursor after a step. */
static void advance(dg_trainer *t) {
  if (++t->cursor.done < t->steps) return;
  t->cursor.done = 0;
  t->cursor.epoch++;
}

bool dg_trainer_step(dg_trainer *t, const dg_batch *given, double *loss, dg_error *err) {
  dg_batch batch;
  const float *losses;
  uint32_t count;
  if (!dg_sized_take(&batch, sizeof batch, given, "dg_batch", err) || !check_batch(t, &batch, err))
    return false;
  uint64_t index = dg_trainer_steps_done(t);
  t->temperature = 0;
  if ((index == 0 && !dg_trainer_start_optimizer(t, err)) || !put(t, &batch, err)) return false;
  dg_trainer_gather_from(t, &t->given);
  dg_metrics_reset(&t->metrics);
  const dg_step step = dg_trainer_next_step(t, batch.count, 0);
  if (!dg_trainer_run_step(t, &step, err) || !dg_metrics_read(&t->metrics, &losses, &count, err) ||
      !dg_trainer_check_steps(t, index, losses, count, err))
    return false;
  if (loss) *loss = losses[0];
  advance(t);
  return true;
}

uint32_t dg_trainer_steps(const dg_trainer *t) {
  return t->steps;
}
