#include "backends/cpu/elementwise/vector_math.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#include <math.h>

/**
 * The loss of each sample is written to the workspace, and then they are added up in order. So are
 * those of a sample's outputs, except for cross-entropy and squared errors of labels.
 */

static bool supports(const dg_op_desc *desc) {
  return dg_loss_agrees(&desc->loss);
}

/** Floats for a number of each output: whole vectors. */
static size_t numbers(const dg_cpu_op *op) {
  return dg_round_up(op->max_n * (size_t)op->desc.loss.outputs);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace = (2 * (size_t)op->max_n + numbers(op)) * sizeof(float);
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

/* ---- losses that are means over outputs --------------------------------- */

/** powers[i] = exp(-|y[i]|); whole vectors are written. */
static void raise_sizes(size_t count, const float *y, float *powers) {
  for (size_t i = 0; i < count; i++) powers[i] = -fabsf(y[i]);
  for (size_t i = 0; i < count; i += DG_VECTOR) {
    dg_vector *power = (dg_vector *)(powers + i);
    *power = dg_exp(*power);
  }
}

/** log(1 + p) for 0 <= p <= 1: 2 atanh(p / (2 + p)) by its series. */
static inline float log_1_plus(float p) {
  float s = p / (2 + p), q = s * s;
  float series = q * (1.0f / 15) + 1.0f / 13;
  series = series * q + 1.0f / 11;
  series = series * q + 1.0f / 9;
  series = series * q + 1.0f / 7;
  series = series * q + 1.0f / 5;
  series = series * q + 1.0f / 3;
  return 2 * (s + s * q * series);
}

/** The loss of an output, and its derivative. */
typedef struct {
  float loss, slope;
} cost;

/** power: exp(-|y|) for DG_LOSS_BCE. What is NaN stays so. */
static inline cost cost_of(const dg_loss_desc *d, float y, float t, float power) {
  float e = y - t, size = fabsf(e), delta = d->delta;
  switch (d->kind) {
  case DG_LOSS_MAE:
    return (cost){size, e > 0 ? 1 : e < 0 ? -1 : e};
  case DG_LOSS_HUBER:
    return (cost){size <= delta ? e * e / 2 : delta * (size - delta / 2), e > delta    ? delta
                                                                          : e < -delta ? -delta
                                                                                       : e};
  case DG_LOSS_BCE:
    return (cost){(y > 0 ? y : 0) - y * t + log_1_plus(power),
                  (y >= 0 ? 1 : power) / (1 + power) - t};
  default:
    return (cost){e * e, 2 * e};
  }
}

/**
 * The summed loss of the outputs of one sample; if `grad` isn't NULL, also `scale` times its
 * gradient. Wanted are t, or 1 at the label if t is NULL. numbers: [outputs] powers, overwritten.
 */
static float sum_costs(const dg_loss_desc *d, const float *y, const float *t, uint32_t label,
                       float scale, float *numbers, float *grad) {
  uint32_t outputs = d->outputs;
  double sum = 0;
  for (uint32_t c = 0; c < outputs; c++) {
    cost k = cost_of(d, y[c], t ? t[c] : (c == label ? 1.0f : 0.0f), numbers[c]);
    numbers[c] = k.loss;
    if (grad) grad[c] = scale * k.slope;
  }
  for (uint32_t c = 0; c < outputs; c++) sum += (double)numbers[c];
  return t || label < outputs ? (float)sum : NAN;
}

/** Are all outputs on the side of their targets? */
static bool all_right(uint32_t outputs, const float *y, const float *t) {
  bool agree = true;
  for (uint32_t c = 0; c < outputs; c++) agree &= t[c] >= 0.5f ? y[c] >= 0 : y[c] < 0;
  return agree;
}

/* ---- passes ------------------------------------------------------------- */

/** The state of a pass over the samples of a step. */
typedef struct {
  const dg_loss_desc *desc;
  float scale; /**< of the gradients, and of the sum of losses */
  const float *logits;
  const uint32_t *labels;         /**< NULL if there are targets */
  const float *targets, *weights; /**< or NULL */
  float *powers, *losses, *grads; /**< grads: NULL if not wanted */
  uint32_t *hits;
  size_t samples, pieces;
  float *loss; /**< of all */
  uint32_t *correct;
} pass;

static void run_sample(const pass *p, size_t s) {
  enum { FEW = 256 }; /* whose sum is exact enough in floats */
  const dg_loss_desc *d = p->desc;
  size_t at = s * d->outputs;
  const float *y = p->logits + at, *t = p->targets ? p->targets + at : NULL;
  float *grad = p->grads ? p->grads + at : NULL;
  uint32_t label = t ? 0 : p->labels[s];
  float weight = p->weights && label < d->outputs ? p->weights[label] : 1;
  float scale = p->scale * weight, loss;
  if (d->kind == DG_LOSS_CROSS_ENTROPY)
    loss = cross_entropy(d, y, p->powers + at, label, scale, grad);
  else if (d->kind == DG_LOSS_MSE && !t && d->outputs <= FEW)
    loss = squared_error(d, y, label, scale, grad);
  else
    loss = sum_costs(d, y, t, label, scale, p->powers + at, grad);
  p->losses[s] = weight * loss;
  p->hits[s] = t ? d->kind == DG_LOSS_BCE && all_right(d->outputs, y, t)
                 : first_largest(d->outputs, y) == label;
}

/** Pieces don't share a vector of logits. */
static void run_piece(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  dg_span share = dg_cpu_grains(p->samples, DG_VECTOR, p->pieces, piece);
  size_t classes = p->desc->outputs, first = share.begin * classes, n = share.end - share.begin;
  (void)worker;
  if (p->desc->kind == DG_LOSS_CROSS_ENTROPY)
    raise(p->desc, n, p->logits + first, p->powers + first);
  if (p->desc->kind == DG_LOSS_BCE) raise_sizes(n * classes, p->logits + first, p->powers + first);
  for (size_t s = share.begin; s < share.end; s++) run_sample(p, s);
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
  float *powers = dg_floats(buffers->workspace), *losses = powers + numbers(op);
  const pass p = {.desc = desc,
                  .scale =
                      1.0f / (float)(desc->kind == DG_LOSS_CROSS_ENTROPY ? whole : whole * classes),
                  .logits = dg_floats(buffers->in[0]),
                  .labels = desc->targets ? NULL : (const uint32_t *)buffers->in[1]->data,
                  .targets = desc->targets ? dg_floats(buffers->in[1]) : NULL,
                  .weights = desc->weighted ? dg_floats(buffers->in[2]) : NULL,
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
