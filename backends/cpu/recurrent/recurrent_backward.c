#include <stdlib.h>
#include <string.h>

#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/recurrent/recurrent_cell.h"

/**
 * The groups are cut into parts. Each group of a part runs from the last step to the first and
 * accumulates the gradients of the parameters; at the end the sums of all parts are added in order.
 */

/* ---- the plan ----------------------------------------------------------- */

/**
 * Planes [units] of a worker: the gradients carried from step to step; a state that is recomputed
 * (h of an LSTM, or r h of a GRU, preceded by its gradient); tanh(c) of an LSTM, of two steps.
 */
enum { D_H, D_C, STATE, TANH_C, TANH_C_BEFORE, OWN_PLANES };

typedef struct {
  dg_recurrent_plan shape;
  size_t parts; /**< at most */
  /** Floats in the workspace: a part's sums for U, for W and for the biases, and all of them; a
      worker's other scratch. */
  size_t d_u, d_w, d_bias, sums, scratch;
} back_plan;

/** Floats of the packed weights. */
static size_t weight_floats(const back_plan *plan) {
  return dg_round_up(plan->d_u + plan->d_w);
}

/** Each weight is multiplied twice: for the gradient that is propagated, and for its own. */
static size_t back_products(const dg_recurrent_desc *d, size_t samples) {
  return 2 * dg_recurrent_products(d, samples);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  const dg_recurrent_plan shape = dg_recurrent_plan_of(d, op->max_n);
  back_plan *plan = op->plan = malloc(sizeof *plan);
  if (!plan) return dg_fail_memory(err, sizeof *plan);
  size_t rows = shape.gates * shape.units, in = dg_panels_width(d->in);
  *plan = (back_plan){.shape = shape,
                      .d_u = rows * shape.units,
                      .d_w = rows * in,
                      .d_bias = shape.slots * shape.units};
  plan->sums = dg_round_up(plan->d_u + plan->d_w + plan->d_bias);
  plan->scratch = dg_round_up(shape.group * (shape.d_row + OWN_PLANES * shape.units + in));
  plan->parts = dg_cpu_parts(op, op->max_n, plan->sums, back_products(d, op->max_n));
  size_t workers = (size_t)op->device->threads, directions = dg_recurrent_directions(d);
  op->needs.reads_in = true;
  op->needs.saved = directions * op->max_n * d->steps * shape.planes * shape.units * sizeof(float);
  op->needs.workspace =
      (weight_floats(plan) + plan->parts * plan->sums + workers * plan->scratch) * sizeof(float);
  return true;
}

/* ---- one step ------------------------------------------------------------ */

/** A backward pass. */
typedef struct {
  dg_recurrent_pass pass;
  const back_plan *plan;
  dg_grad_mode d_in;
  size_t parts, pieces; /**< pieces of adding up the sums */
  float *u, *w;         /**< panels of the weights, [gates][units] rows in the order of the slots */
  float *sums, *scratch; /**< sums of the parts; scratch of the workers */
} backward_pass;

/** The data of a piece. */
typedef struct {
  float *d_u, *d_w; /**< the part's sums for the weights, in panels like theirs */
  float *d_bias;    /**< the part's sums of d_rows [slots][units] */
  float *d_rows;    /**< rows [slots][units] */
  float *plane[OWN_PLANES];
  float *x; /**< plane [in]: x, then its gradient */
} scratch;

static scratch scratch_at(const back_plan *plan, float *sums, float *own) {
  const dg_recurrent_plan *shape = &plan->shape;
  scratch r = {.d_u = sums, .d_w = sums + plan->d_u, .d_rows = own};
  r.d_bias = r.d_w + plan->d_w;
  float *planes = r.d_rows + shape->group * shape->d_row;
  for (size_t i = 0; i < OWN_PLANES; i++) r.plane[i] = planes + i * shape->group * shape->units;
  r.x = planes + OWN_PLANES * shape->group * shape->units;
  return r;
}

/** Rows of the panels of a weight, or of its gradient. */
static size_t weight_rows(const dg_recurrent_plan *plan) {
  return plan->gates * plan->units;
}

/** Panels += columns `from` to `from + count` of rows d, transposed, times a plane. */
static void add_gradient(const dg_recurrent_plan *plan, size_t n, size_t from, size_t count,
                         const float *d, size_t columns, const float *plane, float *panels) {
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(columns - c)), height;
    for (size_t row = from; row < from + count; row += height) {
      height = dg_tile_height(from + count - row);
      dg_micro_kernel_transposed(height, width, n, d + row, plan->d_row, plane + c * n,
                                 panels + c * weight_rows(plan) + row * width);
    }
  }
}

/** The gradients of x, where wanted, and of W. */
static void input_gradients(const backward_pass *b, const scratch *r, dg_recurrent_group group,
                            size_t k) {
  const dg_recurrent_desc *d = b->pass.desc;
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t n = group.n, rows = weight_rows(plan), x_row = (size_t)d->steps * d->in;
  size_t at = group.first * x_row + dg_recurrent_time(&b->pass, k) * d->in;
  const float *x = dg_floats(b->pass.buffers->in[0]) + at;
  const float *d_x_slots = r->d_rows + plan->first_x * plan->units;
  for (size_t c = 0; c < d->in; c += DG_TILE_WIDTH)
    dg_pack_rows(n, dg_panel_columns(d->in - c), x + c, x_row, r->x + c * n);
  add_gradient(plan, n, 0, rows, d_x_slots, d->in, r->x, r->d_w);
  if (b->d_in == DG_GRAD_NONE) return;
  float *d_x = dg_floats(b->pass.buffers->d_in[0]) + at;
  dg_recurrent_multiply(false, n, d->in, rows, d_x_slots, plan->d_row, b->w, rows, 0, r->x);
  for (size_t c = 0; c < d->in; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(d->in - c), width = dg_panel_width(count);
    for (size_t s = 0; s < n; s++)
      dg_grad_store(b->d_in, count, r->x + c * n + s * width, d_x + s * x_row + c);
  }
}

/** Adds to the gradients of the U of some slots, given their right operand. */
static void add_u_gradient(const backward_pass *b, const scratch *r, size_t n, size_t slot,
                           size_t slots, const float *state) {
  const dg_recurrent_plan *plan = b->pass.plan;
  add_gradient(plan, n, slot * plan->units, slots * plan->units, r->d_rows, b->pass.desc->hidden,
               state, r->d_u);
}

/** d_state = or += the gradient of the right operand of the U of some slots. */
static void state_gradient(const backward_pass *b, const scratch *r, bool add, size_t n,
                           size_t slot, size_t slots, float *d_state) {
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t from = slot * plan->units;
  dg_recurrent_multiply(add, n, b->pass.desc->hidden, slots * plan->units, r->d_rows + from,
                        plan->d_row, b->u, weight_rows(plan), from, d_state);
}

static void add_bias_gradients(const back_plan *plan, size_t n, const scratch *r) {
  size_t row = plan->shape.d_row;
  for (size_t i = 0; i < plan->d_bias; i += DG_VECTOR) {
    dg_vector sum = {0};
    for (size_t s = 0; s < n; s++) sum += *(const dg_vector *)(r->d_rows + s * row + i);
    *(dg_vector *)(r->d_bias + i) += sum;
  }
}

/** d_h += the output's gradient at step k, if that step is part of the output. */
static void add_d_out(const backward_pass *b, dg_recurrent_group group, size_t k, float *d_h) {
  size_t hidden = b->pass.desc->hidden, row = dg_recurrent_out_row(b->pass.desc);
  const float *d_out =
      dg_recurrent_place(&b->pass, dg_floats(b->pass.buffers->d_out), group.first, k);
  for (size_t c = 0; d_out && c < hidden; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(hidden - c), width = dg_panel_width(count);
    for (size_t s = 0; s < group.n; s++)
      dg_grad_store(DG_GRAD_ADD, count, d_out + s * row + c, d_h + c * group.n + s * width);
  }
}

/**
 * The state before a step, from what the previous step saved; NULL for the initial zeros. For an
 * LSTM it is computed from o and tanh(c), which the next step of backward also needs.
 */
static const float *state_before(const backward_pass *b, const scratch *r, size_t n,
                                 const float *before) {
  enum { O_SLOT = 3 };
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t plane = n * plan->units;
  if (!before) return NULL;
  const float *last = before + (plan->planes - 1) * plane;
  if (b->pass.desc->cell != DG_CELL_LSTM) return last;
  dg_cell_output(plane, before + O_SLOT * plane, last, r->plane[TANH_C_BEFORE], r->plane[STATE]);
  return r->plane[STATE];
}

/** For a GRU that resets before its product: the part that precedes the gradients of the other
    slots. */
static void reset_backward(const backward_pass *b, const scratch *r,
                           const dg_cell_step_back *cell) {
  enum { N_SLOT = 2 };
  if (cell->h) state_gradient(b, r, false, cell->n, N_SLOT, 1, cell->d_reset);
  dg_cell_reset_backward(cell);
  if (cell->h) add_u_gradient(b, r, cell->n, N_SLOT, 1, cell->d_reset);
}

static void step_backward(const backward_pass *b, const scratch *r, dg_recurrent_group group,
                          size_t k) {
  const dg_recurrent_desc *d = b->pass.desc;
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t n = group.n, plane = n * plan->units;
  const float *now = dg_recurrent_saved(&b->pass, group, k);
  const float *before = k > 0 ? now - plan->planes * plane : NULL;
  bool lstm = d->cell == DG_CELL_LSTM, resets = dg_recurrent_resets(d);
  dg_cell_step_back cell = {.desc = d,
                            .n = n,
                            .h = state_before(b, r, n, before),
                            .c = lstm && before ? before + plan->slots * plane : NULL,
                            .tanh_c = r->plane[TANH_C],
                            .d_h = r->plane[D_H],
                            .d_c = r->plane[D_C],
                            .d_slot = r->d_rows,
                            .d_row = plan->d_row,
                            .d_reset = r->plane[STATE]};
  for (size_t slot = 0; slot < plan->slots; slot++) cell.slot[slot] = now + slot * plane;
  add_d_out(b, group, k, cell.d_h);
  dg_cell_backward(&cell);
  if (resets) reset_backward(b, r, &cell);
  add_bias_gradients(b->plan, n, r);
  input_gradients(b, r, group, k);
  if (k == 0) return;
  size_t slots = resets ? 2 : plan->gates; /* slots whose U was multiplied with the state itself */
  add_u_gradient(b, r, n, 0, slots, cell.h);
  state_gradient(b, r, true, n, 0, slots, cell.d_h);
}

static void group_backward(const backward_pass *b, scratch *r, dg_recurrent_group group) {
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t plane = group.n * plan->units, last = b->pass.desc->steps - 1;
  memset(r->plane[D_H], 0, plane * sizeof(float));
  memset(r->plane[D_C], 0, plane * sizeof(float));
  if (b->pass.desc->cell == DG_CELL_LSTM)
    dg_cell_output(plane, NULL, dg_recurrent_saved(&b->pass, group, last) + plan->slots * plane,
                   r->plane[TANH_C], NULL);
  for (size_t k = last + 1; k-- > 0;) {
    step_backward(b, r, group, k);
    float *tanh_c = r->plane[TANH_C];
    r->plane[TANH_C] = r->plane[TANH_C_BEFORE];
    r->plane[TANH_C_BEFORE] = tanh_c;
  }
}

/* ---- the sums of all parts ------------------------------------------------ */

/** to[c] = the sums over all parts of a row of panels that begin at `offset` in each. */
static void sum_row(const backward_pass *b, size_t offset, size_t panel_rows, size_t row,
                    size_t columns, float *to) {
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(columns - c);
    const float *from = b->sums + offset + c * panel_rows + row * dg_panel_width(count);
    for (size_t p = 0; p < b->parts; p++)
      dg_grad_store(p == 0 ? DG_GRAD_WRITE : DG_GRAD_ADD, count, from + p * b->plan->sums, to + c);
  }
}

/** Writes the gradients of unit j of the gate that a slot has, by the slot's parts of x and h. */
static void store_gradients(const backward_pass *b, size_t slot, size_t j) {
  const dg_recurrent_desc *d = b->pass.desc;
  const dg_recurrent_plan *plan = b->pass.plan;
  dg_buffer *const *params = b->pass.buffers->d_param;
  size_t to = dg_recurrent_gate(plan, slot) * d->hidden + j, from = slot * plan->units + j;
  size_t bias = b->plan->d_u + b->plan->d_w + from, rows = weight_rows(plan);
  if (slot >= plan->first_x) {
    sum_row(b, b->plan->d_u, rows, from - plan->first_x * plan->units, d->in,
            dg_recurrent_param(&b->pass, params, DG_RECURRENT_W) + to * d->in);
    if (d->biases > 0)
      sum_row(b, bias, 1, 0, 1, dg_recurrent_param(&b->pass, params, DG_RECURRENT_B) + to);
  }
  if (slot < plan->gates) {
    sum_row(b, 0, rows, from, d->hidden,
            dg_recurrent_param(&b->pass, params, DG_RECURRENT_U) + to * d->hidden);
    if (d->biases > 1)
      sum_row(b, bias, 1, 0, 1, dg_recurrent_param(&b->pass, params, DG_RECURRENT_C) + to);
  }
}

/* ---- one direction ------------------------------------------------------- */

/** Packs the rows of one gate of a weight [gates][hidden][columns], beginning at `row`. */
static void pack_gate(const backward_pass *b, size_t which, size_t columns, size_t gate, size_t row,
                      float *panels) {
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t hidden = b->pass.desc->hidden;
  const float *weight = dg_recurrent_param(&b->pass, b->pass.buffers->param, which);
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(columns - c), width = dg_panel_width(count);
    float *to = panels + c * weight_rows(plan) + row * width;
    dg_pack_rows(hidden, count, weight + gate * hidden * columns + c, columns, to);
    memset(to + hidden * width, 0, (plan->units - hidden) * width * sizeof *to);
  }
}

/** Packs the weights of a slot's gate, for its parts of x and h. */
static void pack_slot(const void *context, size_t slot, size_t worker) {
  (void)worker;
  const backward_pass *b = context;
  const dg_recurrent_desc *d = b->pass.desc;
  const dg_recurrent_plan *plan = b->pass.plan;
  size_t gate = dg_recurrent_gate(plan, slot);
  if (slot < plan->gates) pack_gate(b, DG_RECURRENT_U, d->hidden, gate, slot * plan->units, b->u);
  if (slot >= plan->first_x && b->d_in != DG_GRAD_NONE)
    pack_gate(b, DG_RECURRENT_W, d->in, gate, (slot - plan->first_x) * plan->units, b->w);
}

static void run_part(const void *context, size_t part, size_t worker) {
  const backward_pass *b = context;
  const back_plan *plan = b->plan;
  float *sums = b->sums + part * plan->sums;
  scratch r = scratch_at(plan, sums, b->scratch + worker * plan->scratch);
  dg_span groups = dg_cpu_part(b->pass.groups, b->parts, part);
  memset(sums, 0, plan->sums * sizeof *sums);
  for (size_t g = groups.begin; g < groups.end; g++)
    group_backward(b, &r, dg_recurrent_group_at(&b->pass, g));
}

static void store_units(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const backward_pass *b = context;
  size_t hidden = b->pass.desc->hidden;
  dg_span units = dg_cpu_part(b->pass.plan->slots * hidden, b->pieces, piece);
  for (size_t i = units.begin; i < units.end; i++) store_gradients(b, i / hidden, i % hidden);
}

static void direction_backward(const backward_pass *b) {
  const dg_cpu_device *device = b->pass.op->device;
  dg_cpu_run_pieces(device, b->plan->shape.slots, pack_slot, b, sizeof *b);
  dg_cpu_run_pieces(device, b->parts, run_part, b, sizeof *b);
  dg_cpu_run_pieces(device, b->pieces, store_units, b, sizeof *b);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  const back_plan *plan = op->plan;
  size_t groups = dg_recurrent_groups(op, step->n, true);
  size_t parts = groups < plan->parts ? groups : plan->parts;
  float *workspace = dg_floats(buffers->workspace), *sums = workspace + weight_floats(plan);
  backward_pass b = {.pass = {op, d, &plan->shape, buffers, step->n, groups, 0},
                     .plan = plan,
                     .d_in = op->desc.d_in[0],
                     .parts = parts,
                     .pieces = dg_cpu_pieces(plan->shape.slots * d->hidden, parts * plan->sums),
                     .u = workspace,
                     .w = workspace + plan->d_u,
                     .sums = sums,
                     .scratch = sums + plan->parts * plan->sums};
  for (; b.pass.direction < dg_recurrent_directions(d); b.pass.direction++) {
    direction_backward(&b);
    if (b.d_in == DG_GRAD_WRITE) b.d_in = DG_GRAD_ADD;
  }
}

const dg_cpu_implementation dg_recurrent_backward = {"groups", NULL, prepare, run};
