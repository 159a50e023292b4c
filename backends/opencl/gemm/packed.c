#include "backends/opencl/gemm/packed.h"

enum { VECTOR = 16 };

bool dg_cl_packed_prepare(dg_cl_op *op, dg_cl_packed *panels, uint32_t rows, uint32_t depth,
                          uint32_t vectors, dg_error *err) {
  const uint64_t numbers = (1 + (uint64_t)depth) * dg_cl_round_up(rows, (size_t)VECTOR * vectors);
  if (!dg_cl_check_count(numbers, err)) return false;
  *panels = (dg_cl_packed){.rows = rows, .depth = depth, .vectors = vectors};
  panels->pack = dg_cl_kernel(op, DG_CL_GEMM_PACKED, "pack_panels", err);
  panels->panels = panels->pack ? dg_cl_scratch(op, sizeof(float) * numbers, err) : NULL;
  return panels->panels;
}

bool dg_cl_packed_fill(dg_cl_op *op, dg_cl_packed *panels, const dg_buffer *weight,
                       const dg_buffer *bias, dg_error *err) {
  const bool same =
      dg_cl_is_content(panels->weight, weight) && (!bias || dg_cl_is_content(panels->bias, bias));
  if (!op->train && same) return true;
  const size_t vectors = dg_cl_round_up(dg_cl_ceil_div(panels->rows, VECTOR), panels->vectors);
  if (!dg_cl_launch(op, panels->pack,
                    (dg_cl_range){.global = {vectors, dg_cl_ceil_div(panels->depth, VECTOR), 1},
                                  .local = {1, 1, 1}},
                    DG_CL_ARGS(dg_cl_mem(weight), dg_cl_mem(bias), dg_cl_mem(panels->panels),
                               dg_cl_u32(panels->rows), dg_cl_u32(panels->depth),
                               dg_cl_u32(panels->vectors)),
                    err))
    return false;
  panels->weight = dg_cl_content_of(weight);
  if (bias) panels->bias = dg_cl_content_of(bias);
  return true;
}

dg_cl_range dg_cl_packed_range(const dg_cl_packed *panels, uint32_t n) {
  return (dg_cl_range){
      .global = {dg_cl_ceil_div(panels->rows, (size_t)VECTOR * DG_CL_PANEL_VECTORS),
                 dg_cl_ceil_div(n, DG_CL_PANEL_ROWS), 1},
      .local = {1, 1, 1}};
}
