#include "backends/opencl/recurrent/recurrent_tiles.h"

#include <stdio.h>

/* ---- common part of both directions ------------------------------------- */

dg_cl_recurrent_params dg_cl_recurrent_params_of(const dg_recurrent_desc *d, dg_buffer *const *all,
                                                 uint32_t direction) {
  all += direction * (2 + d->biases);
  return (dg_cl_recurrent_params){.w = all[0],
                                  .u = all[1],
                                  .b = d->biases > 0 ? all[2] : NULL,
                                  .c = d->biases > 1 ? all[3] : NULL};
}

/* Samples of a tile. More in registers are not faster, and larger tiles leave work-items idle. */
static uint32_t samples_of(const dg_cl_op *op) {
  return op->device->form == DG_CL_TILE ? 5 : 4;
}

/* Counts of weights and rows must fit 32 bits before other sizes are computed from them. */
static bool check_sizes(const dg_cl_op *op, dg_error *err) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  const uint64_t units = dg_cl_round_up(d->hidden, DG_CL_UNITS), most = DG_MAX_GATES + 2;
  return dg_cl_check_count((uint64_t)op->max_n * d->steps * 2, err) &&
         dg_cl_check_count(units * most * 2, err) &&
         dg_cl_check_count(units * most * ((uint64_t)d->in + d->hidden + 2 * DG_CL_UNITS), err);
}

static void find_sizes(dg_cl_recurrent_op *self) {
  static const uint32_t saved[] = {[DG_CELL_RNN] = 1, [DG_CELL_GRU] = 5, [DG_CELL_LSTM] = 6};
  const dg_recurrent_desc *d = &self->op.desc.recurrent;
  self->reset_after = d->cell == DG_CELL_GRU && !d->reset_before;
  self->reset_before = d->cell == DG_CELL_GRU && d->reset_before;
  self->gates = dg_cell_gates(d->cell);
  self->sums = self->gates + self->reset_after;
  self->samples = samples_of(&self->op);
  self->padded = (uint32_t)dg_cl_round_up(d->hidden, DG_CL_UNITS);
  self->in_padded = (uint32_t)dg_cl_round_up(d->in, DG_CL_UNITS);
  self->saved_size = saved[d->cell] * self->padded * self->samples;
}

bool dg_cl_recurrent_prepare(dg_cl_recurrent_op *self, dg_error *err) {
  if (!check_sizes(&self->op, err)) return false;
  find_sizes(self);
  return true;
}

cl_kernel dg_cl_recurrent_kernel(dg_cl_recurrent_op *self, const char *name, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.desc.recurrent;
  char options[128];
  snprintf(options, sizeof options,
           "-DCELL=%d -DHARD_SIGMOID=%d -DRESET_BEFORE=%d -DSAMPLES=%u -DLANES=%d", d->cell,
           d->hard_sigmoid, self->reset_before, self->samples,
           self->op.device->form == DG_CL_TILE ? DG_CL_UNITS : 1);
  return dg_cl_special_kernel(&self->op, DG_CL_RECURRENT, options, name, err);
}

uint32_t dg_cl_recurrent_saved_first(const dg_cl_recurrent_op *self, uint32_t n,
                                     uint32_t direction) {
  return direction * dg_cl_recurrent_tiles(self, n) * self->op.desc.recurrent.steps *
         self->saved_size;
}

dg_cl_range dg_cl_recurrent_range(const dg_cl_recurrent_op *self, uint32_t count) {
  const size_t local = self->op.device->form == DG_CL_GROUP ? DG_CL_ITEMS : 1;
  return (dg_cl_range){.global = {count * local, 1, 1}, .local = {local, 1, 1}};
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_recurrent_op shared;
  cl_kernel pack_gates, pack_biases, forward;
  uint32_t block; /* packed weights per 16 units */
  /* Offsets in the workspace, after the packed weights, in numbers: */
  uint32_t inputs, states; /* of x of a time step; of the state if not training */
} forward_op;

/* Fails if an offset in forward's memory would not fit 32 bits. */
static bool plan(forward_op *self, dg_error *err) {
  const uint64_t tiles = dg_cl_recurrent_tiles(&self->shared, self->shared.op.max_n);
  const uint64_t inputs = self->shared.padded / DG_CL_UNITS * (uint64_t)self->block;
  const uint64_t states = inputs + tiles * self->shared.samples * self->shared.in_padded;
  const uint64_t end = states + tiles * 2 * self->shared.saved_size;
  if (!dg_cl_check_count(end, err)) return false;
  self->inputs = (uint32_t)inputs;
  self->states = (uint32_t)states;
  self->shared.op.needs.workspace = sizeof(float) * end;
  return true;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  dg_cl_recurrent_op *s = &self->shared;
  if (!dg_cl_recurrent_prepare(s, err)) return false;
  self->block = DG_CL_UNITS * (s->sums + s->gates * (s->in_padded + s->padded));
  if (!plan(self, err)) return false;
  self->pack_gates = dg_cl_recurrent_kernel(s, "recurrent_pack_gates", err);
  self->pack_biases = dg_cl_recurrent_kernel(s, "recurrent_pack_biases", err);
  self->forward = dg_cl_recurrent_kernel(s, "recurrent_forward", err);
  return self->pack_gates && self->pack_biases && self->forward;
}

/* Packs `gates` gates of a weight, from gate `shift` on and cyclically, at `to` of each block. */
static bool pack_gates(forward_op *self, const dg_buffer *weight, uint32_t columns, uint32_t gates,
                       uint32_t shift, const dg_buffer *workspace, uint32_t to, dg_error *err) {
  const size_t items[] = {columns, self->shared.padded / DG_CL_UNITS, 1},
               local[] = {DG_CL_UNITS, 1, 1};
  return dg_cl_launch(&self->shared.op, self->pack_gates, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(weight), dg_cl_u32(columns),
                                 dg_cl_u32(self->shared.op.desc.recurrent.hidden), dg_cl_u32(gates),
                                 dg_cl_u32(shift), dg_cl_mem(workspace), dg_cl_u32(to),
                                 dg_cl_u32(self->block)),
                      err);
}

static bool pack_forward(forward_op *self, const dg_cl_recurrent_params *p,
                         const dg_buffer *workspace, dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const uint32_t of_h = self->shared.gates - self->shared.reset_before;
  const uint32_t to_w = DG_CL_UNITS * self->shared.sums,
                 to_u = to_w + DG_CL_UNITS * self->shared.gates * self->shared.in_padded;
  const uint32_t to_u_n = to_u + DG_CL_UNITS * of_h * self->shared.padded;
  const size_t items[] = {self->shared.padded, 1, 1}, local[] = {DG_CL_UNITS, 1, 1};
  return dg_cl_launch(&self->shared.op, self->pack_biases, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(p->b), dg_cl_mem(p->c), dg_cl_u32(d->hidden),
                                 dg_cl_mem(workspace), dg_cl_u32(self->block)),
                      err) &&
         pack_gates(self, p->w, d->in, self->shared.gates, self->shared.reset_after ? 2 : 0,
                    workspace, to_w, err) &&
         pack_gates(self, p->u, d->hidden, of_h, 0, workspace, to_u, err) &&
         (!self->shared.reset_before ||
          pack_gates(self, p->u, d->hidden, 1, 2, workspace, to_u_n, err));
}

static bool run_forward(forward_op *self, const dg_op_buffers *b, const dg_step *step,
                        uint32_t direction, dg_error *err) {
  const dg_recurrent_desc *d = &self->shared.op.desc.recurrent;
  const bool train = step->train;
  return dg_cl_launch(
      &self->shared.op, self->forward,
      dg_cl_recurrent_range(&self->shared, dg_cl_recurrent_tiles(&self->shared, step->n)),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->workspace), dg_cl_u32(self->inputs),
                 dg_cl_mem(train ? b->saved : b->workspace),
                 dg_cl_u32(train ? dg_cl_recurrent_saved_first(&self->shared, step->n, direction)
                                 : self->states),
                 dg_cl_u32(train ? d->steps : 2), dg_cl_mem(b->out[0]),
                 dg_cl_u32(dg_cl_recurrent_directions(d) * d->hidden),
                 dg_cl_u32(direction * d->hidden), dg_cl_u32(step->n), dg_cl_u32(d->steps),
                 dg_cl_u32(d->in), dg_cl_u32(d->hidden), dg_cl_u32(d->sequence),
                 dg_cl_u32(direction)),
      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  forward_op *self = (forward_op *)op;
  const dg_recurrent_desc *d = &op->desc.recurrent;
  for (uint32_t direction = 0; direction < dg_cl_recurrent_directions(d); direction++) {
    const dg_cl_recurrent_params p = dg_cl_recurrent_params_of(d, b->param, direction);
    if (!pack_forward(self, &p, b->workspace, err) || !run_forward(self, b, step, direction, err))
      return false;
  }
  return true;
}

const dg_cl_implementation dg_cl_recurrent_tiles_forward = {.name = "tiles",
                                                            .saved = DG_CL_SAVED_STATES,
                                                            .size = sizeof(forward_op),
                                                            .prepare = prepare,
                                                            .run = forward};
