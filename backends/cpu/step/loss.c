#include "backends/cpu/elementwise/vector_math.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#include <math.h>

/**
 * Mean cross-entropy or mean squared error. The loss of each sample is written to the workspace,
 * and then they are added up in order.
 */

static bool supports(const dg_op_desc *desc) {
  return desc->loss.outputs > 0 &&
         (desc->loss.kind == DG_LOSS_CROSS_ENTROPY ||
          (desc->loss.kind == DG_LOSS_MSE && desc->loss.smoothing == 0)) &&
         !desc->loss.targets && !desc->loss.weighted && desc->loss.smoothing >= 0 &&
         desc->loss.smoothing < 1;
}

/** Floats for those of all logits: whole vectors. */
static size_t exponentials(const dg_cpu_op *op) {
  return dg_round_up(op->max_n * (size_t)op->desc.loss.outputs);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace = (2 * (size_t)op->max_n + exponentials(op)) * sizeof(float);
  return true;
}

static uint32_t first_largest(uint32_t classes, const float *logits) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < classes; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

/** powers[s][c] = exp(logits[s][c] - the largest of sample s); whole vectors are written. */
static void raise(const dg_loss_desc *d, size_t samples, const float *logits, float *powers) {
  uint32_t classes = d->outputs;
  for (size_t s = 0; s < samples; s++) {
    const float *sample = logits + s * classes;
    float largest = sample[first_largest(classes, sample)];
    for (uint32_t c = 0; c < classes; c++) powers[s * classes + c] = sample[c] - largest;
  }
  for (size_t i = 0; i < samples * classes; i += DG_VECTOR) {
    dg_vector *power = (dg_vector *)(powers + i);
    *power = dg_exp(*power);
  }
}

/** The cross-entropy of one sample; if `grad` isn't NULL, also `scale` times its gradient. */
static float cross_entropy(const dg_loss_desc *d, const float *logits, const float *powers,
                           uint32_t label, float scale, float *grad) {
  uint32_t classes = d->outputs;
  float largest = logits[first_largest(classes, logits)], sum = 0, all = 0;
  float share = d->smoothing / (float)classes, wanted = 1 - d->smoothing;
  for (uint32_t c = 0; c < classes; c++) sum += powers[c];
  for (uint32_t c = 0; c < (grad ? classes : 0); c++)
    grad[c] = scale * (powers[c] / sum - (c == label ? wanted : 0.0f) - share);
  for (uint32_t c = 0; c < classes && share > 0; c++) all += logits[c] - largest;
  return label < classes ? logf(sum) - wanted * (logits[label] - largest) - share * all : NAN;
}

/** The summed squared error of one sample; if `grad` isn't NULL, also `scale` times its
    gradient. */
static float squared_error(const dg_loss_desc *d, const float *logits, uint32_t label, float scale,
                           float *grad) {
  uint32_t classes = d->outputs;
  float sum = 0;
  for (uint32_t c = 0; c < classes; c++) {
    float error = logits[c] - (c == label ? 1.0f : 0.0f);
    sum += error * error;
    if (grad) grad[c] = scale * 2 * error;
  }
  return label < classes ? sum : NAN;
}

/** The state of a pass over the samples of a step. */
typedef struct {
  const dg_loss_desc *desc;
  float scale; /**< of the gradients, and of the sum of losses */
  const float *logits;
  const uint32_t *labels;
  float *powers, *losses, *grads; /**< grads: NULL if not wanted */
  uint32_t *hits;
  size_t samples, pieces;
  float *loss; /**< of all */
  uint32_t *correct;
} pass;

/** Pieces don't share a vector of logits. */
static void run_piece(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  dg_span share = dg_cpu_grains(p->samples, DG_VECTOR, p->pieces, piece);
  size_t classes = p->desc->outputs, first = share.begin * classes;
  (void)worker;
  if (p->desc->kind == DG_LOSS_CROSS_ENTROPY)
    raise(p->desc, share.end - share.begin, p->logits + first, p->powers + first);
  for (size_t s = share.begin; s < share.end; s++) {
    const float *sample = p->logits + s * classes;
    float *grad = p->grads ? p->grads + s * classes : NULL;
    p->losses[s] =
        p->desc->kind == DG_LOSS_MSE
            ? squared_error(p->desc, sample, p->labels[s], p->scale, grad)
            : cross_entropy(p->desc, sample, p->powers + s * classes, p->labels[s], p->scale, grad);
    p->hits[s] = first_largest(p->desc->outputs, sample) == p->labels[s];
  }
}

/** In order. */
static void add_losses(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  double sum = 0;
  uint32_t correct = 0;
  (void)piece, (void)worker;
  for (size_t s = 0; s < p->samples; s++) sum += (double)p->losses[s], correct += p->hits[s];
  *p->loss = (float)(sum * (double)p->scale);
  *p->correct = correct;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_loss_desc *desc = &op->desc.loss;
  size_t classes = desc->outputs, n = step->n, whole = dg_whole_samples(step);
  float *powers = dg_floats(buffers->workspace), *losses = powers + exponentials(op);
  const pass p = {.desc = desc,
                  .scale = 1.0f / (float)(desc->kind == DG_LOSS_MSE ? whole * classes : whole),
                  .logits = dg_floats(buffers->in[0]),
                  .labels = (const uint32_t *)buffers->in[1]->data,
                  .powers = powers,
                  .losses = losses,
                  .grads = step->train ? dg_floats(buffers->out[0]) : NULL,
                  .hits = (uint32_t *)(losses + op->max_n),
                  .samples = n,
                  .pieces = dg_cpu_pieces(n, 4 * n * classes),
                  .loss = dg_floats(buffers->out[1]) + step->slot,
                  .correct = (uint32_t *)buffers->out[2]->data + step->slot};
  dg_cpu_run_pieces(op->device, p.pieces, run_piece, &p, sizeof p);
  dg_cpu_run_pieces(op->device, 1, add_losses, &p, sizeof p);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_loss) = {supports, {&forward_by_samples}, {NULL}};
