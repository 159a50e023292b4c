/** Runs batches through the network: training steps, and evaluation. */
#include <math.h>
#include <stdlib.h>

#include "core/base/numbers.h"
#include "core/training/schedule.h"
#include "core/training/trainer.h"

/** Gathers a batch and runs it through the network and the loss. */
static bool run_forward(dg_trainer *t, dg_step *step, dg_error *err) {
  dg_metrics_begin(&t->metrics, step->n);
  step->slot = dg_metrics_slot(&t->metrics);
  return dg_gather_run(&t->batch_ops->gather, step, err) &&
         dg_network_forward(t->network, step, err) &&
         dg_bound_forward(&t->batch_ops->loss, step, err);
}

double dg_trainer_rate(const dg_trainer *t, uint64_t step) {
  const dg_train_recipe *recipe = &t->model->train;
  uint64_t total = (uint64_t)recipe->epochs * t->steps;
  return dg_learning_rate(&recipe->schedule, recipe->optimizer.lr, step < total ? step : total - 1,
                          t->steps, total);
}

/** Decay of the moving average after `n` steps. It starts small, so that short runs do not keep the
    initial weights. */
static double decay_after(const dg_train_recipe *recipe, uint64_t n) {
  return fmin(recipe->average, (1.0 + (double)n) / (10.0 + (double)n));
}

dg_step dg_trainer_next_step(const dg_trainer *t, uint32_t n, uint32_t first) {
  uint64_t index = dg_trainer_steps_done(t);
  return (dg_step){.n = n,
                   .train = true,
                   .seed = t->seed,
                   .step = (uint32_t)index,
                   .first = first,
                   .lr = (float)dg_trainer_rate(t, index),
                   .decay = (float)decay_after(&t->model->train, index)};
}

bool dg_trainer_run_step(dg_trainer *t, const dg_step *step, dg_error *err) {
  return dg_trainer_gradient(t, step, err) && dg_bound_forward(&t->update, step, err) &&
         (!t->averaged || dg_bound_forward(&t->average, step, err));
}

static const char *parameter_at(const dg_network *network, uint32_t element) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list);
  const char *name = "?";
  for (uint32_t i = 0; i < count && list[i].offset <= element; i++) name = list[i].name;
  return name;
}

bool dg_trainer_check_steps(dg_trainer *t, uint64_t first, const float *losses, uint32_t count,
                            dg_error *err) {
  uint32_t fault[2];
  if (!dg_trainer_calls(t)->read(t->fault, 0, fault, sizeof fault, err)) return false;
  if (fault[0])
    return dg_fail(err, DG_ERR_RUNTIME,
                   "training diverged: the gradient of \"%s\" is not finite at step %u (of epoch "
                   "%u)",
                   parameter_at(t->network, fault[1]), fault[0] - 1,
                   (fault[0] - 1) / t->steps + 1) ||
           dg_advise(err, DG_REMEDY_LEARNING_RATE);
  for (uint32_t i = 0; i < count; i++)
    if (!isfinite(losses[i]))
      return dg_fail(err, DG_ERR_RUNTIME, "training diverged: the loss is not finite at step %llu",
                     (unsigned long long)(first + i)) ||
             dg_advise(err, DG_REMEDY_LEARNING_RATE);
  return true;
}

/** Copies the network's outputs for a step to the rows of its samples in `logits`. */
static bool read_logits(dg_trainer *t, const dg_step *step, float *logits, dg_error *err) {
  size_t outputs = dg_network_outputs(t->network);
  return dg_trainer_calls(t)->read(dg_network_output(t->network), 0, logits + step->first * outputs,
                                   step->n * outputs * sizeof(float), err);
}

bool dg_trainer_evaluate(dg_trainer *t, const dg_source *source, uint32_t count, dg_score *score,
                         float *logits, dg_error *err) {
  const float *losses;
  uint32_t read, batch = dg_network_samples(t->network);
  dg_trainer_gather_from(t, source);
  dg_metrics_reset(&t->metrics);
  for (uint32_t first = 0, left = count; left > 0; first += batch) {
    dg_step step = {.n = left < batch ? left : batch, .first = first};
    left -= step.n;
    if (dg_metrics_full(&t->metrics) && !dg_metrics_read(&t->metrics, &losses, &read, err))
      return false;
    if (!run_forward(t, &step, err) || (logits && !read_logits(t, &step, logits, err)))
      return false;
  }
  if (!dg_metrics_read(&t->metrics, &losses, &read, err)) return false;
  *score = dg_metrics_score(&t->metrics);
  return true;
}

/** Runs the network on samples again and finds the first whose numbers are not finite; `count`:
    there is none. `logits` has room for a batch. */
static bool find_nonfinite(dg_trainer *t, uint32_t count, float *logits, uint32_t *sample,
                           dg_error *err) {
  uint32_t batch = dg_network_samples(t->network), outputs = dg_network_outputs(t->network);
  for (*sample = 0; *sample < count;) {
    dg_step step = {.n = count - *sample < batch ? count - *sample : batch, .first = *sample};
    size_t numbers = (size_t)step.n * outputs;
    if (!dg_gather_run(&t->batch_ops->gather, &step, err) ||
        !dg_network_forward(t->network, &step, err) ||
        !dg_trainer_calls(t)->read(dg_network_output(t->network), 0, logits,
                                   numbers * sizeof *logits, err))
      return false;
    size_t at = dg_first_nonfinite(logits, numbers);
    *sample += (uint32_t)(at / outputs);
    if (at < numbers) break;
  }
  return true;
}

bool dg_trainer_check_loss(dg_trainer *t, const dg_source *source, uint32_t count,
                           const dg_score *score, dg_error *err) {
  if (isfinite(score->loss)) return true;
  size_t bytes =
      (size_t)dg_network_samples(t->network) * dg_network_outputs(t->network) * sizeof(float);
  float *logits = malloc(bytes);
  uint32_t sample;
  if (!logits) return dg_fail_memory(err, bytes);
  dg_trainer_gather_from(t, source);
  bool ok = find_nonfinite(t, count, logits, &sample, err);
  free(logits);
  if (ok && sample < count) return dg_network_fail_nonfinite(sample, err);
  return ok && dg_fail(err, DG_ERR_RUNTIME,
                       "the loss is not finite: the network's numbers are too large");
}
