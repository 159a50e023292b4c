/** The training loop: epochs of steps, validation after each epoch, and calls of the listener. */
#include "core/base/clock.h"
#include "core/training/trainer.h"

/* ---- polling the device ------------------------------------------------- */

static bool report_progress(dg_trainer *t, double seconds) {
  const dg_train_recipe *recipe = &t->model->train;
  if (!t->listener.progress) return true;
  uint64_t done = dg_trainer_steps_done(t), left = (uint64_t)recipe->epochs * t->steps - done;
  uint64_t seen = (uint64_t)t->cursor.done * dg_trainer_step_samples(t);
  if (seen > t->train_count && !recipe->steps) seen = t->train_count;
  dg_progress progress = {.epoch = t->cursor.epoch + 1,
                          .epochs = recipe->epochs,
                          .step = t->cursor.done,
                          .steps = t->steps,
                          .samples_per_second = (double)seen / seconds,
                          .seconds_left = (t->last_read - t->started) /
                                          (double)(done - t->first_step) * (double)left,
                          .may_stop_early = recipe->early_stop > 0};
  return t->listener.progress(t->listener.user, &progress);
}

/**
 * Synchronizes with the device about once a second; else a device that queues many steps would keep
 * the host waiting for all of them.
 */
static void pace(dg_trainer *t) {
  double now = dg_seconds(), spent = now - t->last_read;
  if (spent < 0.5 && 2 * t->ahead <= t->metrics.capacity) t->ahead *= 2;
  if (spent > 1.0 && t->ahead > 1) t->ahead /= 2;
  t->last_read = now;
}

/** Saves a checkpoint in the midst of an epoch, whose steps so far have been read. */
static bool save_within(dg_trainer *t, double begun, dg_error *err) {
  t->cursor.seconds = t->last_read - begun;
  return dg_trainer_save_checkpoint(t, err);
}

/** Waits for the enqueued steps and reports their losses. */
static bool catch_up(dg_trainer *t, double begun, dg_error *err) {
  const float *losses;
  uint32_t count;
  if (!dg_metrics_read(&t->metrics, &losses, &count, err)) return false;
  uint64_t first = dg_trainer_steps_done(t) - count;
  bool finite = dg_trainer_check_steps(t, first, losses, count, err);
  for (uint32_t i = 0; i < count && t->listener.step; i++)
    t->listener.step(t->listener.user, first + i, losses[i], t->metrics.accuracy[i]);
  if (!finite) return false;
  pace(t);
  if (report_progress(t, t->last_read - begun)) return true;
  return save_within(t, begun, err) &&
         dg_fail(err, DG_ERR_INTERRUPTED, "interrupted in epoch %u after step %u of %u",
                 t->cursor.epoch + 1, t->cursor.done, t->steps);
}

/* ---- an epoch ----------------------------------------------------------- */

static dg_step next_step(const dg_trainer *t) {
  uint32_t most = dg_trainer_step_samples(t), first = t->cursor.done * most;
  uint32_t left = t->model->train.steps ? most : t->train_count - first;
  return dg_trainer_next_step(t, left < most ? left : most, first);
}

/** Is a checkpoint due within the epoch? After its last step there is one anyway. */
static bool is_due(const dg_trainer *t) {
  return t->save_every && t->cursor.done < t->steps &&
         dg_trainer_steps_done(t) % t->save_every == 0;
}

/** Runs the rest of the epoch that the cursor is in. */
static bool train_epoch(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  double begun = dg_seconds() - t->cursor.seconds;
  if (!dg_trainer_order_epoch(t, err)) return false;
  if (t->cursor.done == 0) dg_metrics_reset(&t->metrics);
  dg_trainer_gather_from(t, &t->source);
  t->last_read = dg_seconds();
  while (t->cursor.done < t->steps) {
    dg_step step = next_step(t);
    if (!dg_trainer_run_step(t, &step, err)) return false;
    t->cursor.done++;
    const bool due = is_due(t);
    if ((due || t->metrics.pending >= t->ahead || t->cursor.done == t->steps) &&
        !catch_up(t, begun, err))
      return false;
    if (due && !save_within(t, begun, err)) return false;
  }
  report->lr = (float)dg_trainer_rate(t, dg_trainer_steps_done(t) - 1);
  report->train = dg_metrics_score(&t->metrics);
  report->seconds = dg_seconds() - begun;
  report->samples_per_second = report->train.total / report->seconds;
  return true;
}

/** Prepares for the first step of a run. */
static bool start(dg_trainer *t, dg_error *err) {
  return dg_trainer_start_optimizer(t, err) && dg_trainer_save_checkpoint(t, err);
}

/** Fits a temperature, if there are validation samples that tell one. */
static bool calibrate(dg_trainer *t, dg_error *err) {
  dg_error untold = {0};
  if (t->validation_count == 0 || dg_trainer_calibrate(t, &untold) || untold.kind == DG_ERR_INPUT)
    return true;
  if (err) *err = untold;
  return false;
}

bool dg_trainer_train(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  t->started = t->last_read = dg_seconds();
  t->ahead = 1;
  t->first_step = dg_trainer_steps_done(t);
  t->temperature = 0;
  if (t->first_step == 0 && !start(t, err)) return false;
  while (t->cursor.epoch < recipe->epochs && !dg_trainer_has_waited(t)) {
    dg_epoch_report report = {.epoch = t->cursor.epoch + 1, .epochs = recipe->epochs};
    if (!train_epoch(t, &report, err) ||
        (t->validation_count && !dg_trainer_validate(t, &report, err)))
      return false;
    if (t->listener.epoch) t->listener.epoch(t->listener.user, &report);
    t->cursor.epoch++;
    t->cursor.done = 0;
    t->cursor.seconds = 0;
    if (!dg_trainer_save_checkpoint(t, err)) return false;
  }
  bool kept = dg_trainer_restore_best(t, err) && calibrate(t, err);
  t->cursor = (dg_cursor){.best_score = -1};
  return kept;
}
