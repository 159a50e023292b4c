#include "core/layers/layer.h"

/** A sequence is pooled as an image of one channel whose columns are the features. */
static bool plan_global_avgpool(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                                dg_error *err) {
  const dg_shape *in = &site->in[0];
  (void)config;
  char shape[64];
  if (in->rank == 1)
    return dg_fail(err, DG_ERR_INPUT,
                   "needs [channels, height, width] or [steps, features], but \"%s\" gives %s",
                   site->in_names[0], dg_shape_text(in, shape, sizeof shape));
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
