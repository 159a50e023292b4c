/** global_avgpool and global_maxpool. */
#include "core/layers/layer.h"

static bool check_input(const dg_layer_site *site, dg_error *err) {
  const dg_shape *in = &site->in[0];
  char shape[64];
  return in->rank > 1 ||
         dg_fail(err, DG_ERR_INPUT,
                 "needs [channels, height, width] or [steps, features], but \"%s\" gives %s",
                 site->in_names[0], dg_shape_text(in, shape, sizeof shape));
}

/* A sequence is pooled as an image of one channel whose columns are the features. */

static bool plan_global_avgpool(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                                dg_error *err) {
  const dg_shape *in = &site->in[0];
  (void)config;
  if (!check_input(site, err)) return false;
  bool image = in->rank == 3;
  dg_pool2d_desc d = {.channels = image ? in->dim[0] : 1,
                      .height = image ? in->dim[1] : in->dim[0],
                      .width = image ? in->dim[2] : in->dim[1]};
  d.kernel_h = d.stride_h = d.height;
  d.kernel_w = d.stride_w = image ? d.width : 1;
  plan->out = (dg_shape){1, {image ? in->dim[0] : in->dim[1]}};
  plan->op = (dg_op_desc){.kind = DG_OP_AVGPOOL2D, .pool2d = d};
  plan->steps.use = DG_STEPS_AVERAGED;
  return true;
}

const dg_layer_class dg_layer_global_avgpool = {
    .type = "global_avgpool",
    .help = "The mean of every channel of an image, or of every feature over all steps.",
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_global_avgpool,
};

static bool plan_global_maxpool(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                                dg_error *err) {
  const dg_shape *in = &site->in[0];
  (void)config;
  if (!check_input(site, err)) return false;
  const bool image = in->rank == 3;
  dg_window_pool2d_desc d = {.channels = image ? in->dim[0] : 1,
                             .rows = {.size = image ? in->dim[1] : in->dim[0], .out = 1},
                             .columns = {.size = image ? in->dim[2] : in->dim[1], .out = 1}};
  if (!image) {
    d.columns.out = d.columns.size;
    d.columns.kernel = d.columns.stride = d.columns.dilation = 1;
  }
  plan->out = (dg_shape){1, {image ? in->dim[0] : in->dim[1]}};
  plan->op = (dg_op_desc){.kind = DG_OP_WINDOW_MAXPOOL2D, .window_pool2d = d};
  plan->steps.use = DG_STEPS_LARGEST;
  return true;
}

const dg_layer_class dg_layer_global_maxpool = {
    .type = "global_maxpool",
    .help = "The largest value of every channel of an image, or of every feature over all steps.",
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_global_maxpool,
};
