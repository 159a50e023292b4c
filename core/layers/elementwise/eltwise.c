/** Functions of single numbers: gelu, silu, elu and others. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  double alpha, beta;
  int approximate;
  double low, high;
  double factor, summand;
} config;

/** Is f(0) 0? */
static bool keeps_zeros(const dg_eltwise_desc *d) {
  if (d->kind == DG_ELTWISE_CLIP) return d->alpha <= 0 && d->beta >= 0;
  if (d->kind == DG_ELTWISE_AFFINE) return d->alpha == 0;
  return d->kind != DG_ELTWISE_SOFTPLUS && d->kind != DG_ELTWISE_HARD_SIGMOID;
}

static bool plan_function(const dg_eltwise_desc *function, const dg_layer_site *site,
                          dg_layer_plan *plan) {
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = keeps_zeros(function)};
  plan->op = (dg_op_desc){.kind = DG_OP_ELTWISE, .eltwise = *function};
  plan->op.eltwise.count = (uint32_t)dg_shape_count(&site->in[0]);
  return true;
}

/** A kind of layer whose function has no parameter. */
#define PLAIN(name, function, text)                                                                \
  static bool plan_##name(const void *given, const dg_layer_site *site, dg_layer_plan *plan,       \
                          dg_error *err) {                                                         \
    (void)given, (void)err;                                                                        \
    return plan_function(&(dg_eltwise_desc){.kind = function}, site, plan);                        \
  }                                                                                                \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name, .help = text, .min_inputs = 1, .max_inputs = 1, .plan = plan_##name}

PLAIN(silu, DG_ELTWISE_SILU, "x * sigmoid(x), also called swish");
PLAIN(softsign, DG_ELTWISE_SOFTSIGN, "x / (1 + |x|)");
PLAIN(mish, DG_ELTWISE_MISH, "x * tanh(log(1 + exp(x)))");
PLAIN(hard_sigmoid, DG_ELTWISE_HARD_SIGMOID, "x / 6 + 1 / 2, but at least 0 and at most 1");
PLAIN(hard_swish, DG_ELTWISE_HARD_SWISH, "x * hard_sigmoid(x)");

/** A kind of layer with keys. */
#define WITH_KEYS(name, list, text)                                                                \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name,                                                                               \
      .help = text,                                                                                \
      .keys = list,                                                                                \
      .key_count = sizeof list / sizeof *list,                                                     \
      .defaults = &name##_defaults,                                                                \
      .config_size = sizeof(config),                                                               \
      .min_inputs = 1,                                                                             \
      .max_inputs = 1,                                                                             \
      .plan = plan_##name,                                                                         \
  }

/* ---- gelu --------------------------------------------------------------- */

static const char *const approximations[] = {"none", "tanh", NULL};
static const config gelu_defaults = {.approximate = 0};

static const dg_key gelu_keys[] = {
    {.name = "approximate",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, approximate),
     .choices = approximations,
     .help = "tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) instead"},
};

static bool plan_gelu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)err;
  const config *c = given;
  const dg_eltwise_kind kind = c->approximate ? DG_ELTWISE_GELU_TANH : DG_ELTWISE_GELU;
  return plan_function(&(dg_eltwise_desc){.kind = kind}, site, plan);
}

WITH_KEYS(gelu, gelu_keys,
          "x * P(x), where P is the normal distribution (Hendrycks and Gimpel, "
          "arXiv:1606.08415)");

/* ---- exponential linear units ------------------------------------------- */

static const config elu_defaults = {.alpha = 1}, celu_defaults = {.alpha = 1};

static const dg_key elu_keys[] = {
    {.name = "alpha",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, alpha),
     .above_low = true,
     .high = 1000,
     .help = "the output falls to -alpha"},
};

static bool plan_elu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  (void)err;
  const dg_eltwise_desc function = {.kind = DG_ELTWISE_ELU,
                                    .alpha = (float)((const config *)given)->alpha,
                                    .beta = 1,
                                    .scale = 1};
  return plan_function(&function, site, plan);
}

static bool plan_celu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)err;
  const double alpha = ((const config *)given)->alpha;
  const dg_eltwise_desc function = {
      .kind = DG_ELTWISE_ELU, .alpha = (float)alpha, .beta = (float)(1 / alpha), .scale = 1};
  return plan_function(&function, site, plan);
}

/** The constants of Klambauer et al., arXiv:1706.02515. */
static bool plan_selu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)given, (void)err;
  const double alpha = 1.6732632423543772, scale = 1.0507009873554805;
  const dg_eltwise_desc function = {
      .kind = DG_ELTWISE_ELU, .alpha = (float)(scale * alpha), .beta = 1, .scale = (float)scale};
  return plan_function(&function, site, plan);
}

WITH_KEYS(elu, elu_keys, "x where it is above 0, alpha * (exp(x) - 1) elsewhere");
WITH_KEYS(celu, elu_keys, "x where it is above 0, alpha * (exp(x / alpha) - 1) elsewhere");

const dg_layer_class dg_layer_selu = {
    .type = "selu",
    .help = "1.0507 * x where x is above 0, 1.7581 * (exp(x) - 1) elsewhere (Klambauer et al., "
            "arXiv:1706.02515)",
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_selu};

/* ---- softplus ----------------------------------------------------------- */

static const config softplus_defaults = {.beta = 1};

static const dg_key softplus_keys[] = {
    {.name = "beta",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, beta),
     .above_low = true,
     .high = 1000,
     .help = "the larger, the nearer to relu"},
};

static bool plan_softplus(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                          dg_error *err) {
  (void)err;
  const float beta = (float)((const config *)given)->beta;
  return plan_function(&(dg_eltwise_desc){.kind = DG_ELTWISE_SOFTPLUS, .beta = beta}, site, plan);
}

WITH_KEYS(softplus, softplus_keys, "log(1 + exp(beta * x)) / beta");

/* ---- constants ---------------------------------------------------------- */

static const config clip_defaults = {.low = 0, .high = 6};

static const dg_key clip_keys[] = {
    {.name = "min",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, low),
     .low = -1e30,
     .high = 1e30,
     .help = "what is below becomes this"},
    {.name = "max",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, high),
     .low = -1e30,
     .high = 1e30,
     .help = "what is above becomes this"},
};

static bool plan_clip(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  const config *c = given;
  const dg_eltwise_desc function = {
      .kind = DG_ELTWISE_CLIP, .alpha = (float)c->low, .beta = (float)c->high};
  if (c->low > c->high)
    return dg_fail(err, DG_ERR_INPUT, "min = %g is above max = %g; swap them", c->low, c->high);
  return plan_function(&function, site, plan);
}

WITH_KEYS(clip, clip_keys, "x, but at least `min` and at most `max`; by default relu6");

static const config affine_defaults = {.factor = 1};

static const dg_key affine_keys[] = {
    {.name = "scale",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, factor),
     .low = -1e30,
     .high = 1e30,
     .help = "factor of all numbers"},
    {.name = "shift",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, summand),
     .low = -1e30,
     .high = 1e30,
     .help = "added to all numbers"},
};

static bool plan_affine(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  (void)err;
  const config *c = given;
  const dg_eltwise_desc function = {
      .kind = DG_ELTWISE_AFFINE, .alpha = (float)c->summand, .scale = (float)c->factor};
  return plan_function(&function, site, plan);
}

WITH_KEYS(affine, affine_keys, "scale * x + shift, with constants");
