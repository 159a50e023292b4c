#include "backends/opencl/planes.h"

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
  return dg_cl_launch(op, padder->any,
                      (dg_cl_range){.global = {32, 8, p->planes}, .local = {32, 8, 1}},
                      DG_CL_ARGS(from, of, slope, to, to_first, to_plane, height, width, lines,
                                 pitch, dg_cl_u32(s->phases_y), dg_cl_u32(s->phases_x), origin_y,
                                 origin_x, dg_cl_u32(s->dilation_y), dg_cl_u32(s->dilation_x)),
                      err);
}
