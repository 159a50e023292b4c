/*
 * Recurrent layers. cl/recurrent_tile.cl, or cl/recurrent_group.cl, takes a few samples through all
 * steps in one launch, forward or backward; the gradients of the weights are one product over all
 * steps and samples. Directions run one after the other.
 */
#include <stdio.h>

#include "backends/opencl/opencl.h"

/* As the kernels have them: cl/recurrent_cell.cl the first two, recurrent_tile.cl UNITS,
   recurrent_group.cl ITEMS and SIDE. */
enum { VECTOR = 16, PAD = 16, UNITS = 64, ITEMS = 128, SIDE = 16 };

/* Where things lie in the workspaces, in numbers. */
typedef struct {
  uint32_t states;               /* forward, behind the packed weights */
  uint32_t weights_h, weights_x; /* backward: what gradients are multiplied with */
  uint32_t carry;                /* what goes from step to step */
  uint32_t grads;                /* the gradients of the sums */
  uint32_t x;                    /* in padded rows, where those of x aren't whole */
} places;

typedef struct {
  dg_cl_op op;
  cl_kernel pack_gates, pack_biases, forward;
  cl_kernel pack_rows, pad, backward, weights, sum_biases;
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
  const uint64_t x = grads + rows * self->grads_row;
  const uint64_t backward = x + (d->in % VECTOR ? rows * self->in_padded : 0);
  const uint64_t kept = directions_of(d) * rows * self->kept_row;
  if (!dg_cl_check_count(forward, err)) return false;
  self->places.states = (uint32_t)states;
  needs->forward_workspace = sizeof(float) * forward;
  if (!self->op.train) return true;
  if (!dg_cl_check_count(backward, err) || !dg_cl_check_count(kept, err)) return false;
  self->places.weights_x = (uint32_t)weights_x;
  self->places.carry = (uint32_t)carry;
  self->places.grads = (uint32_t)grads;
  self->places.x = (uint32_t)x;
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
  self->pad = kernel_of(self, "recurrent_pad", err);
  self->backward = kernel_of(self, "recurrent_backward", err);
  self->weights = kernel_of(self, "recurrent_weights", err);
  self->sum_biases = kernel_of(self, "recurrent_sum_biases", err);
  return self->pack_rows && self->pad && self->backward && self->weights && self->sum_biases;
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

/* What the gradients of the sums are multiplied with for the gradient of a weight. */
typedef struct {
  const dg_buffer *from;
  uint32_t first, row, columns;     /* numbers of a row, padded and not */
  uint32_t time, grads_time, count; /* of each sample: how many rows, and where they begin */
} factor;

/* The gradient of `gates` gates of a weight, from first_gate on; that of a gate's sum lies in slot
   (gate + shift) % slots. */
static bool find_d_weight(recurrent_op *self, const dg_op_buffers *b, uint32_t n, const factor *f,
                          uint32_t first_gate, uint32_t gates, uint32_t shift, uint32_t slots,
                          const dg_buffer *d_weight, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const dg_cl_range range =
      self->op.device->form == DG_CL_TILE
          ? (dg_cl_range){.global = {dg_cl_ceil_div(d->hidden, UNITS), gates, 1},
                          .local = {1, 1, 1}}
          : (dg_cl_range){.global = {dg_cl_round_up(f->columns, SIDE),
                                     dg_cl_round_up(d->hidden, SIDE), gates},
                          .local = {SIDE, SIDE, 1}};
  return dg_cl_launch(&self->op, self->weights, range,
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->places.grads),
                                 dg_cl_u32(f->grads_time), dg_cl_mem(f->from), dg_cl_u32(f->first),
                                 dg_cl_u32(f->row), dg_cl_u32(f->time), dg_cl_u32(f->columns),
                                 dg_cl_u32(n), dg_cl_u32(d->steps), dg_cl_u32(f->count),
                                 dg_cl_u32(d->hidden), dg_cl_u32(first_gate), dg_cl_u32(shift),
                                 dg_cl_u32(slots), dg_cl_mem(d_weight)),
                      err);
}

static bool find_d_w(recurrent_op *self, const dg_op_buffers *b, uint32_t n,
                     const parameters *gradients, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const bool padded = d->in % VECTOR != 0;
  const factor x = {.from = padded ? b->workspace : b->in[0],
                    .first = padded ? self->places.x : 0,
                    .row = self->in_padded,
                    .columns = d->in,
                    .count = d->steps};
  return find_d_weight(self, b, n, &x, 0, self->gates, self->reset_after, self->gates, gradients->w,
                       err);
}

/* Times meet the state before them, or, for the GRU that resets before the product, what that
   state was made to at the same time. */
static bool find_d_u(recurrent_op *self, const dg_op_buffers *b, uint32_t n, uint32_t direction,
                     const parameters *gradients, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const uint32_t kept = direction * n * d->steps * self->kept_row;
  const factor h = {.from = b->kept,
                    .first = kept,
                    .row = self->kept_row,
                    .columns = d->hidden,
                    .time = direction ? 1 : 0,
                    .grads_time = direction ? 0 : 1,
                    .count = d->steps - 1};
  const factor reset = {.from = b->kept,
                        .first = kept + 4 * self->padded,
                        .row = self->kept_row,
                        .columns = d->hidden,
                        .count = d->steps};
  return find_d_weight(self, b, n, &h, 0, self->gates - self->reset_before, self->reset_after,
                       self->sums, gradients->u, err) &&
         (!self->reset_before ||
          find_d_weight(self, b, n, &reset, 2, 1, 0, self->sums, gradients->u, err));
}

static bool find_d_bias(recurrent_op *self, const dg_op_buffers *b, uint32_t n, uint32_t slots,
                        const dg_buffer *d_bias, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  dg_cl_range range = dg_cl_range_of(
      (size_t[3]){dg_cl_ceil_div(d->hidden, dg_cl_width(self->op.device)), self->gates, 1},
      (size_t[3]){1, 1, 1});
  return dg_cl_launch(&self->op, self->sum_biases, range,
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->places.grads),
                                 dg_cl_u32(n * d->steps), dg_cl_u32(self->grads_row),
                                 dg_cl_u32(d->hidden), dg_cl_u32(self->reset_after),
                                 dg_cl_u32(slots), dg_cl_mem(d_bias)),
                      err);
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

static bool pad_x(recurrent_op *self, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const dg_recurrent_desc *d = &self->op.base.desc.recurrent;
  const size_t items[] = {n * d->steps, 1, 1}, local[] = {16, 1, 1};
  return d->in % VECTOR == 0 ||
         dg_cl_launch(&self->op, self->pad, dg_cl_range_of(items, local),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_u32(d->in), dg_cl_u32(n * d->steps),
                                 dg_cl_mem(b->workspace), dg_cl_u32(self->places.x)),
                      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  recurrent_op *self = (recurrent_op *)op;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  if (!pad_x(self, b, step->n, err)) return false;
  for (uint32_t direction = 0; direction < directions_of(d); direction++) {
    const parameters p = parameters_of(d, b->param, direction),
                     gradients = parameters_of(d, b->d_param, direction);
    if (!pack_backward(self, &p, b->workspace, err) ||
        !run_backward(self, b, step->n, direction, err) ||
        !find_d_w(self, b, step->n, &gradients, err) ||
        !find_d_u(self, b, step->n, direction, &gradients, err) ||
        (gradients.b && !find_d_bias(self, b, step->n, self->gates, gradients.b, err)) ||
        (gradients.c && !find_d_bias(self, b, step->n, self->sums, gradients.c, err)))
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
