/* The gradients of recurrent layers; see recurrent_tiles.h for the notation. */
#include "backends/opencl/recurrent/recurrent_tiles.h"

typedef struct {
  dg_cl_recurrent_op shared;
  cl_kernel pack_rows, backward, sum_parts;
  uint32_t parts;                   /* of the gradients of weights */
  uint32_t part_size, scratch_size; /* numbers of a part, and of its scratch */
  /* Offsets in the workspace, after the packed weights of h, in numbers: */
  uint32_t weights_x, scratch, partials;
} backward_op;

/* ---- prepare ------------------------------------------------------------ */

/* As many as the device executes at a time, as long as they need little memory. */
static uint32_t parts_of(const backward_op *self) {
  enum { MOST = 1 << 26 };
  const uint32_t tiles = dg_cl_recurrent_tiles(&self->shared, self->shared.op.max_n);
  const uint32_t units = self->shared.op.device->base.info.compute_units;
  const uint32_t parts = tiles < units ? tiles : units, capacity = MOST / self->part_size;
  return parts < capacity ? parts : capacity ? capacity : 1;
}

/* Fails if an offset in the workspace would not fit 32 bits. */
static bool plan(backward_op *self, dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const uint32_t padded = self->shared.padded, in_padded = self->shared.in_padded;
  const uint32_t carried = 1 + (d->cell == DG_CELL_LSTM) + self->shared.reset_before;
  self->part_size = self->shared.gates * padded * (in_padded + padded) + self->shared.sums * padded;
  self->parts = parts_of(self);
  const uint64_t scratch_size =
      (uint64_t)self->shared.samples *
      (carried * padded + DG_CL_STEPS * (self->shared.sums * padded + in_padded));
  const uint64_t weights_x = (uint64_t)self->shared.gates * padded * padded;
  const uint64_t scratch = weights_x + (uint64_t)self->shared.gates * padded * in_padded;
  const uint64_t partials = scratch + self->parts * scratch_size;
  const uint64_t end = partials + (uint64_t)self->parts * self->part_size;
  if (!dg_cl_check_count(end, err)) return false;
  self->scratch_size = (uint32_t)scratch_size;
  self->weights_x = (uint32_t)weights_x;
  self->scratch = (uint32_t)scratch;
  self->partials = (uint32_t)partials;
  self->shared.op.needs.workspace = sizeof(float) * end;
  self->shared.op.needs.reads_in = true;
  return true;
}

/* Fails if an offset in what a training step saves would not fit 32 bits. */
static bool plan_saved(backward_op *self, dg_error *err) {
  dg_cl_op *op = &self->shared.op;
  const dg_recurrent_desc *d = &op->desc.recurrent;
  const uint64_t saved = (uint64_t)dg_cl_recurrent_tiles(&self->shared, op->max_n) * d->steps *
                         self->shared.saved_size * dg_cl_recurrent_directions(d);
  op->needs.saved = sizeof(float) * saved;
  return dg_cl_check_count(saved, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  if (!dg_cl_recurrent_prepare(&self->shared, err) || !plan(self, err) || !plan_saved(self, err))
    return false;
  self->pack_rows = dg_cl_recurrent_kernel(&self->shared, "recurrent_pack_rows", err);
  self->backward = dg_cl_recurrent_kernel(&self->shared, "recurrent_backward", err);
  self->sum_parts = dg_cl_recurrent_kernel(&self->shared, "recurrent_sum_parts", err);
  return self->pack_rows && self->backward && self->sum_parts;
}

/* ---- run ---------------------------------------------------------------- */

/* Packs `gates` gates of a weight, from gate `shift` on and cyclically, in rows. */
static bool pack_rows(backward_op *self, const dg_buffer *weight, uint32_t columns, uint32_t gates,
                      uint32_t shift, const dg_buffer *workspace, uint32_t to, dg_error *err) {
  const size_t items[] = {gates * self->shared.padded, dg_cl_ceil_div(columns, DG_CL_UNITS), 1};
  return dg_cl_launch(&self->shared.op, self->pack_rows,
                      dg_cl_range_of(items, (size_t[3]){DG_CL_UNITS, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(weight), dg_cl_u32(columns),
                                 dg_cl_u32(self->shared.op.desc.recurrent.hidden), dg_cl_u32(gates),
                                 dg_cl_u32(shift), dg_cl_mem(workspace), dg_cl_u32(to)),
                      err);
}

static bool pack_backward(backward_op *self, const dg_cl_recurrent_params *p,
                          const dg_buffer *workspace, dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const uint32_t of_h = self->shared.gates - self->shared.reset_before;
  return pack_rows(self, p->u, d->hidden, of_h, 0, workspace, 0, err) &&
         (!self->shared.reset_before ||
          pack_rows(self, p->u, d->hidden, 1, 2, workspace,
                    of_h * self->shared.padded * self->shared.padded, err)) &&
         (self->shared.op.desc.d_in[0] == DG_GRAD_NONE ||
          pack_rows(self, p->w, d->in, self->shared.gates, self->shared.reset_after ? 2 : 0,
                    workspace, self->weights_x, err));
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static bool run_backward(backward_op *self, const dg_op_buffers *b, uint32_t n, uint32_t direction,
                         dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const dg_grad_mode mode = self->shared.op.desc.d_in[0];
  return dg_cl_launch(
      &self->shared.op, self->backward,
      dg_cl_recurrent_range(&self->shared,
                            smaller(self->parts, dg_cl_recurrent_tiles(&self->shared, n))),
      DG_CL_ARGS(
          dg_cl_mem(b->in[0]), dg_cl_mem(b->saved),
          dg_cl_u32(dg_cl_recurrent_saved_first(&self->shared, n, direction)), dg_cl_mem(b->d_out),
          dg_cl_u32(dg_cl_recurrent_directions(d) * d->hidden), dg_cl_u32(direction * d->hidden),
          dg_cl_mem(b->workspace), dg_cl_u32(self->weights_x), dg_cl_u32(self->scratch),
          dg_cl_u32(self->scratch_size), dg_cl_u32(self->partials), dg_cl_u32(self->part_size),
          dg_cl_mem(mode == DG_GRAD_NONE ? NULL : b->d_in[0]),
          dg_cl_u32(mode == DG_GRAD_ADD || direction > 0), dg_cl_u32(n), dg_cl_u32(d->steps),
          dg_cl_u32(d->in), dg_cl_u32(d->hidden), dg_cl_u32(d->sequence), dg_cl_u32(direction)),
      err);
}

/* The location of one parameter in the parts: at `first` of each, `slots` slots of padded rows,
   where slot (gate + shift) % slots belongs to a gate. */
typedef struct {
  const dg_buffer *to;
  uint32_t first, gates, slots, shift, slot_rows;
  uint32_t rows, columns; /* per gate of the parameter */
} partial;

static bool sum_parts(backward_op *self, const dg_buffer *workspace, uint32_t n, const partial *p,
                      dg_error *err) {
  const size_t width = dg_cl_width(self->shared.op.device);
  const size_t items[] = {dg_cl_ceil_div(p->columns, width), p->rows, p->gates};
  return !p->to ||
         dg_cl_launch(
             &self->shared.op, self->sum_parts, dg_cl_range_of(items, (size_t[3]){1, 1, 1}),
             DG_CL_ARGS(dg_cl_mem(workspace), dg_cl_u32(self->partials + p->first),
                        dg_cl_u32(smaller(self->parts, dg_cl_recurrent_tiles(&self->shared, n))),
                        dg_cl_u32(self->part_size), dg_cl_u32(p->slot_rows), dg_cl_u32(p->shift),
                        dg_cl_u32(p->slots), dg_cl_mem(p->to), dg_cl_u32(p->rows),
                        dg_cl_u32(p->columns)),
             err);
}

static bool find_gradients(backward_op *self, const dg_op_buffers *b, uint32_t n,
                           uint32_t direction, dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const dg_cl_recurrent_params to = dg_cl_recurrent_params_of(d, b->d_param, direction);
  const uint32_t of_u = self->shared.gates * self->shared.padded * self->shared.in_padded,
                 of_biases = of_u + self->shared.gates * self->shared.padded * self->shared.padded;
  const partial w = {to.w,
                     0,
                     self->shared.gates,
                     self->shared.gates,
                     self->shared.reset_after,
                     self->shared.padded,
                     d->hidden,
                     d->in};
  const partial u = {
      to.u,      of_u,     self->shared.gates, self->shared.gates, 0, self->shared.padded,
      d->hidden, d->hidden};
  const partial bias_x = {
      to.b, of_biases, self->shared.gates, self->shared.gates, self->shared.reset_after,
      1,    1,         d->hidden};
  const partial bias_h = {
      to.c, of_biases, self->shared.gates, self->shared.sums, self->shared.reset_after,
      1,    1,         d->hidden};
  return sum_parts(self, b->workspace, n, &w, err) && sum_parts(self, b->workspace, n, &u, err) &&
         sum_parts(self, b->workspace, n, &bias_x, err) &&
         sum_parts(self, b->workspace, n, &bias_h, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_recurrent_desc *d = &op->desc.recurrent;
  for (uint32_t direction = 0; direction < dg_cl_recurrent_directions(d); direction++) {
    const dg_cl_recurrent_params p = dg_cl_recurrent_params_of(d, b->param, direction);
    if (!pack_backward(self, &p, b->workspace, err) ||
        !run_backward(self, b, step->n, direction, err) ||
        !find_gradients(self, b, step->n, direction, err))
      return false;
  }
  return true;
}

const dg_cl_implementation dg_cl_recurrent_tiles_backward = {.name = "tiles",
                                                             .saved = DG_CL_SAVED_STATES,
                                                             .size = sizeof(backward_op),
                                                             .prepare = prepare,
                                                             .run = backward};
