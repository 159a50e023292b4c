/* The oracle's step ops: loss, update and average; gather has its own file. */
#include <math.h>

#include "oracle/oracle.h"

/* ---- loss --------------------------------------------------------------- */

/** These return the loss of one sample and, if d_logits isn't NULL, write its gradient * scale. */
static double cross_entropy(const dg_loss_desc *d, const double *logits, uint32_t label,
                            double scale, double *d_logits) {
  double largest = logits[0], sum = 0, loss = 0;
  for (uint32_t c = 1; c < d->outputs; c++) largest = fmax(largest, logits[c]);
  for (uint32_t c = 0; c < d->outputs; c++) sum += exp(logits[c] - largest);
  for (uint32_t c = 0; c < d->outputs; c++) {
    double wanted = (1 - (double)d->smoothing) * (c == label) + (double)d->smoothing / d->outputs;
    if (wanted != 0) loss += wanted * (log(sum) + largest - logits[c]);
    if (d_logits) d_logits[c] = scale * (exp(logits[c] - largest) / sum - wanted);
  }
  return loss;
}

static double squared_error(const dg_loss_desc *d, const double *logits, uint32_t label,
                            double scale, double *d_logits) {
  double sum = 0;
  for (uint32_t c = 0; c < d->outputs; c++) {
    double error = logits[c] - (c == label);
    sum += error * error;
    if (d_logits) d_logits[c] = scale * 2 * error / d->outputs;
  }
  return sum / d->outputs;
}

void oracle_loss(const dg_loss_desc *desc, const double *logits, const uint32_t *labels,
                 const dg_step *step, double *d_logits, double *loss, uint32_t *correct) {
  uint32_t whole = step->whole ? step->whole : step->n;
  *loss = 0, *correct = 0;
  for (uint32_t s = 0; s < step->n; s++) {
    const double *row = logits + (size_t)s * desc->outputs;
    double *d_row = d_logits ? d_logits + (size_t)s * desc->outputs : NULL;
    *loss += (desc->kind == DG_LOSS_MSE ? squared_error : cross_entropy)(desc, row, labels[s],
                                                                         1.0 / whole, d_row) /
             whole;
    uint32_t best = 0;
    for (uint32_t c = 1; c < desc->outputs; c++)
      if (row[c] > row[best]) best = c;
    *correct += best == labels[s];
  }
}

/* ---- update and average ------------------------------------------------- */

uint32_t oracle_state_arrays(const dg_update_desc *desc) {
  if (desc->kind == DG_SGD) return desc->momentum != 0 ? 1 : 0;
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
