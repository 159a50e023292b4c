#include "tests/common/reference.h"

#include <math.h>
#include <string.h>

#include "tests/common/fixture.h"

enum { PIXELS = REFERENCE_PIXELS, CLASSES = REFERENCE_CLASSES, WEIGHTS = REFERENCE_WEIGHTS };
enum { NUMBERS = REFERENCE_NUMBERS };

reference *reference_new(const reference_recipe *recipe, const double *weights,
                         const double *biases) {
  reference *r = fixture_alloc(1, sizeof *r);
  r->recipe = *recipe;
  if (r->recipe.std == 0) r->recipe.std = 1;
  memcpy(r->values, weights, WEIGHTS * sizeof *weights);
  memcpy(r->values + WEIGHTS, biases, CLASSES * sizeof *biases);
  memcpy(r->averaged, r->values, sizeof r->values);
  return r;
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  double x[PIXELS], logits[CLASSES], target[CLASSES];
  uint32_t label;
} sample;

static void look(const reference *r, const double *values, const dg_part_view *part, uint32_t i,
                 sample *s) {
  const uint8_t *image = part->images + (size_t)i * PIXELS;
  s->label = part->labels[i];
  for (int k = 0; k < PIXELS; k++) s->x[k] = (image[k] / 255.0 - r->recipe.mean) / r->recipe.std;
  for (uint32_t c = 0; c < CLASSES; c++) {
    s->logits[c] = values[WEIGHTS + c];
    for (int k = 0; k < PIXELS; k++) s->logits[c] += values[c * PIXELS + (uint32_t)k] * s->x[k];
    s->target[c] = (1 - r->recipe.smoothing) * (c == s->label) + r->recipe.smoothing / CLASSES;
  }
}

static double largest_but(const double *logits, uint32_t but) {
  double most = -INFINITY;
  for (uint32_t c = 0; c < CLASSES; c++)
    if (c != but) most = fmax(most, logits[c]);
  return most;
}

/** The loss of a sample and its gradient with respect to the logits. */
static double loss_of(const reference *r, const sample *s, double *d) {
  double most = largest_but(s->logits, CLASSES), sum = 0, loss = 0;
  for (int c = 0; c < CLASSES; c++) sum += exp(s->logits[c] - most);
  for (int c = 0; c < CLASSES; c++) {
    double error = s->logits[c] - s->target[c];
    d[c] = r->recipe.mse ? 2 * error / CLASSES : exp(s->logits[c] - most) / sum - s->target[c];
    loss +=
        r->recipe.mse ? error * error / CLASSES : s->target[c] * (most + log(sum) - s->logits[c]);
  }
  return loss;
}

/** Scores samples; `gradient`, unless NULL, gets the mean gradient. */
static reference_score pass(const reference *r, const double *values, const dg_part_view *part,
                            const uint32_t *samples, uint32_t count, double *gradient) {
  reference_score score = {0};
  if (gradient) memset(gradient, 0, NUMBERS * sizeof *gradient);
  for (uint32_t i = 0; i < count; i++) {
    sample s;
    double d[CLASSES];
    look(r, values, part, samples[i], &s);
    score.loss += loss_of(r, &s, d) / count;
    double ahead = s.logits[s.label] - largest_but(s.logits, s.label);
    score.correct += ahead > 0;
    score.close += fabs(ahead) < 1e-3;
    for (uint32_t c = 0; gradient && c < CLASSES; c++) {
      gradient[WEIGHTS + c] += d[c] / count;
      for (uint32_t k = 0; k < PIXELS; k++) gradient[c * PIXELS + k] += d[c] * s.x[k] / count;
    }
  }
  return score;
}

reference_score reference_test(const reference *r, const double *values, const dg_part_view *part,
                               const uint32_t *samples, uint32_t count) {
  return pass(r, values, part, samples, count, NULL);
}

/* ---- a step ------------------------------------------------------------- */

static void clip(double *gradient, double most) {
  double squares = 0;
  for (int i = 0; i < NUMBERS; i++) squares += gradient[i] * gradient[i];
  double factor = most / (sqrt(squares) + 1e-6);
  for (int i = 0; i < NUMBERS && factor < 1; i++) gradient[i] *= factor;
}

static double sgd(const reference_recipe *o, bool first, double g, double *kept) {
  if (o->momentum == 0) return g;
  *kept = first ? g : o->momentum * *kept + g;
  return o->nesterov ? g + o->momentum * *kept : *kept;
}

static double adam(const reference_recipe *o, uint32_t step, double g, double *m, double *v) {
  *m = o->beta1 * *m + (1 - o->beta1) * g;
  *v = o->beta2 * *v + (1 - o->beta2) * g * g;
  double mean = *m / (1 - pow(o->beta1, step)), square = *v / (1 - pow(o->beta2, step));
  return mean / (sqrt(square) + o->eps);
}

static double adadelta(const reference_recipe *o, double g, double *squares, double *deltas) {
  *squares = o->rho * *squares + (1 - o->rho) * g * g;
  double delta = sqrt(*deltas + o->eps) / sqrt(*squares + o->eps) * g;
  *deltas = o->rho * *deltas + (1 - o->rho) * delta * delta;
  return delta;
}

static double rmsprop(const reference_recipe *o, double g, double *square, double *mean,
                      double *kept) {
  *square = o->alpha * *square + (1 - o->alpha) * g * g;
  *mean = o->centered ? o->alpha * *mean + (1 - o->alpha) * g : 0;
  *kept = o->momentum * *kept + g / (sqrt(*square - *mean * *mean) + o->eps);
  return *kept;
}

static void update(reference *r, const double *gradient, double lr) {
  const reference_recipe *o = &r->recipe;
  for (int i = 0; i < NUMBERS; i++) {
    double *value = &r->values[i], *a = &r->state[0][i], *b = &r->state[1][i], g = gradient[i];
    if (o->decoupled)
      *value *= 1 - lr * o->weight_decay;
    else
      g += o->weight_decay * *value;
    *value -= lr * (o->optimizer == REFERENCE_SGD       ? sgd(o, r->steps == 0, g, a)
                    : o->optimizer == REFERENCE_ADAM    ? adam(o, r->steps + 1, g, a, b)
                    : o->optimizer == REFERENCE_RMSPROP ? rmsprop(o, g, a, b, &r->state[2][i])
                                                        : adadelta(o, g, a, b));
  }
}

reference_score reference_step(reference *r, const dg_part_view *part, const uint32_t *samples,
                               uint32_t count, double lr) {
  static double gradient[NUMBERS];
  reference_score score = pass(r, r->values, part, samples, count, gradient);
  if (r->recipe.clip_norm > 0) clip(gradient, r->recipe.clip_norm);
  update(r, gradient, lr);
  double decay = fmin(r->recipe.average, (1.0 + r->steps) / (10.0 + r->steps));
  for (int i = 0; i < NUMBERS; i++)
    r->averaged[i] = decay * r->averaged[i] + (1 - decay) * r->values[i];
  r->steps++;
  return score;
}
