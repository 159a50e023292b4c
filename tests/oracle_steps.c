/* The oracle's step ops: gather, loss and update. */
#include <math.h>

#include "tests/oracle.h"

void oracle_gather(const dg_gather_desc *desc, const uint8_t *images, const uint8_t *labels,
                   const uint32_t *order, const dg_step *step, double *x, uint32_t *x_labels) {
  uint32_t count = desc->height * desc->width;
  for (uint32_t s = 0; s < step->n; s++) {
    uint32_t image = order[step->first + s];
    x_labels[s] = labels[image];
    for (uint32_t e = 0; e < count; e++) {
      double value = images[(size_t)image * count + e] / 255.0;
      x[(size_t)s * count + e] = (value - desc->mean) / desc->std;
    }
  }
}

static double cross_entropy(const double *logits, uint32_t classes, uint32_t label, double scale,
                            double *d_logits) {
  double largest = logits[0], sum = 0;
  for (uint32_t c = 1; c < classes; c++) largest = fmax(largest, logits[c]);
  for (uint32_t c = 0; c < classes; c++) sum += exp(logits[c] - largest);
  for (uint32_t c = 0; d_logits && c < classes; c++)
    d_logits[c] = scale * (exp(logits[c] - largest) / sum - (c == label));
  return log(sum) + largest - logits[label];
}

static double squared_error(const double *logits, uint32_t classes, uint32_t label, double scale,
                            double *d_logits) {
  double sum = 0;
  for (uint32_t c = 0; c < classes; c++) {
    double error = logits[c] - (c == label);
    sum += error * error;
    if (d_logits) d_logits[c] = scale * 2 * error / classes;
  }
  return sum / classes;
}

void oracle_loss(const dg_loss_desc *desc, const double *logits, const uint32_t *labels, uint32_t n,
                 double *d_logits, double *loss, uint32_t *correct) {
  *loss = 0, *correct = 0;
  for (uint32_t s = 0; s < n; s++) {
    const double *row = logits + (size_t)s * desc->classes;
    double *d_row = d_logits ? d_logits + (size_t)s * desc->classes : NULL;
    *loss += (desc->kind == DG_LOSS_MSE ? squared_error : cross_entropy)(
                 row, desc->classes, labels[s], 1.0 / n, d_row) /
             n;
    uint32_t best = 0;
    for (uint32_t c = 1; c < desc->classes; c++)
      if (row[c] > row[best]) best = c;
    *correct += best == labels[s];
  }
}

uint32_t oracle_state_arrays(const dg_update_desc *desc) {
  if (desc->kind == DG_SGD) return desc->momentum != 0 ? 1 : 0;
  return 2;
}

static double clip_factor(const dg_update_desc *d, const double *gradients) {
  double sum = 0;
  for (uint32_t i = 0; i < d->count; i++) sum += gradients[i] * gradients[i];
  return d->clip_norm > 0 ? fmin(1, d->clip_norm / (sqrt(sum) + 1e-6)) : 1;
}

/** Each returns the new parameter; s0 and s1 are the element's state. */
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
