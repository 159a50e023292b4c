#include "backends/cpu/conv2d/conv2d_backward_plan.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/pieces.h"

/** The layout of the output's gradient for col2im. */
static dg_padded_input plain_input(const dg_conv2d_desc *d, size_t out_h, size_t out_w) {
  return (dg_padded_input){.channels = d->filters,
                           .height = out_h,
                           .width = out_w,
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .rows = out_h,
                           .columns = out_w,
                           .phases = 1};
}

/** The layout of the output's gradient for the gradient of the input: dilated by the stride. */
static dg_padded_input padded_gradient(const dg_conv2d_desc *d, size_t out_h, size_t out_w) {
  return (dg_padded_input){.channels = d->filters,
                           .height = out_h,
                           .width = out_w,
                           .top = (long)d->kernel_h - 1 - (long)d->pad_h,
                           .left = (long)d->kernel_w - 1 - (long)d->pad_w,
                           .dilation_h = d->stride_h,
                           .dilation_w = d->stride_w,
                           .rows = (size_t)d->height + d->kernel_h - 1,
                           .columns = (size_t)d->width + d->kernel_w - 1,
                           .phases = 1};
}

/** The taps of the correlation that computes the input's gradient. */
static void fill_back_taps(const dg_conv2d_desc *d, const dg_conv_back_plan *plan, uint32_t *tap) {
  size_t row = dg_padded_row(&plan->gradient);
  for (size_t f = 0; f < d->filters; f++)
    for (size_t ky = d->kernel_h; ky-- > 0;)
      for (size_t kx = d->kernel_w; kx-- > 0;)
        *tap++ = (uint32_t)((f * plan->gradient.rows + ky) * row + kx);
}

/** Fills the tables that follow the plan: taps forward, pixels, and taps backward. */
static void fill_tables(const dg_conv2d_desc *d, dg_conv_back_plan *plan) {
  const dg_correlation *forward = &plan->shape.forward;
  uint32_t *pixel = dg_conv_fill_taps(d, &plan->shape, plan->tables);
  plan->pixel = pixel;
  for (size_t s = 0; s < plan->samples; s++)
    for (size_t y = 0; y < forward->height; y++)
      for (size_t x = 0; x < forward->width; x++)
        *pixel++ = (uint32_t)(s * plan->source_step + y * forward->row_step + x);
  plan->backward.tap = pixel;
  if (plan->by_col2im)
    plan->col2im = dg_col2im_make(d, forward->height, forward->width, pixel);
  else
    fill_back_taps(d, plan, pixel);
}

/**
 * Number of samples in one product of the weights' gradient: a product over one small plane would
 * be short, and adding up the gradients of all would cost more than computing them. But every part
 * must have some samples.
 */
static size_t chunk_samples(const dg_cpu_op *op, const dg_conv_back_plan *plan) {
  enum { MANY_PIXELS = 256 };
  size_t wanted = MANY_PIXELS / plan->shape.pixels, most = op->max_n / plan->parts;
  size_t samples = wanted < most ? wanted : most;
  return samples > 0 && samples * plan->source_step <= UINT32_MAX ? samples : 1;
}

/** The approximate number of simple operations of the products of `samples` samples in one
    direction. */
static size_t operations(const dg_conv_shape *shape, size_t samples) {
  return samples * shape->pixels * shape->taps * shape->forward.channels / DG_VECTOR;
}

/** Computes the sizes of the parts of the workspace. */
static void size_workspace(const dg_op_desc *desc, dg_conv_back_plan *plan) {
  const dg_conv2d_desc *d = &desc->conv2d;
  const dg_conv_shape *shape = &plan->shape;
  const dg_conv_epilogue *epilogue = &shape->epilogue;
  bool changes = dg_conv_epilogue_changes(epilogue), d_in = desc->d_in[0] != DG_GRAD_NONE;
  plan->back_weight_floats = d_in ? dg_round_up(plan->back_taps * dg_panels_width(d->channels)) : 0;
  plan->d_z_floats =
      changes ? dg_round_up(shape->pixels * DG_TILE_WIDTH + dg_conv_epilogue_slack(epilogue)) : 0;
  plan->gradient_floats = d_in && (changes || !dg_padded_is_plain(&plan->gradient))
                              ? dg_round_up(dg_padded_count(&plan->gradient))
                              : 0;
  plan->scratch_floats = d_in && plan->by_col2im ? dg_col2im_scratch(&plan->col2im) : 0;
  plan->packed_floats = dg_round_up(plan->samples * shape->pixels * DG_TILE_WIDTH);
  plan->worker_floats = plan->samples * (shape->source_floats + plan->gradient_floats) +
                        plan->d_z_floats + shape->epilogue_floats + plan->packed_floats +
                        plan->scratch_floats;
}

dg_conv_back_plan *dg_conv_back_plan_new(const dg_cpu_op *op, bool by_col2im, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  dg_conv_back_plan plan = {.shape = dg_conv_shape_of(d),
                            .by_col2im = by_col2im,
                            .back_taps = d->filters * (size_t)d->kernel_h * d->kernel_w};
  const dg_conv_shape *shape = &plan.shape;
  plan.gradient =
      (by_col2im ? plain_input : padded_gradient)(d, shape->forward.height, shape->forward.width);
  plan.backward = (dg_correlation){.channels = d->channels,
                                   .height = d->height,
                                   .width = d->width,
                                   .plane = (size_t)d->height * d->width,
                                   .row_step = dg_padded_row(&plan.gradient),
                                   .taps = plan.back_taps};
  plan.part_floats = shape->weight_floats + dg_round_up(2 * (size_t)d->filters);
  plan.parts = dg_cpu_parts(op, op->max_n, plan.part_floats, operations(shape, op->max_n));
  plan.source_step = shape->source_floats ? shape->source_floats : dg_padded_count(&shape->source);
  plan.samples = chunk_samples(op, &plan);
  if (!dg_conv_shape_check(&shape->source, err) || !dg_conv_shape_check(&plan.gradient, err))
    return NULL;
  size_t back_entries = by_col2im ? dg_col2im_entries(d, shape->pixels) : plan.back_taps;
  size_t entries = shape->taps + plan.samples * shape->pixels + back_entries;
  size_t bytes = sizeof plan + entries * sizeof *plan.tables;
  dg_conv_back_plan *made = malloc(bytes);
  if (!made) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  memcpy(made, &plan, sizeof plan);
  fill_tables(d, made);
  size_workspace(&op->desc, made);
  return made;
}
