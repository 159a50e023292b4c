#include "backends/cpu/conv2d/winograd/winograd_plan.h"

bool dg_wino_is_faster(const dg_conv2d_desc *d) {
  if (d->kernel_h != d->kernel_w) return false;
  if (d->kernel_h != 3 && d->kernel_h != 5 && d->kernel_h != 7) return false;
  if (d->stride_h != 1 || d->stride_w != 1 || d->pad_h != d->pad_w || d->pad_h >= d->kernel_h)
    return false;
  bool saturates = d->act.kind == DG_ACT_SIGMOID || d->act.kind == DG_ACT_TANH;
  if (saturates) return false; /* for results between -1 and 1, errors would be relatively large */
  if (d->channels % DG_VECTOR || d->filters % DG_VECTOR || d->channels < 16) return false;
  size_t out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h);
  size_t out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w);
  dg_wino w = {.channels = 1, .out_h = out_h, .out_w = out_w, .kernel = d->kernel_h};
  size_t products = dg_wino_tiles(&w) * dg_wino_depth(&w) * DG_WINO_POINTS;
  return 2 * products <= w.kernel * w.kernel * out_h * out_w;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/** An image large enough for all tiles of a correlation. */
static dg_wino_image image_of(const dg_wino *w) {
  size_t side = dg_wino_side(w), border = dg_wino_subkernels(w) * dg_wino_subkernel_side(w) - 1;
  return (dg_wino_image){.top = w->pad,
                         .left = w->pad,
                         .rows = dg_wino_tiles_h(w) * side + border,
                         .columns = dg_wino_tiles_w(w) * side + border};
}

/** The same for the output's gradient, also large enough for the tiles of the output. */
static dg_wino_image gradient_image_of(const dg_wino *forward, const dg_wino *back) {
  dg_wino_image image = image_of(back);
  size_t side = dg_wino_side(forward);
  image.rows = larger(image.rows, image.top + dg_wino_tiles_h(forward) * side);
  image.columns = larger(image.columns, image.left + dg_wino_tiles_w(forward) * side);
  return image;
}

/** Floats of the results of a sample's tiles. */
static size_t pixel_floats(const dg_wino *w) {
  return dg_wino_tiles(w) * dg_wino_side(w) * dg_wino_side(w) * DG_VECTOR;
}

/** Reserves the next `floats` of a workspace that ends at `end` so far. */
static size_t take(size_t *end, size_t floats) {
  size_t begin = *end;
  *end += dg_round_up(floats);
  return begin;
}

static dg_wino_layout forward_layout(const dg_wino_plan *p) {
  const dg_wino *w = &p->forward;
  size_t tiles = p->block * dg_wino_tiles(w);
  dg_wino_layout l = {0};
  l.image = take(&l.end, dg_wino_image_floats(&p->image));
  l.transformed = take(&l.end, tiles * DG_WINO_POINTS * dg_wino_depth(w));
  l.products = take(&l.end, tiles * DG_WINO_POINTS * DG_TILE_WIDTH);
  l.pixels = take(&l.end, pixel_floats(w));
  l.transposed = take(&l.end, DG_VECTOR * w->out_w);
  l.epilogue = take(&l.end, dg_conv_epilogue_scratch(&p->epilogue));
  l.sums = take(&l.end, p->block * dg_conv_epilogue_sums(&p->epilogue));
  return l;
}

static dg_wino_layout backward_layout(const dg_wino_plan *p) {
  const dg_wino *w = &p->forward, *b = &p->back;
  size_t tiles = p->block * dg_wino_tiles(w), back_tiles = p->block * dg_wino_tiles(b);
  size_t kernels = w->channels * w->kernel * w->kernel * DG_VECTOR;
  dg_wino_layout l = {0};
  l.image = take(&l.end, dg_wino_image_floats(&p->image));
  l.transformed = take(&l.end, larger(tiles * DG_WINO_POINTS * dg_wino_depth(w), kernels));
  l.products = take(&l.end, larger(tiles, back_tiles) * DG_WINO_POINTS * DG_TILE_WIDTH);
  l.pixels = take(&l.end, pixel_floats(b));
  l.transposed = take(&l.end, DG_VECTOR * b->out_w);
  l.epilogue = take(&l.end, dg_conv_epilogue_scratch(&p->epilogue));
  l.d_z = take(&l.end, dg_conv_epilogue_changes(&p->epilogue)
                           ? DG_VECTOR * w->out_h * w->out_w + dg_conv_epilogue_slack(&p->epilogue)
                           : 0);
  l.d_image = take(&l.end, dg_wino_image_floats(&p->d_image));
  l.d_transformed =
      take(&l.end, p->back_weights ? back_tiles * DG_WINO_POINTS * dg_wino_depth(b) : 0);
  return l;
}

/** The common part of both directions, except for the layout. */
static dg_wino_plan plan_of(const dg_conv2d_desc *d, uint32_t max_n) {
  enum { MANY_TILES = 32 };
  dg_wino w = {.channels = d->channels,
               .filters = d->filters,
               .in_h = d->height,
               .in_w = d->width,
               .out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h),
               .out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w),
               .kernel = d->kernel_h,
               .pad = d->pad_h};
  size_t tiles = dg_wino_tiles(&w), wanted = (MANY_TILES + tiles - 1) / tiles;
  return (dg_wino_plan){.forward = w,
                        .image = image_of(&w),
                        .epilogue = dg_conv_epilogue_of(d),
                        .block = wanted < max_n ? wanted : max_n,
                        .weights = dg_wino_weight_floats(&w)};
}

dg_wino_plan dg_wino_forward_plan(const dg_conv2d_desc *d, uint32_t max_n) {
  dg_wino_plan p = plan_of(d, max_n);
  p.shared = dg_round_up(dg_wino_tiles(&p.forward) * DG_WINO_POINTS * p.forward.filters);
  p.layout = forward_layout(&p);
  return p;
}

static dg_wino back_of(const dg_wino *w) {
  return (dg_wino){.channels = w->filters,
                   .filters = w->channels,
                   .in_h = w->out_h,
                   .in_w = w->out_w,
                   .out_h = w->in_h,
                   .out_w = w->in_w,
                   .kernel = w->kernel,
                   .pad = w->kernel - 1 - w->pad};
}

dg_wino_plan dg_wino_backward_plan(const dg_conv2d_desc *d, uint32_t max_n, bool d_in) {
  dg_wino_plan p = plan_of(d, max_n);
  p.back = back_of(&p.forward);
  p.d_image = gradient_image_of(&p.forward, &p.back);
  p.back_weights = d_in ? p.weights : 0;
  p.part = dg_round_up(p.weights) + dg_round_up(p.forward.filters * sizeof(double) / sizeof(float));
  p.layout = backward_layout(&p);
  return p;
}
