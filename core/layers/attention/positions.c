#include <stddef.h>

#include "core/layers/layer.h"

enum { LEARNED, SINUSOIDAL };
static const char *const kind_names[] = {"learned", "sinusoidal", NULL};

typedef struct {
  int kind;
} config;

static const config defaults = {.kind = LEARNED};

static const dg_key keys[] = {
    {.name = "kind",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, kind),
     .choices = kind_names,
     .help = "a table that it learns, or one of sines and cosines"},
};

static bool plan_positions(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  plan->out = site->in[0];
  plan->steps.use = DG_STEPS_APART;
  plan->op = (dg_op_desc){
      .kind = DG_OP_POSITIONS,
      .positions = {.steps = in[0], .width = in[1], .sinusoidal = c->kind == SINUSOIDAL}};
  if (c->kind == SINUSOIDAL) return true;
  plan->params = 1;
  plan->param[0] = (dg_param_spec){.suffix = "weight",
                                   .rank = 2,
                                   .dim = {in[0], in[1]},
                                   .init = DG_INIT_NORMAL,
                                   .deviation = 0.02f};
  return true;
}

const dg_layer_class dg_layer_positions = {
    .type = "positions",
    .help =
        "Adds to each step of a sequence a row of a table, which tells later layers where it is: "
        "a learned one, or sines and cosines (Vaswani et al., 2017).",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_positions,
};
