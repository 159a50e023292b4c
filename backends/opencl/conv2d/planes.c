#include "backends/opencl/conv2d/planes.h"

uint32_t dg_cl_plane_area(const dg_cl_plane *s) {
  return s->phases_y * s->phases_x * s->lines * s->pitch;
}

bool dg_cl_padder_prepare(dg_cl_op *op, dg_cl_padder *padder, dg_error *err) {
  padder->any = dg_cl_kernel(op, DG_CL_ELEMENTS, "pad_planes", err);
  if (!padder->any || op->device->form != DG_CL_TILE) return padder->any;
  padder->dense = dg_cl_kernel(op, DG_CL_ELEMENTS, "pad_dense_planes", err);
  return padder->dense;
}

static bool is_dense(const dg_cl_plane *s) {
  return s->phases_y == 1 && s->phases_x == 1 && s->dilation_y == 1 && s->dilation_x == 1 &&
         s->origin_y >= 0 && s->origin_x >= 0;
}

bool dg_cl_pad(dg_cl_op *op, const dg_cl_padder *padder, const dg_cl_plane *s,
               const dg_cl_padding *p, dg_error *err) {
  const dg_cl_arg from = dg_cl_mem(p->from), of = dg_cl_mem(p->of), slope = dg_cl_f32(p->slope),
                  to = dg_cl_mem(p->to), to_first = dg_cl_u32(p->to_first + s->lead),
                  to_plane = dg_cl_u32(p->to_plane), height = dg_cl_u32(s->height),
                  width = dg_cl_u32(s->width), lines = dg_cl_u32(s->lines),
                  pitch = dg_cl_u32(s->pitch), origin_y = dg_cl_i32(s->origin_y),
                  origin_x = dg_cl_i32(s->origin_x);
  if (padder->dense && is_dense(s))
    return dg_cl_launch(op, padder->dense,
                        (dg_cl_range){.global = {p->planes, 1, 1}, .local = {1, 1, 1}},
                        DG_CL_ARGS(from, of, slope, to, to_first, to_plane, height, width, lines,
                                   pitch, origin_y, origin_x),
                        err);
  return dg_cl_launch(
      op, padder->any,
      (dg_cl_range){.global = {32, 8, p->planes}, .local = {32, 8, 1}, .strided = true},
      DG_CL_ARGS(from, of, slope, to, to_first, to_plane, height, width, lines, pitch,
                 dg_cl_u32(s->phases_y), dg_cl_u32(s->phases_x), origin_y, origin_x,
                 dg_cl_u32(s->dilation_y), dg_cl_u32(s->dilation_x)),
      err);
}

bool dg_cl_pooled_padder_prepare(dg_cl_op *op, uint32_t pool, uint32_t out_w,
                                 dg_cl_pooled_padder *padder, dg_error *err) {
  padder->is_2x2 = op->device->form == DG_CL_TILE && pool == 2 && out_w >= 4;
  padder->kernel = dg_cl_kernel(
      op, DG_CL_ELEMENTS, padder->is_2x2 ? "pad_pooled_planes_2x2" : "pad_pooled_planes", err);
  return padder->kernel;
}

bool dg_cl_pad_pooled(dg_cl_op *op, const dg_cl_pooled_padder *padder, const dg_cl_plane *s,
                      const dg_cl_pooled_padding *p, dg_error *err) {
  const dg_cl_padding *q = &p->padding;
  const dg_cl_arg from = dg_cl_mem(q->from), of = dg_cl_mem(q->of), slope = dg_cl_f32(q->slope),
                  scale = dg_cl_f32(p->scale), places = dg_cl_mem(p->places), to = dg_cl_mem(q->to),
                  to_first = dg_cl_u32(q->to_first + s->lead), to_plane = dg_cl_u32(q->to_plane),
                  out_h = dg_cl_u32(p->out_h), out_w = dg_cl_u32(p->out_w),
                  lines = dg_cl_u32(s->lines), pitch = dg_cl_u32(s->pitch),
                  origin_y = dg_cl_i32(s->origin_y), origin_x = dg_cl_i32(s->origin_x);
  if (padder->is_2x2)
    return dg_cl_launch(op, padder->kernel,
                        (dg_cl_range){.global = {q->planes, 1, 1}, .local = {1, 1, 1}},
                        DG_CL_ARGS(from, of, slope, scale, places, to, to_first, to_plane, out_h,
                                   out_w, lines, pitch, origin_y, origin_x),
                        err);
  return dg_cl_launch(
      op, padder->kernel,
      dg_cl_range_of((size_t[3]){s->pitch, s->lines, q->planes}, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(from, of, slope, scale, places, to, to_first, to_plane, out_h, out_w,
                 dg_cl_u32(p->pool), lines, pitch, origin_y, origin_x),
      err);
}
