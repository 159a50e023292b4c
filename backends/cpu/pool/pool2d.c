#include "backends/cpu/pool/pool2d.h"

#include "core/base/size.h"

/** Elements that may be read beyond a row or plane: a block. */
enum { SPARE = 16 };

bool dg_pool_supports(const dg_op_desc *desc) {
  const dg_pool2d_desc *d = &desc->pool2d;
  uint64_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint64_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  /* the extent of all windows of a row, and of a column; signed arithmetic stays within both */
  uint64_t reach_h = dg_size_plus(dg_size_times(out_h, d->stride_h), (uint64_t)d->kernel_h + SPARE);
  uint64_t reach_w = dg_size_plus(dg_size_times(out_w, d->stride_w), (uint64_t)d->kernel_w + SPARE);
  uint64_t height = (uint64_t)d->height + d->kernel_h, width = (uint64_t)d->width + d->kernel_w;
  return d->channels > 0 && d->height > 0 && d->width > 0 && out_h > 0 && out_w > 0 &&
         d->kernel_h > 0 && d->kernel_w > 0 && 2 * (uint64_t)d->pad_h <= d->kernel_h &&
         2 * (uint64_t)d->pad_w <= d->kernel_w &&
         dg_size_fits(dg_size_times(height + SPARE, width + SPARE)) &&
         dg_size_fits(dg_size_times(out_h, reach_w)) && dg_size_fits(reach_h);
}

dg_window dg_pool_window(const dg_pool2d_desc *d) {
  dg_window w = {
      .height = (int)d->height,
      .width = (int)d->width,
      .out_h = (int)dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
      .out_w = (int)dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
      .kernel_h = (int)d->kernel_h,
      .kernel_w = (int)d->kernel_w,
      .stride_h = (int)d->stride_h,
      .stride_w = (int)d->stride_w,
      .pad_h = (int)d->pad_h,
      .pad_w = (int)d->pad_w,
  };
  w.in_plane = (size_t)(w.height * w.width);
  w.out_plane = (size_t)(w.out_h * w.out_w);
  return w;
}

static size_t count_planes(const dg_cpu_op *op, const dg_step *step) {
  return (size_t)step->n * op->desc.pool2d.channels;
}

size_t dg_pool_pieces(const dg_cpu_op *op, const dg_step *step) {
  size_t planes = count_planes(op, step);
  return dg_cpu_pieces(planes, planes * dg_pool_window(&op->desc.pool2d).in_plane);
}

dg_span dg_pool_planes(const dg_cpu_region *region, size_t piece) {
  return dg_cpu_part(count_planes(region->op, region->step), region->pieces, piece);
}
