/** softmax and log_softmax. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes dim;
} config;

static const config defaults = {.dim = {0}};

static const dg_key keys[] = {
    {.name = "dim",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, dim),
     .low = -3,
     .high = 2,
     .most = 1,
     .help = "the dimension whose numbers add up to 1 (from 0); without it the last"},
};

static bool plan_lines(const config *c, bool log, const dg_layer_site *site, dg_layer_plan *plan,
                       dg_error *err) {
  const dg_shape *in = &site->in[0];
  uint32_t dim = in->rank - 1;
  if (c->dim.count && !dg_layer_dim("dim", c->dim.value[0], site, &dim, err)) return false;
  const dg_axis axis = dg_axis_of(in, dim, dim);
  plan->out = *in;
  if (dg_layer_is_apart(in, dim)) plan->steps.use = DG_STEPS_APART;
  plan->op = (dg_op_desc){
      .kind = DG_OP_SOFTMAX,
      .softmax = {.outer = axis.outer, .count = axis.count, .inner = axis.inner, .log = log}};
  return true;
}

static bool plan_softmax(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  return plan_lines(given, false, site, plan, err);
}

static bool plan_log_softmax(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                             dg_error *err) {
  return plan_lines(given, true, site, plan, err);
}

#define SOFTMAX(name, text)                                                                        \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name,                                                                               \
      .help = text,                                                                                \
      .keys = keys,                                                                                \
      .key_count = sizeof keys / sizeof *keys,                                                     \
      .defaults = &defaults,                                                                       \
      .config_size = sizeof(config),                                                               \
      .min_inputs = 1,                                                                             \
      .max_inputs = 1,                                                                             \
      .plan = plan_##name,                                                                         \
  }

SOFTMAX(softmax, "exp(x) divided by its sum over a dimension. The loss cross_entropy has its own.");
SOFTMAX(log_softmax, "The logarithm of softmax.");
