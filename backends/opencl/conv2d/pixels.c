#include "backends/opencl/conv2d/pixels.h"

#include <stdlib.h>

uint32_t dg_cl_tap_rows(const dg_cl_device *device, uint32_t rows) {
  return (uint32_t)dg_cl_round_up(rows, device->tiles[DG_CL_TAPS].rows);
}

bool dg_cl_pixels_prepare(dg_cl_op *op, dg_cl_pixels *pixels, dg_error *err) {
  pixels->to_pixels = dg_cl_kernel(op, DG_CL_GEMM, "to_pixels", err);
  pixels->from_pixels = dg_cl_kernel(op, DG_CL_GEMM, "from_pixels", err);
  pixels->taps = dg_cl_kernel(op, DG_CL_GEMM, "gemm_taps", err);
  return pixels->to_pixels && pixels->from_pixels && pixels->taps;
}

dg_cl_range dg_cl_tiles(size_t x, size_t y, size_t z) {
  return (dg_cl_range){.global = {x, y, z}, .local = {1, 1, 1}};
}

bool dg_cl_to_pixels(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_transpose_in *t,
                     dg_error *err) {
  return dg_cl_launch(op, pixels->to_pixels,
                      dg_cl_tiles(dg_cl_ceil_div(t->rows, DG_CL_VECTOR), t->items, 1),
                      DG_CL_ARGS(dg_cl_mem(t->from), dg_cl_u32(t->from_row),
                                 dg_cl_u32(t->from_item), dg_cl_mem(t->of), dg_cl_f32(t->slope),
                                 dg_cl_mem(t->to), dg_cl_u32(t->to_first), dg_cl_u32(t->to_item),
                                 dg_cl_u32(t->rows), dg_cl_u32(t->pixels), dg_cl_u32(t->pitch)),
                      err);
}

bool dg_cl_from_pixels(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_transpose_out *t,
                       dg_error *err) {
  return dg_cl_launch(op, pixels->from_pixels,
                      dg_cl_tiles(dg_cl_ceil_div(t->channels, DG_CL_VECTOR), t->samples, 1),
                      DG_CL_ARGS(dg_cl_mem(t->from), dg_cl_u32(t->first), dg_cl_u32(t->pitch),
                                 dg_cl_u32(t->row), dg_cl_mem(t->bias), dg_cl_f32(t->slope),
                                 dg_cl_mem(t->to), dg_cl_u32(t->channels), dg_cl_u32(t->pixels),
                                 dg_cl_u32(t->add)),
                      err);
}

bool dg_cl_taps_make(dg_cl_op *op, dg_cl_taps *lists, dg_cl_list_taps *list, uint32_t most,
                     dg_error *err) {
  const size_t firsts_bytes = sizeof(uint32_t) * ((size_t)lists->chunks * lists->items + 1);
  const size_t most_bytes = sizeof(dg_cl_gemm_offset) * lists->items * most;
  uint32_t *firsts = malloc(firsts_bytes), count = 0;
  dg_cl_gemm_offset *taps = malloc(most_bytes);
  if (!firsts || !taps) {
    free(firsts);
    free(taps);
    return dg_fail_memory(err, firsts_bytes + most_bytes);
  }
  for (uint32_t i = 0; i < lists->chunks * lists->items; i++) {
    firsts[i] = count;
    count += list(op, i / lists->items, i % lists->items, taps + count);
  }
  firsts[lists->chunks * lists->items] = count;
  lists->firsts = dg_cl_table(op, firsts, firsts_bytes, err);
  lists->taps =
      lists->firsts ? dg_cl_table(op, taps, sizeof *taps * (count ? count : 1), err) : NULL;
  free(firsts);
  free(taps);
  return lists->taps;
}

bool dg_cl_sum_taps(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_tap_product *p,
                    dg_error *err) {
  const dg_cl_tile tile = op->device->tiles[DG_CL_TAPS];
  const uint32_t vectors = (uint32_t)dg_cl_ceil_div(p->columns, DG_CL_VECTOR);
  dg_cl_range range = dg_cl_tiles(dg_cl_ceil_div(p->rows, tile.rows),
                                  dg_cl_ceil_div(vectors, tile.columns), p->lists->items);
  bool ok = true;
  for (uint32_t chunk = 0; ok && chunk < p->lists->chunks; chunk++) {
    range.first[2] = (size_t)chunk * p->lists->items;
    ok = dg_cl_launch(op, pixels->taps, range,
                      DG_CL_ARGS(dg_cl_mem(p->a), dg_cl_u32(p->a_row), dg_cl_u32(p->a_k),
                                 dg_cl_mem(p->b), dg_cl_u32(p->b_k), dg_cl_mem(p->lists->firsts),
                                 dg_cl_mem(p->lists->taps), dg_cl_u32(p->depth), dg_cl_mem(p->c),
                                 dg_cl_u32(p->c_first), dg_cl_u32(p->lists->items),
                                 dg_cl_u32(p->c_item), dg_cl_u32(p->c_row), dg_cl_u32(vectors),
                                 dg_cl_u32(p->add || chunk > 0)),
                      err);
  }
  return ok;
}
