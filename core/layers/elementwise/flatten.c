#include <stddef.h>

#include "core/layers/layer.h"

typedef enum { ORDER_CHW, ORDER_HWC } order_kind;
static const char *const order_names[] = {"chw", "hwc", NULL};

typedef struct {
  int order;
} config;

static const config defaults = {.order = ORDER_CHW};

static const dg_key keys[] = {
    {.name = "order",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, order),
     .choices = order_names,
     .help = "order of an image's dimensions, the slowest first"},
};

static bool plan_flatten(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  plan->out = (dg_shape){1, {(uint32_t)dg_shape_count(in)}};
  plan->steps.use = DG_STEPS_JOINED;
  plan->view = c->order == ORDER_CHW || in->rank == 1;
  if (plan->view) return true;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  plan->op =
      (dg_op_desc){.kind = DG_OP_CHW_TO_HWC,
                   .chw = {.channels = in->dim[0], .height = in->dim[1], .width = in->dim[2]}};
  return true;
}

const dg_layer_class dg_layer_flatten = {
    .type = "flatten",
    .help = "Turns an image or a sequence into one row of features.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_flatten,
};
