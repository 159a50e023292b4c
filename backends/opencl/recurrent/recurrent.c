/*
 * Recurrent layers. cl/recurrent/recurrent_tile.cl, or cl/recurrent/recurrent_group.cl, takes tiles
 * of a few samples through all steps in one launch, forward or backward. Backward adds up the
 * gradients of the weights on its way, in as many parts as there are work-items, or work-groups; a
 * last launch adds the parts. Directions run one after the other.
 */
#include <stdio.h>

#include "backends/opencl/runtime/opencl.h"

/* STEPS is that of cl/recurrent/recurrent_cell.cl, ITEMS that of cl/recurrent/recurrent_group.cl.
 */
enum { VECTOR = 16, STEPS = 14, ITEMS = 128 };

typedef struct {
  dg_cl_op op;
  cl_kernel pack_gates, pack_biases, forward;
  cl_kernel pack_rows, backward, sum_parts;
  bool reset_after, reset_before;   /* of a GRU */
  uint32_t gates, sums;             /* GATES and SUMS of cl/recurrent/recurrent_cell.cl */
  uint32_t samples;                 /* of a tile */
  uint32_t parts;                   /* of the gradients of weights */
  uint32_t padded, in_padded;       /* hidden and in, in whole vectors */
  uint32_t kept_size;               /* numbers that are kept of a tile at one time */
  uint32_t block;                   /* weights packed for forward: of 16 units */
  uint32_t part_size, scratch_size; /* backward: numbers of a part, and that its making takes */
  /* Where things begin in the workspaces, behind the packed weights of h, in numbers: */
  uint32_t inputs, states;             /* forward: x of a time; what is kept when testing */
  uint32_t weights_x, scratch, parted; /* backward */
} recurrent_op;

/* The parameters of a direction, or their gradients; NULL where there is no such bias. */
typedef struct {
  const dg_buffer *w, *u, *b, *c;
} parameters;

static parameters parameters_of(const dg_recurrent_desc *d, dg_buffer *const *all,
                                uint32_t direction) {
  all += direction * (2 + d->biases);
  return (parameters){.w = all[0],
                      .u = all[1],
                      .b = d->biases > 0 ? all[2] : NULL,
                      .c = d->biases > 1 ? all[3] : NULL};
}

static uint32_t directions_of(const dg_recurrent_desc *d) {
  return d->bidirectional ? 2 : 1;
}

static uint32_t tiles_of(const recurrent_op *self, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(n, self->samples);
}

/* ---- preparing ---------------------------------------------------------- */

/* Samples of a tile. In registers more are no faster, and few leave no work-item without work. */
static uint32_t samples_of(const dg_cl_op *op) {
  return op->device->form == DG_CL_TILE ? 5 : 4;
}

/* Weights and rows must be counted in 32 bits before anything is made of their sizes. */
static bool check_sizes(const dg_cl_op *op, dg_error *err) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  const uint64_t units = dg_cl_round_up(d->hidden, VECTOR), most = DG_MAX_GATES + 2;
  return dg_cl_check_count((uint64_t)op->base.max_n * d->steps * 2, err) &&
         dg_cl_check_count(units * most * 2, err) &&
         dg_cl_check_count(units * most * ((uint64_t)d->in + d->hidden + 2 * VECTOR), err);
}

static void find_sizes(recurrent_op *self) {
  static const uint32_t kept[] = {[DG_CELL_RNN] = 1, [DG_CELL_GRU] = 5, [DG_CELL_LSTM] = 6};
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  self->reset_after = d->cell == DG_CELL_GRU && !d->reset_before;
  self->reset_before = d->cell == DG_CELL_GRU && d->reset_before;
  self->gates = dg_cell_gates(d->cell);
  self->sums = self->gates + self->reset_after;
  self->samples = samples_of(&self->op);
  self->padded = (uint32_t)dg_cl_round_up(d->hidden, VECTOR);
  self->in_padded = (uint32_t)dg_cl_round_up(d->in, VECTOR);
  self->kept_size = kept[d->cell] * self->padded * self->samples;
  self->block = VECTOR * (self->sums + self->gates * (self->in_padded + self->padded));
}

/* Fails where a place in the memory of forward would not fit 32 bits. */
static bool plan_forward(recurrent_op *self, dg_error *err) {
  const uint64_t tiles = tiles_of(self, self->op.base.max_n);
  const uint64_t inputs = self->padded / VECTOR * (uint64_t)self->block;
  const uint64_t states = inputs + tiles * self->samples * self->in_padded;
  const uint64_t end = states + tiles * 2 * self->kept_size;
  if (!dg_cl_check_count(end, err)) return false;
  self->inputs = (uint32_t)inputs;
  self->states = (uint32_t)states;
  self->op.base.needs.forward_workspace = sizeof(float) * end;
  return true;
}

/* As many as the device works on at a time, as long as they take little memory. */
static uint32_t parts_of(const recurrent_op *self) {
  enum { MOST = 1 << 26 };
  const uint32_t tiles = tiles_of(self, self->op.base.max_n);
  const uint32_t units = self->op.device->base.info.compute_units;
  const uint32_t parts = tiles < units ? tiles : units, room = MOST / self->part_size;
  return parts < room ? parts : room ? room : 1;
}

/* The same for backward. */
static bool plan_backward(recurrent_op *self, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const uint32_t padded = self->padded, in_padded = self->in_padded;
  const uint32_t carried = 1 + (d->cell == DG_CELL_LSTM) + self->reset_before;
  self->part_size = self->gates * padded * (in_padded + padded) + self->sums * padded;
  self->parts = parts_of(self);
  const uint64_t scratch_size =
      (uint64_t)self->samples * (carried * padded + STEPS * (self->sums * padded + in_padded));
  const uint64_t weights_x = (uint64_t)self->gates * padded * padded;
  const uint64_t scratch = weights_x + (uint64_t)self->gates * padded * in_padded;
  const uint64_t parted = scratch + self->parts * scratch_size;
  const uint64_t end = parted + (uint64_t)self->parts * self->part_size;
  const uint64_t kept =
      (uint64_t)tiles_of(self, self->op.base.max_n) * d->steps * self->kept_size * directions_of(d);
  if (!dg_cl_check_count(end, err) || !dg_cl_check_count(kept, err)) return false;
  self->scratch_size = (uint32_t)scratch_size;
  self->weights_x = (uint32_t)weights_x;
  self->scratch = (uint32_t)scratch;
  self->parted = (uint32_t)parted;
  self->op.base.needs.kept = sizeof(float) * kept;
  self->op.base.needs.backward_workspace = sizeof(float) * end;
  self->op.base.needs.backward_reads_in = true;
  return true;
}

static cl_kernel kernel_of(recurrent_op *self, const char *name, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  char options[128];
  snprintf(options, sizeof options,
           "-DCELL=%d -DHARD_SIGMOID=%d -DRESET_BEFORE=%d -DSAMPLES=%u -DLANES=%d", d->cell,
           d->hard_sigmoid, self->reset_before, self->samples,
           self->op.device->form == DG_CL_TILE ? VECTOR : 1);
  return dg_cl_special_kernel(&self->op, DG_CL_RECURRENT, options, name, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  if (!check_sizes(op, err)) return false;
  find_sizes(self);
  if (!plan_forward(self, err)) return false;
  self->pack_gates = kernel_of(self, "recurrent_pack_gates", err);
  self->pack_biases = kernel_of(self, "recurrent_pack_biases", err);
  self->forward = kernel_of(self, "recurrent_forward", err);
  if (!self->pack_gates || !self->pack_biases || !self->forward) return false;
  if (!op->train) return true;
  if (!plan_backward(self, err)) return false;
  self->pack_rows = kernel_of(self, "recurrent_pack_rows", err);
  self->backward = kernel_of(self, "recurrent_backward", err);
  self->sum_parts = kernel_of(self, "recurrent_sum_parts", err);
  return self->pack_rows && self->backward && self->sum_parts;
}

/* ---- forward ------------------------------------------------------------ */

/* `count` work-items of the tile form, or work-groups of the other. */
static dg_cl_range tile_range(const recurrent_op *self, uint32_t count) {
  const size_t local = self->op.device->form == DG_CL_GROUP ? ITEMS : 1;
  return (dg_cl_range){.global = {count * local, 1, 1}, .local = {local, 1, 1}};
}

/* Packs `gates` gates of a weight, beginning with gate `shift` and going round, at `to` of each
   block. */
static bool pack_gates(recurrent_op *self, const dg_buffer *weight, uint32_t columns,
                       uint32_t gates, uint32_t shift, const dg_buffer *workspace, uint32_t to,
                       dg_error *err) {
  const size_t items[] = {columns, self->padded / VECTOR, 1}, local[] = {VECTOR, 1, 1};
  return dg_cl_launch(&self->op, self->pack_gates, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(weight), dg_cl_u32(columns),
                                 dg_cl_u32(self->op.base.desc.recurrent.hidden), dg_cl_u32(gates),
                                 dg_cl_u32(shift), dg_cl_mem(workspace), dg_cl_u32(to),
                                 dg_cl_u32(self->block)),
                      err);
}

static bool pack_forward(recurrent_op *self, const parameters *p, const dg_buffer *workspace,
                         dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const uint32_t of_h = self->gates - self->reset_before;
  const uint32_t to_w = VECTOR * self->sums, to_u = to_w + VECTOR * self->gates * self->in_padded;
  const uint32_t to_u_n = to_u + VECTOR * of_h * self->padded;
  const size_t items[] = {self->padded, 1, 1}, local[] = {VECTOR, 1, 1};
  return dg_cl_launch(&self->op, self->pack_biases, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(p->b), dg_cl_mem(p->c), dg_cl_u32(d->hidden),
                                 dg_cl_mem(workspace), dg_cl_u32(self->block)),
                      err) &&
         pack_gates(self, p->w, d->in, self->gates, self->reset_after ? 2 : 0, workspace, to_w,
                    err) &&
         pack_gates(self, p->u, d->hidden, of_h, 0, workspace, to_u, err) &&
         (!self->reset_before || pack_gates(self, p->u, d->hidden, 1, 2, workspace, to_u_n, err));
}

static uint32_t kept_first(const recurrent_op *self, uint32_t n, uint32_t direction) {
  return direction * tiles_of(self, n) * self->op.base.desc.recurrent.steps * self->kept_size;
}

static bool run_forward(recurrent_op *self, const dg_op_buffers *b, const dg_step *step,
                        uint32_t direction, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const bool train = step->train;
  return dg_cl_launch(
      &self->op, self->forward, tile_range(self, tiles_of(self, step->n)),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->workspace), dg_cl_u32(self->inputs),
                 dg_cl_mem(train ? b->kept : b->workspace),
                 dg_cl_u32(train ? kept_first(self, step->n, direction) : self->states),
                 dg_cl_u32(train ? d->steps : 2), dg_cl_mem(b->out[0]),
                 dg_cl_u32(directions_of(d) * d->hidden), dg_cl_u32(direction * d->hidden),
                 dg_cl_u32(step->n), dg_cl_u32(d->steps), dg_cl_u32(d->in), dg_cl_u32(d->hidden),
                 dg_cl_u32(d->sequence), dg_cl_u32(direction)),
      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  for (uint32_t direction = 0; direction < directions_of(d); direction++) {
    const parameters p = parameters_of(d, b->param, direction);
    if (!pack_forward(self, &p, b->workspace, err) || !run_forward(self, b, step, direction, err))
      return false;
  }
  return true;
}

/* ---- backward ----------------------------------------------------------- */

/* Packs `gates` gates of a weight, as pack_gates does, in rows. */
static bool pack_rows(recurrent_op *self, const dg_buffer *weight, uint32_t columns, uint32_t gates,
                      uint32_t shift, const dg_buffer *workspace, uint32_t to, dg_error *err) {
  const size_t items[] = {gates * self->padded, dg_cl_ceil_div(columns, VECTOR), 1};
  return dg_cl_launch(&self->op, self->pack_rows, dg_cl_range_of(items, (size_t[3]){VECTOR, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(weight), dg_cl_u32(columns),
                                 dg_cl_u32(self->op.base.desc.recurrent.hidden), dg_cl_u32(gates),
                                 dg_cl_u32(shift), dg_cl_mem(workspace), dg_cl_u32(to)),
                      err);
}

static bool pack_backward(recurrent_op *self, const parameters *p, const dg_buffer *workspace,
                          dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const uint32_t of_h = self->gates - self->reset_before;
  return pack_rows(self, p->u, d->hidden, of_h, 0, workspace, 0, err) &&
         (!self->reset_before || pack_rows(self, p->u, d->hidden, 1, 2, workspace,
                                           of_h * self->padded * self->padded, err)) &&
         (self->op.base.desc.d_in[0] == DG_GRAD_NONE ||
          pack_rows(self, p->w, d->in, self->gates, self->reset_after ? 2 : 0, workspace,
                    self->weights_x, err));
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static bool run_backward(recurrent_op *self, const dg_op_buffers *b, uint32_t n, uint32_t direction,
                         dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const dg_grad_mode mode = self->op.base.desc.d_in[0];
  return dg_cl_launch(
      &self->op, self->backward, tile_range(self, smaller(self->parts, tiles_of(self, n))),
      DG_CL_ARGS(
          dg_cl_mem(b->in[0]), dg_cl_mem(b->kept), dg_cl_u32(kept_first(self, n, direction)),
          dg_cl_mem(b->d_out), dg_cl_u32(directions_of(d) * d->hidden),
          dg_cl_u32(direction * d->hidden), dg_cl_mem(b->workspace), dg_cl_u32(self->weights_x),
          dg_cl_u32(self->scratch), dg_cl_u32(self->scratch_size), dg_cl_u32(self->parted),
          dg_cl_u32(self->part_size), dg_cl_mem(mode == DG_GRAD_NONE ? NULL : b->d_in[0]),
          dg_cl_u32(mode == DG_GRAD_ADD || direction > 0), dg_cl_u32(n), dg_cl_u32(d->steps),
          dg_cl_u32(d->in), dg_cl_u32(d->hidden), dg_cl_u32(d->sequence), dg_cl_u32(direction)),
      err);
}

/* What the parts hold of one parameter: at `first` of each, `slots` slots of padded rows, of which
   slot (gate + shift) % slots is of a gate. */
typedef struct {
  const dg_buffer *to;
  uint32_t first, gates, slots, shift, slot_rows;
  uint32_t rows, columns; /* of a gate of the parameter */
} parted;

static bool sum_parts(recurrent_op *self, const dg_buffer *workspace, uint32_t n, const parted *p,
                      dg_error *err) {
  const size_t width = dg_cl_width(self->op.device);
  const size_t items[] = {dg_cl_ceil_div(p->columns, width), p->rows, p->gates};
  return !p->to ||
         dg_cl_launch(&self->op, self->sum_parts, dg_cl_range_of(items, (size_t[3]){1, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(workspace), dg_cl_u32(self->parted + p->first),
                                 dg_cl_u32(smaller(self->parts, tiles_of(self, n))),
                                 dg_cl_u32(self->part_size), dg_cl_u32(p->slot_rows),
                                 dg_cl_u32(p->shift), dg_cl_u32(p->slots), dg_cl_mem(p->to),
                                 dg_cl_u32(p->rows), dg_cl_u32(p->columns)),
                      err);
}

static bool find_gradients(recurrent_op *self, const dg_op_buffers *b, uint32_t n,
                           uint32_t direction, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const parameters to = parameters_of(d, b->d_param, direction);
  const uint32_t of_u = self->gates * self->padded * self->in_padded,
                 of_biases = of_u + self->gates * self->padded * self->padded;
  const parted w = {to.w,         0,         self->gates, self->gates, self->reset_after,
                    self->padded, d->hidden, d->in};
  const parted u = {to.u, of_u, self->gates, self->gates, 0, self->padded, d->hidden, d->hidden};
  const parted bias_x = {to.b, of_biases, self->gates, self->gates, self->reset_after,
                         1,    1,         d->hidden};
  const parted bias_h = {to.c, of_biases, self->gates, self->sums, self->reset_after,
                         1,    1,         d->hidden};
  return sum_parts(self, b->workspace, n, &w, err) && sum_parts(self, b->workspace, n, &u, err) &&
         sum_parts(self, b->workspace, n, &bias_x, err) &&
         sum_parts(self, b->workspace, n, &bias_h, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  for (uint32_t direction = 0; direction < directions_of(d); direction++) {
    const parameters p = parameters_of(d, b->param, direction);
    if (!pack_backward(self, &p, b->workspace, err) ||
        !run_backward(self, b, step->n, direction, err) ||
        !find_gradients(self, b, step->n, direction, err))
      return false;
  }
  return true;
}

const dg_cl_family dg_cl_recurrent = {
    .size = sizeof(recurrent_op),
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
