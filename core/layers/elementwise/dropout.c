#include <stddef.h>

#include "core/base/philox.h"
#include "core/layers/layer.h"

typedef struct {
  double rate;
} config;

static const config defaults = {.rate = 0.5};

static const dg_key keys[] = {
    {.name = "rate",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, rate),
     .high = 1,
     .below_high = true,
     .help = "share of the values that a training step sets to 0"},
};

static bool plan_dropout(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  (void)err;
  const config *c = given;
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){.kind = DG_OP_DROPOUT,
                          .dropout = {.count = (uint32_t)dg_shape_count(&site->in[0]),
                                      .rate = (float)c->rate,
                                      .stream = dg_stream(DG_STREAM_DROPOUT, site->index)}};
  return true;
}

const dg_layer_class dg_layer_dropout = {
    .type = "dropout",
    .help = "Sets a random share of the values to 0 in training and scales the rest up "
            "(Srivastava et al., 2014); does nothing in testing.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_dropout,
};
