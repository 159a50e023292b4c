/*
 * Convolutions line by line (cl/conv2d/rows_tile.cl): forward, in tile form, for few channels.
 * Vectors run along the filters; a line's sums stay in registers until they are pooled.
 */
#include <stdio.h>

#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/conv2d/conv2d_planes.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/gemm/packed.h"
#include "backends/opencl/pool/maxpool.h"

typedef struct {
  dg_cl_op op;
  cl_kernel rows, drop;
  dg_cl_packed packed;
  dg_cl_conv2d_shape shape;
} rows_op;

/* Limits: columns of a block, so that its sums and their operands fit 32 registers; filters that
   make it worthwhile; and the width of lines and windows, to limit unrolling. */
enum { SUMS = 28, FEWEST = 8, WIDEST = 4 * SUMS, WIDEST_KERNEL = 11 };

static uint32_t windows(const dg_conv2d_desc *d) {
  return d->pool ? d->pool : 1;
}

/* Columns of sums that are needed. */
static uint32_t used_columns(const dg_conv2d_desc *d) {
  const uint32_t sums = dg_window_out(d->width, d->kernel_w, 1, d->pad_w);
  return sums / windows(d) * windows(d);
}

static bool fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)max_n, (void)train;
  const dg_conv2d_desc *d = &desc->conv2d;
  return device->form == DG_CL_TILE && d->stride_h == 1 && d->stride_w == 1 &&
         d->filters >= FEWEST && used_columns(d) <= WIDEST && d->kernel_w <= WIDEST_KERNEL &&
         d->pool <= SUMS / 2;
}

/* The columns of a block: whole windows, in as few blocks of about equal size as possible. */
static uint32_t block_of(const dg_conv2d_desc *d, uint32_t vectors) {
  const uint32_t pool = windows(d), used = used_columns(d) / pool;
  const uint32_t most = SUMS / vectors / pool;
  return (uint32_t)dg_cl_ceil_div(used, dg_cl_ceil_div(used, most)) * pool;
}

static cl_kernel kernel_of(dg_cl_op *op, uint32_t vectors, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  char options[128];
  snprintf(options, sizeof options,
           "-DIMAGE=%u -DKERNEL=%u -DPAD=%u -DPOOL=%u -DVECTORS=%u -DBLOCK=%u%s", d->width,
           d->kernel_w, d->pad_w, windows(d), vectors, block_of(d, vectors),
           op->train && d->pool ? " -DKEEP" : "");
  return dg_cl_special_kernel(op, DG_CL_ROWS, options, "rows", err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  rows_op *self = (rows_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const bool narrow = used_columns(d) <= SUMS / 2;
  const uint32_t vectors = narrow && d->filters > DG_CL_CONV2D_VECTOR ? 2 : 1;
  self->shape = dg_cl_conv2d_shape_of(d);
  if (!dg_cl_conv2d_shape_check(op, &self->shape, err)) return false;
  self->rows = kernel_of(op, vectors, err);
  return self->rows && dg_cl_drop_prepare(op, d->drop, &self->drop, err) &&
         dg_cl_packed_prepare(op, &self->packed, d->filters, dg_cl_conv2d_weights(d), vectors, err);
}

/* Lines of results per work-item: few enough for each compute unit to have some items. */
static uint32_t share_of(const rows_op *self, uint32_t groups, uint32_t lines) {
  enum { ITEMS = 32 };
  const size_t wanted = (size_t)ITEMS * self->op.device->base.info.compute_units;
  const size_t shares = dg_cl_ceil_div(wanted, groups);
  return shares < lines ? (uint32_t)dg_cl_ceil_div(lines, shares) : 1;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  rows_op *self = (rows_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint32_t lines = self->shape.out_h / windows(d);
  const size_t vectors = DG_CL_CONV2D_VECTOR * self->packed.vectors;
  const size_t groups = dg_cl_ceil_div(d->filters, vectors);
  const uint32_t share = share_of(self, (uint32_t)groups * step->n, lines);
  return dg_cl_packed_fill(op, &self->packed, b->param[0], d->bias ? b->param[1] : NULL, err) &&
         dg_cl_launch(op, self->rows,
                      (dg_cl_range){.global = {groups, dg_cl_ceil_div(lines, share), step->n},
                                    .local = {1, 1, 1}},
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(self->packed.panels),
                                 dg_cl_f32(dg_cl_leaky_slope(d->act)), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(b->saved), dg_cl_u32(d->channels), dg_cl_u32(d->height),
                                 dg_cl_u32(d->kernel_h), dg_cl_u32(d->pad_h), dg_cl_u32(d->filters),
                                 dg_cl_u32(lines), dg_cl_u32(share), dg_cl_u32(step->train)),
                      err) &&
         dg_cl_drop_epilogue(op, self->drop, d->drop, dg_cl_conv2d_out(d, &self->shape), b->out[0],
                             step, err);
}

const dg_cl_implementation dg_cl_conv2d_rows_forward = {.name = "rows",
                                                        .saved = DG_CL_SAVED_PLACES,
                                                        .fits = fits,
                                                        .size = sizeof(rows_op),
                                                        .prepare = prepare,
                                                        .run = forward};
