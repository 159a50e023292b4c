/** The layers rows and columns: an image as a sequence. */
#include "core/layers/layer.h"

/** A sequence of rows [height, width channels]; a view of the image if it has one channel. */
static bool plan_rows(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                      dg_error *err) {
  (void)config;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  const uint32_t *in = site->in[0].dim;
  plan->out = (dg_shape){2, {in[1], in[2] * in[0]}};
  plan->view = in[0] == 1;
  plan->op = (dg_op_desc){.kind = DG_OP_CHW_TO_HWC,
                          .chw = {.channels = in[0], .height = in[1], .width = in[2]}};
  return true;
}

/** A sequence of columns [width, channels height]. */
static bool plan_columns(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  (void)config;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  const uint32_t *in = site->in[0].dim;
  plan->out = (dg_shape){2, {in[2], in[0] * in[1]}};
  plan->op = (dg_op_desc){.kind = DG_OP_CHW_TO_HWC,
                          .chw = {.channels = in[0] * in[1], .height = 1, .width = in[2]}};
  return true;
}

const dg_layer_class dg_layer_rows = {
    .type = "rows",
    .help = "The rows of an image as the steps of a sequence, from the top.",
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_rows,
};

const dg_layer_class dg_layer_columns = {
    .type = "columns",
    .help = "The columns of an image as the steps of a sequence, from the left.",
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_columns,
};
