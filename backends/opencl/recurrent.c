/*
 * Recurrent layers. cl/recurrent_tile.cl, or cl/recurrent_group.cl, takes a few samples through all
 * steps in one launch, forward or backward; the gradients of the weights are one product over all
 * steps and samples. Directions run one after the other.
 */
#include <stdio.h>

#include "backends/opencl/opencl.h"

/* As the kernels have them: cl/recurrent_cell.cl the first two, recurrent_tile.cl BLOCK,
   recurrent_group.cl ITEMS and SIDE. */
enum { VECTOR = 16, PAD = 16, BLOCK = 64, ITEMS = 128, SIDE = 16 };

/* Where things lie in the workspaces, in numbers. */
typedef struct {
  uint32_t states;               /* forward, behind the packed weights */
  uint32_t weights_h, weights_x; /* backward: what gradients are multiplied with */
  uint32_t carry;                /* what goes from step to step */
  uint32_t grads;                /* of the sums */
} places;

typedef struct {
  dg_cl_op op;
  cl_kernel pack_gates, pack_biases, forward;
  cl_kernel pack_rows, backward, weights;
  bool reset_after, reset_before; /* of a GRU */
  uint32_t gates, sums;           /* GATES and SUMS of cl/recurrent_cell.cl */
  uint32_t samples;               /* that a work-item, or a work-group, takes */
  uint32_t padded, in_padded;     /* hidden and in, in whole vectors */
  uint32_t kept_row, grads_row;   /* numbers of a row, which is of one sample at one time */
  uint32_t block;                 /* weights packed for forward: of 16 units */
  places places;
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

/* ---- preparing ---------------------------------------------------------- */

/* Samples that are taken together: as many as leave registers for the sums of all gates. */
static uint32_t samples_of(const dg_cl_op *op) {
  if (op->device->form == DG_CL_GROUP) return 4;
  return op->base.desc.recurrent.cell == DG_CELL_LSTM ? 6 : 8;
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
  self->kept_row = kept[d->cell] * self->padded + PAD;
  self->grads_row = self->sums * self->padded + PAD;
  self->block = VECTOR * (self->sums + self->gates * (d->in + d->hidden));
}

/* The memory of forward and backward; fails where a place in it would not fit 32 bits. */
static bool plan(recurrent_op *self, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  dg_op_needs *needs = &self->op.base.needs;
  const uint64_t n = self->op.base.max_n, rows = n * d->steps;
  const uint64_t states = self->padded / VECTOR * (uint64_t)self->block;
  const uint64_t forward = states + 2 * n * self->kept_row;
  const uint64_t carried = 1 + (d->cell == DG_CELL_LSTM) + self->reset_before;
  const uint64_t weights_x = (uint64_t)self->gates * self->padded * self->padded;
  const uint64_t carry = weights_x + (uint64_t)self->gates * self->padded * self->in_padded;
  const uint64_t grads = carry + carried * self->padded * dg_cl_round_up(n, self->samples);
  const uint64_t backward = grads + rows * self->grads_row;
  const uint64_t kept = directions_of(d) * rows * self->kept_row;
  if (!dg_cl_check_count(forward, err)) return false;
  self->places.states = (uint32_t)states;
  needs->forward_workspace = sizeof(float) * forward;
  if (!self->op.train) return true;
  if (!dg_cl_check_count(backward, err) || !dg_cl_check_count(kept, err)) return false;
  self->places.weights_x = (uint32_t)weights_x;
  self->places.carry = (uint32_t)carry;
  self->places.grads = (uint32_t)grads;
  needs->kept = sizeof(float) * kept;
  needs->backward_workspace = sizeof(float) * backward;
  needs->backward_reads_in = true;
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
  if (!plan(self, err)) return false;
  self->pack_gates = kernel_of(self, "recurrent_pack_gates", err);
  self->pack_biases = kernel_of(self, "recurrent_pack_biases", err);
  self->forward = kernel_of(self, "recurrent_forward", err);
  if (!self->pack_gates || !self->pack_biases || !self->forward) return false;
  if (!op->train) return true;
  self->pack_rows = kernel_of(self, "recurrent_pack_rows", err);
  self->backward = kernel_of(self, "recurrent_backward", err);
  self->weights = kernel_of(self, "recurrent_weights", err);
  return self->pack_rows && self->backward && self->weights;
}

/* ---- forward ------------------------------------------------------------ */

/* One work-item, or work-group, for every few samples. */
static dg_cl_range sample_range(const recurrent_op *self, uint32_t n) {
  const size_t local = self->op.device->form == DG_CL_GROUP ? ITEMS : 1;
  return (dg_cl_range){.global = {dg_cl_ceil_div(n, self->samples) * local, 1, 1},
                       .local = {local, 1, 1}};
}

/* Packs `gates` gates of a weight, beginning with gate `shift` and going round, at `to` of each
   block. */
static bool pack_gates(recurrent_op *self, const dg_buffer *weight, uint32_t columns,
                       uint32_t gates, uint32_t shift, const dg_buffer *workspace, uint32_t to,
                       dg_error *err) {
  const size_t items[] = {columns, self->padded / VECTOR, 1}, local[] = {16, 1, 1};
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
  const uint32_t to_w = VECTOR * self->sums, to_u = to_w + VECTOR * self->gates * d->in;
  const uint32_t of_h = self->gates - self->reset_before, to_n = to_u + VECTOR * of_h * d->hidden;
  const size_t items[] = {self->padded, 1, 1}, local[] = {16, 1, 1};
  return dg_cl_launch(&self->op, self->pack_biases, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(p->b), dg_cl_mem(p->c), dg_cl_u32(d->hidden),
                                 dg_cl_mem(workspace), dg_cl_u32(self->block)),
                      err) &&
         pack_gates(self, p->w, d->in, self->gates, self->reset_after ? 2 : 0, workspace, to_w,
                    err) &&
         pack_gates(self, p->u, d->hidden, of_h, 0, workspace, to_u, err) &&
         (!self->reset_before || pack_gates(self, p->u, d->hidden, 1, 2, workspace, to_n, err));
}

static uint32_t out_row(const dg_recurrent_desc *d) {
  return directions_of(d) * d->hidden;
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  for (uint32_t direction = 0; direction < directions_of(d); direction++) {
    const parameters p = parameters_of(d, b->param, direction);
    const uint32_t kept = direction * step->n * d->steps * self->kept_row;
    if (!pack_forward(self, &p, b->workspace, err) ||
        !dg_cl_launch(op, self->forward, sample_range(self, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->workspace),
                                 dg_cl_mem(step->train ? b->kept : b->workspace),
                                 dg_cl_u32(step->train ? kept : self->places.states),
                                 dg_cl_u32(step->train ? d->steps : 2), dg_cl_mem(b->out[0]),
                                 dg_cl_u32(out_row(d)), dg_cl_u32(direction * d->hidden),
                                 dg_cl_u32(step->n), dg_cl_u32(d->steps), dg_cl_u32(d->in),
                                 dg_cl_u32(d->hidden), dg_cl_u32(d->sequence),
                                 dg_cl_u32(direction)),
                      err))
      return false;
  }
  return true;
}

/* ---- backward ----------------------------------------------------------- */

/* Packs `gates` gates of a weight, as pack_gates does, in rows. */
static bool pack_rows(recurrent_op *self, const dg_buffer *weight, uint32_t columns, uint32_t gates,
                      uint32_t shift, const dg_buffer *workspace, uint32_t to, dg_error *err) {
  const size_t items[] = {gates * self->padded, dg_cl_ceil_div(columns, VECTOR), 1};
  return dg_cl_launch(&self->op, self->pack_rows, dg_cl_range_of(items, (size_t[3]){16, 1, 1}),
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
                    self->places.weights_x, err));
}

/* The gradients of a weight and its bias (or NULL), for `gates` gates from first_gate on: sums over
   rows of gradients, of which those of a gate lie in slot (gate + reset_after) % slots, times rows
   of `from`, `ahead` of them in time. */
typedef struct {
  const dg_buffer *d_weight, *d_bias;
  uint32_t first_gate, gates, slots;
  const dg_buffer *from;
  uint32_t from_first, from_row, columns;
  int32_t ahead;
} weight_sums;

static bool find_weight(recurrent_op *self, const dg_op_buffers *b, uint32_t n,
                        const weight_sums *w, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const bool tiles = self->op.device->form == DG_CL_TILE;
  const size_t x = dg_cl_ceil_div(w->columns, tiles ? BLOCK : SIDE),
               y = dg_cl_ceil_div(d->hidden, tiles ? BLOCK : SIDE), side = tiles ? 1 : SIDE;
  const dg_cl_range range = {.global = {x * side, y * side, w->gates}, .local = {side, side, 1}};
  return dg_cl_launch(&self->op, self->weights, range,
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->places.grads),
                                 dg_cl_mem(w->from), dg_cl_u32(w->from_first),
                                 dg_cl_u32(w->from_row), dg_cl_i32(w->ahead), dg_cl_u32(w->columns),
                                 dg_cl_u32(n), dg_cl_u32(d->steps), dg_cl_u32(d->hidden),
                                 dg_cl_u32(w->first_gate), dg_cl_u32(self->reset_after),
                                 dg_cl_u32(w->slots), dg_cl_mem(w->d_weight), dg_cl_mem(w->d_bias)),
                      err);
}

/* U meets the state before, or, in the n of a GRU that resets before the product, what was made of
   that state. */
static bool find_weights(recurrent_op *self, const dg_op_buffers *b, uint32_t n, uint32_t direction,
                         dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const parameters gradients = parameters_of(d, b->d_param, direction);
  const uint32_t kept = direction * n * d->steps * self->kept_row;
  const weight_sums w = {.d_weight = gradients.w,
                         .d_bias = gradients.b,
                         .gates = self->gates,
                         .slots = self->gates,
                         .from = b->in[0],
                         .from_row = d->in,
                         .columns = d->in};
  const weight_sums u = {.d_weight = gradients.u,
                         .d_bias = gradients.c,
                         .gates = self->gates - self->reset_before,
                         .slots = self->sums,
                         .from = b->kept,
                         .from_first = kept,
                         .from_row = self->kept_row,
                         .columns = d->hidden,
                         .ahead = direction ? 1 : -1};
  weight_sums u_n = u;
  u_n.first_gate = 2;
  u_n.gates = 1;
  u_n.from_first += 4 * self->padded; /* r h, of the same time */
  u_n.ahead = 0;
  return find_weight(self, b, n, &w, err) && find_weight(self, b, n, &u, err) &&
         (!self->reset_before || find_weight(self, b, n, &u_n, err));
}

static bool run_backward(recurrent_op *self, const dg_op_buffers *b, uint32_t n, uint32_t direction,
                         dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const dg_grad_mode mode = self->op.base.desc.d_in[0];
  return dg_cl_launch(
      &self->op, self->backward, sample_range(self, n),
      DG_CL_ARGS(
          dg_cl_mem(b->kept), dg_cl_u32(direction * n * d->steps * self->kept_row),
          dg_cl_mem(b->d_out), dg_cl_u32(out_row(d)), dg_cl_u32(direction * d->hidden),
          dg_cl_mem(b->workspace), dg_cl_u32(self->places.grads), dg_cl_u32(self->places.carry),
          dg_cl_u32(self->places.weights_x), dg_cl_mem(mode == DG_GRAD_NONE ? NULL : b->d_in[0]),
          dg_cl_u32(mode == DG_GRAD_ADD || direction > 0), dg_cl_u32(n), dg_cl_u32(d->steps),
          dg_cl_u32(d->in), dg_cl_u32(d->hidden), dg_cl_u32(d->sequence), dg_cl_u32(direction)),
      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  for (uint32_t direction = 0; direction < directions_of(d); direction++) {
    const parameters p = parameters_of(d, b->param, direction);
    if (!pack_backward(self, &p, b->workspace, err) ||
        !run_backward(self, b, step->n, direction, err) ||
        !find_weights(self, b, step->n, direction, err))
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
