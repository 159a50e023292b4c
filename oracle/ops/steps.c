/* The oracle's step ops: loss, update and average; gather has its own file. */
#include <math.h>

#include "oracle/oracle.h"

/* ---- loss --------------------------------------------------------------- */

/** What the outputs of a sample should be. */
static double wanted_of(const dg_loss_desc *d, const oracle_wanted *w, uint32_t s, uint32_t c) {
  return d->targets ? w->targets[(size_t)s * d->outputs + c] : c == w->labels[s];
}

/** These return the loss of sample s and, if `slopes` isn't NULL, write its gradient. */
static double cross_entropy(const dg_loss_desc *d, const double *y, const oracle_wanted *w,
                            uint32_t s, double *slopes) {
  double largest = y[0], sum = 0, loss = 0;
  for (uint32_t c = 1; c < d->outputs; c++) largest = fmax(largest, y[c]);
  for (uint32_t c = 0; c < d->outputs; c++) sum += exp(y[c] - largest);
  for (uint32_t c = 0; c < d->outputs; c++) {
    double smoothing = (double)d->smoothing;
    double q = (1 - smoothing) * wanted_of(d, w, s, c) + smoothing / d->outputs;
    if (q != 0) loss += q * (log(sum) + largest - y[c]);
    if (slopes) slopes[c] = exp(y[c] - largest) / sum - q;
  }
  return loss;
}

/** The loss of an output y; *slope is its derivative. */
static double loss_of_output(const dg_loss_desc *d, double y, double t, double *slope) {
  double e = y - t, size = fabs(e), delta = (double)d->delta;
  switch (d->kind) {
  case DG_LOSS_MAE:
    *slope = e == 0 ? 0 : e / size;
    return size;
  case DG_LOSS_HUBER:
    *slope = size <= delta ? e : delta * e / size;
    return size <= delta ? e * e / 2 : delta * (size - delta / 2);
  case DG_LOSS_BCE:
    *slope = 1 / (1 + exp(-y)) - t;
    return fmax(y, 0) - y * t + log1p(exp(-fabs(y)));
  default:
    *slope = 2 * e;
    return e * e;
  }
}

static double mean_over_outputs(const dg_loss_desc *d, const double *y, const oracle_wanted *w,
                                uint32_t s, double *slopes) {
  double sum = 0, slope;
  for (uint32_t c = 0; c < d->outputs; c++) {
    sum += loss_of_output(d, y[c], wanted_of(d, w, s, c), &slope);
    if (slopes) slopes[c] = slope / d->outputs;
  }
  return sum / d->outputs;
}

static bool is_correct(const dg_loss_desc *d, const double *y, const oracle_wanted *w, uint32_t s) {
  if (d->targets) {
    for (uint32_t c = 0; c < d->outputs; c++)
      if (!(wanted_of(d, w, s, c) >= 0.5 ? y[c] >= 0 : y[c] < 0)) return false;
    return d->kind == DG_LOSS_BCE;
  }
  uint32_t best = 0;
  for (uint32_t c = 1; c < d->outputs; c++)
    if (y[c] > y[best]) best = c;
  return best == w->labels[s];
}

void oracle_loss(const dg_loss_desc *desc, const double *outputs, const oracle_wanted *wanted,
                 const dg_step *step, double *d_outputs, double *loss, uint32_t *correct) {
  uint32_t whole = step->whole ? step->whole : step->n;
  *loss = 0, *correct = 0;
  for (uint32_t s = 0; s < step->n; s++) {
    const double *y = outputs + (size_t)s * desc->outputs;
    double *slopes = d_outputs ? d_outputs + (size_t)s * desc->outputs : NULL;
    double share = (desc->weighted ? wanted->weights[wanted->labels[s]] : 1) / whole;
    *loss += share * (desc->kind == DG_LOSS_CROSS_ENTROPY ? cross_entropy : mean_over_outputs)(
                         desc, y, wanted, s, slopes);
    for (uint32_t c = 0; slopes && c < desc->outputs; c++) slopes[c] *= share;
    *correct += is_correct(desc, y, wanted, s);
  }
}

/* ---- update and average ------------------------------------------------- */

uint32_t oracle_state_arrays(const dg_update_desc *desc) {
  if (desc->kind == DG_SGD) return desc->momentum != 0 ? 1 : 0;
  if (desc->kind == DG_RMSPROP)
    return 1u + (desc->centered ? 1 : 0) + (desc->momentum != 0 ? 1 : 0);
  return 2;
}

static double clip_factor(const dg_update_desc *d, const double *gradients) {
  double sum = 0;
  for (uint32_t i = 0; i < d->count; i++) sum += gradients[i] * gradients[i];
  return d->clip_norm > 0 ? fmin(1, d->clip_norm / (sqrt(sum) + 1e-6)) : 1;
}

/** These return the new parameter; s0 and s1 are the element's state. */
static double sgd(const dg_update_desc *d, double p, double g, double lr, double *momentum) {
  g += d->weight_decay * p;
  if (d->momentum != 0) {
    *momentum = d->momentum * *momentum + g;
    g = d->nesterov ? g + d->momentum * *momentum : *momentum;
  }
  return p - lr * g;
}

static double adam(const dg_update_desc *d, double p, double g, double lr, uint32_t t, double *m,
                   double *v) {
  if (d->decoupled)
    p -= lr * d->weight_decay * p;
  else
    g += d->weight_decay * p;
  double beta1 = d->beta1, beta2 = d->beta2;
  *m = beta1 * *m + (1 - beta1) * g;
  *v = beta2 * *v + (1 - beta2) * g * g;
  double m_hat = *m / (1 - pow(beta1, t)), v_hat = *v / (1 - pow(beta2, t));
  return p - lr * m_hat / (sqrt(v_hat) + d->eps);
}

static double adadelta(const dg_update_desc *d, double p, double g, double lr, double *square,
                       double *accumulated) {
  double rho = d->rho, eps = d->eps;
  g += d->weight_decay * p;
  *square = rho * *square + (1 - rho) * g * g;
  double delta = sqrt(*accumulated + eps) / sqrt(*square + eps) * g;
  *accumulated = rho * *accumulated + (1 - rho) * delta * delta;
  return p - lr * delta;
}

/** `state` is the element's first, `stride` numbers before the next. */
static double rmsprop(const dg_update_desc *d, double p, double g, double lr, double *state,
                      size_t stride) {
  double alpha = d->alpha;
  g += d->weight_decay * p;
  *state = alpha * *state + (1 - alpha) * g * g;
  double variance = *state;
  if (d->centered) {
    state += stride;
    *state = alpha * *state + (1 - alpha) * g;
    variance -= *state * *state;
  }
  double change = g / (sqrt(fmax(variance, 0)) + d->eps);
  if (d->momentum != 0) change = state[stride] = d->momentum * state[stride] + change;
  return p - lr * change;
}

void oracle_update(const dg_update_desc *desc, const double *gradients, const dg_step *step,
                   double *parameters, double *state, uint32_t fault[2]) {
  if (fault[0]) return;
  double factor = clip_factor(desc, gradients);
  for (uint32_t i = 0; i < desc->count; i++) {
    if (!isfinite(gradients[i])) {
      fault[0] = step->step + 1;
      if (i < fault[1]) fault[1] = i;
      continue;
    }
    double g = factor * gradients[i], p = parameters[i], lr = step->lr;
    double *s0 = state + i, *s1 = state + desc->count + i;
    switch (desc->kind) {
    case DG_SGD:
      parameters[i] = sgd(desc, p, g, lr, s0);
      break;
    case DG_ADAM:
      parameters[i] = adam(desc, p, g, lr, step->step + 1, s0, s1);
      break;
    case DG_ADADELTA:
      parameters[i] = adadelta(desc, p, g, lr, s0, s1);
      break;
    case DG_RMSPROP:
      parameters[i] = rmsprop(desc, p, g, lr, s0, desc->count);
      break;
    }
  }
}

void oracle_average(const dg_average_desc *desc, const double *values, const dg_step *step,
                    double *average) {
  double decay = step->decay;
  for (uint32_t i = 0; i < desc->count; i++)
    average[i] = decay * average[i] + (1 - decay) * values[i];
}

void oracle_accumulate(const dg_accumulate_desc *desc, const double *values, double *sums) {
  for (uint32_t i = 0; i < desc->count; i++) sums[i] += values[i];
}
