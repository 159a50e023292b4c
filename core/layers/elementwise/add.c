#include <string.h>

#include "core/layers/layer.h"

static bool plan_add(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  (void)config;
  for (uint32_t i = 1; i < site->inputs; i++) {
    if (memcmp(&site->in[i], &site->in[0], sizeof(dg_shape)) == 0) continue;
    char a[64], b[64];
    return dg_fail(err, DG_ERR_INPUT,
                   "needs inputs of one shape, but \"%s\" gives %s and \"%s\" gives %s",
                   site->in_names[0], dg_shape_text(&site->in[0], a, sizeof a), site->in_names[i],
                   dg_shape_text(&site->in[i], b, sizeof b));
  }
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){
      .kind = DG_OP_ADD,
      .add = {.count = (uint32_t)dg_shape_count(&site->in[0]), .inputs = site->inputs}};
  return true;
}

const dg_layer_class dg_layer_add = {
    .type = "add",
    .help = "Adds several layers' outputs, named in `inputs`.",
    .min_inputs = 2,
    .max_inputs = DG_MAX_IN,
    .plan = plan_add,
};
