/** The element-wise activations: relu, leaky_relu, sigmoid, tanh. */
#include <stddef.h>

#include "core/layers/layer.h"

static bool plan_activation(dg_act act, const dg_layer_site *site, dg_layer_plan *plan) {
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = act.kind != DG_ACT_SIGMOID};
  uint32_t count = (uint32_t)dg_shape_count(&site->in[0]);
  plan->op = (dg_op_desc){.kind = DG_OP_ACTIVATION, .activation = {.count = count, .act = act}};
  return true;
}

static bool plan_relu(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)config, (void)err;
  return plan_activation((dg_act){.kind = DG_ACT_RELU}, site, plan);
}

static bool plan_sigmoid(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  (void)config, (void)err;
  return plan_activation((dg_act){.kind = DG_ACT_SIGMOID}, site, plan);
}

static bool plan_tanh(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)config, (void)err;
  return plan_activation((dg_act){.kind = DG_ACT_TANH}, site, plan);
}

typedef struct {
  double slope;
} leaky_config;

static const leaky_config leaky_defaults = {.slope = 0.01};

static const dg_key leaky_keys[] = {
    {.name = "slope",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(leaky_config, slope),
     .above_low = true,
     .high = 1,
     .help = "factor of values below 0"},
};

static bool plan_leaky_relu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                            dg_error *err) {
  (void)err;
  const leaky_config *c = given;
  return plan_activation((dg_act){.kind = DG_ACT_LEAKY_RELU, .slope = (float)c->slope}, site, plan);
}

const dg_layer_class dg_layer_relu = {
    .type = "relu", .help = "max(x, 0)", .min_inputs = 1, .max_inputs = 1, .plan = plan_relu};

const dg_layer_class dg_layer_sigmoid = {.type = "sigmoid",
                                         .help = "1 / (1 + exp(-x))",
                                         .min_inputs = 1,
                                         .max_inputs = 1,
                                         .plan = plan_sigmoid};

const dg_layer_class dg_layer_tanh = {.type = "tanh",
                                      .help = "The hyperbolic tangent.",
                                      .min_inputs = 1,
                                      .max_inputs = 1,
                                      .plan = plan_tanh};

const dg_layer_class dg_layer_leaky_relu = {
    .type = "leaky_relu",
    .help = "x where it is above 0, slope * x elsewhere",
    .keys = leaky_keys,
    .key_count = sizeof leaky_keys / sizeof *leaky_keys,
    .defaults = &leaky_defaults,
    .config_size = sizeof(leaky_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_leaky_relu,
};
