#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

#include <math.h>

/**
 * Mean cross-entropy or mean squared error. The loss of each sample goes to the workspace, from
 * where one thread adds them up in order.
 */

static bool supports(const dg_op_desc *desc) {
  return desc->loss.classes > 0 &&
         (desc->loss.kind == DG_LOSS_CROSS_ENTROPY ||
          (desc->loss.kind == DG_LOSS_MSE && desc->loss.smoothing == 0)) &&
         desc->loss.smoothing >= 0 && desc->loss.smoothing < 1;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)train, (void)err;
  op->base.needs.forward_workspace = op->base.max_n * 2 * sizeof(float);
  return true;
}

static uint32_t first_largest(uint32_t classes, const float *logits) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < classes; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

/** The cross-entropy of one sample; where `grad` is not NULL, also `scale` times its gradient. */
static float cross_entropy(const dg_loss_desc *d, const float *logits, uint32_t label, float scale,
                           float *grad) {
  uint32_t classes = d->classes;
  float largest = logits[first_largest(classes, logits)], sum = 0, all = 0;
  float share = d->smoothing / (float)classes, wanted = 1 - d->smoothing;
  for (uint32_t c = 0; c < classes; c++) sum += expf(logits[c] - largest);
  if (grad)
    for (uint32_t c = 0; c < classes; c++)
      grad[c] = scale * (expf(logits[c] - largest) / sum - (c == label ? wanted : 0.0f) - share);
  for (uint32_t c = 0; c < classes && share > 0; c++) all += logits[c] - largest;
  return label < classes ? logf(sum) - wanted * (logits[label] - largest) - share * all : NAN;
}

/** The summed squared error of one sample; where `grad` is not NULL, `scale` times its gradient. */
static float squared_error(const dg_loss_desc *d, const float *logits, uint32_t label, float scale,
                           float *grad) {
  uint32_t classes = d->classes;
  float sum = 0;
  for (uint32_t c = 0; c < classes; c++) {
    float error = logits[c] - (c == label ? 1.0f : 0.0f);
    sum += error * error;
    if (grad) grad[c] = scale * 2 * error;
  }
  return label < classes ? sum : NAN;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_loss_desc *desc = &op->base.desc.loss;
  size_t classes = desc->classes, n = step->n;
  const float *logits = dg_floats(buffers->in[0]);
  const uint32_t *labels = (const uint32_t *)buffers->in[1]->data;
  float *grads = step->train ? dg_floats(buffers->out[0]) : NULL;
  float *losses = dg_floats(buffers->workspace);
  uint32_t *hits = (uint32_t *)(losses + op->base.max_n);
  float scale = 1.0f / (float)(desc->kind == DG_LOSS_MSE ? n * classes : n);
  float (*sample_loss)(const dg_loss_desc *, const float *, uint32_t, float, float *) =
      desc->kind == DG_LOSS_MSE ? squared_error : cross_entropy;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 8 * n * classes))
  for (size_t s = 0; s < n; s++) {
    const float *sample = logits + s * classes;
    losses[s] = sample_loss(desc, sample, labels[s], scale, grads ? grads + s * classes : NULL);
    hits[s] = first_largest(desc->classes, sample) == labels[s];
  }
  double sum = 0;
  uint32_t correct = 0;
  for (size_t s = 0; s < n; s++) sum += (double)losses[s], correct += hits[s];
  dg_floats(buffers->out[1])[step->slot] = (float)(sum * (double)scale);
  ((uint32_t *)buffers->out[2]->data)[step->slot] = correct;
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_loss) = {supports, prepare, forward, NULL};
