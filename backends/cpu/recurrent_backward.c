#include <omp.h>
#include <string.h>

#include "backends/cpu/panel.h"
#include "backends/cpu/recurrent_cell.h"

/**
 * Backward, a thread takes each of its groups from the last step to the first and adds up the
 * gradients of the parameters on the way; at the end those of all threads are added in order.
 */

/* ---- the plan ----------------------------------------------------------- */

/** Planes [units] of a thread: d_h, d_c, and those that a cell makes on the way. */
enum { D_H, D_C, OUTPUT, TANH_C, TANH_C_BEFORE, OWN_PLANES };

void dg_recurrent_backward_prepare(dg_cpu_op *op) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  dg_recurrent_plan *plan = op->plan;
  size_t rows = plan->gates * plan->units, in = dg_panels_width(d->in);
  plan->d_u = rows * plan->units;
  plan->d_w = rows * in;
  plan->d_bias = plan->slots * plan->units;
  plan->backward_thread = plan->d_u + plan->d_w + plan->d_bias +
                          plan->group * (plan->d_row + OWN_PLANES * plan->units + in);
  size_t threads = (size_t)op->device->threads, directions = dg_recurrent_directions(d);
  dg_op_needs *needs = &op->base.needs;
  needs->backward_reads_in = true;
  needs->kept = directions * op->base.max_n * d->steps * plan->planes * plan->units * sizeof(float);
  needs->backward_workspace =
      (plan->d_u + plan->d_w + threads * plan->backward_thread) * sizeof(float);
}

/* ---- one direction ------------------------------------------------------ */

/** What the threads share in a backward pass of one direction. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples, direction;
  dg_grad_mode d_in;
  float *u, *w; /**< panels of the slots' weights, [gates][units] rows */
} pass;

/** What a thread has of its own. */
typedef struct {
  float *d_u, *d_w, *d_bias; /**< added up: panels [gates][units] rows each; [slots][units] */
  float *d_rows;             /**< [n][slots][units] */
  float *plane[OWN_PLANES];
  float *x; /**< plane [in]: x, then its gradient */
} room;

static room room_at(const dg_recurrent_plan *plan, float *memory) {
  room r = {.d_u = memory, .d_w = memory + plan->d_u};
  r.d_bias = r.d_w + plan->d_w;
  r.d_rows = r.d_bias + plan->d_bias;
  r.plane[0] = r.d_rows + plan->group * plan->d_row;
  for (int i = 1; i < OWN_PLANES; i++) r.plane[i] = r.plane[i - 1] + plan->group * plan->units;
  r.x = r.plane[OWN_PLANES - 1] + plan->group * plan->units;
  return r;
}

static const float *param_of(const pass *p, size_t index) {
  size_t each = 2 + p->op->base.desc.recurrent.biases;
  return dg_floats(p->buffers->param[p->direction * each + index]);
}

/** Packs the rows of a slot's gate of a weight [gates][hidden][columns] into panels. */
static void pack_slot(const dg_recurrent_plan *plan, size_t hidden, const float *weight,
                      size_t columns, size_t gate, size_t row, float *panels) {
  size_t rows = plan->gates * plan->units;
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(columns - c), width = dg_panel_width(count);
    float *to = panels + c * rows + row * width;
    dg_pack_rows(hidden, count, weight + gate * hidden * columns + c, columns, to);
    memset(to + hidden * width, 0, (plan->units - hidden) * width * sizeof *to);
  }
}

/** d_weight's panels += rows d [n][count] transposed, times a plane of `columns`. */
static void add_gradient(size_t n, size_t count, const float *d, size_t d_row, size_t columns,
                         const float *plane, size_t panel_rows, size_t from, float *panels) {
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(columns - c)), height;
    float *panel = panels + c * panel_rows + from * width;
    for (size_t row = 0; row < count; row += height) {
      height = dg_tile_height(count - row);
      dg_tile_add_columns(height, width, n, d + row, d_row, plane + c * n, panel + row * width);
    }
  }
}

/** The gradients of x (where wanted) and of W, from d_rows. */
static void input_gradients(const pass *p, const room *r, dg_recurrent_group group, size_t k) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t rows = plan->gates * plan->units, n = group.n, x_row = (size_t)d->steps * d->in;
  const float *d_x_slots = r->d_rows + plan->first_x * plan->units;
  size_t at = group.first * x_row + dg_recurrent_time(d, p->direction, k) * d->in;
  const float *x = dg_floats(p->buffers->in[0]) + at;
  for (size_t c = 0; c < d->in; c += DG_TILE_WIDTH)
    dg_pack_rows(n, dg_panel_columns(d->in - c), x + c, x_row, r->x + c * n);
  add_gradient(n, rows, d_x_slots, plan->d_row, d->in, r->x, rows, 0, r->d_w);
  if (p->d_in == DG_GRAD_NONE) return;
  float *d_x = dg_floats(p->buffers->d_in[0]) + at;
  dg_recurrent_multiply(false, n, d->in, rows, d_x_slots, plan->d_row, p->w, rows, 0, r->x);
  for (size_t c = 0; c < d->in; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(d->in - c), width = dg_panel_width(count);
    for (size_t s = 0; s < n; s++)
      dg_grad_put(p->d_in, count, r->x + c * n + s * width, d_x + s * x_row + c);
  }
}

/** Adds the gradients of some slots' U, the slots' part of h having been `h` [n][hidden]. */
static void add_u_gradient(const pass *p, const room *r, size_t n, size_t slot, size_t slots,
                           const float *h) {
  const dg_recurrent_plan *plan = p->op->plan;
  size_t from = slot * plan->units;
  add_gradient(n, slots * plan->units, r->d_rows + from, plan->d_row,
               p->op->base.desc.recurrent.hidden, h, plan->gates * plan->units, from, r->d_u);
}

/** d_h = or += the gradient of what some slots' U was multiplied with. */
static void state_gradient(const pass *p, const room *r, bool add, size_t n, size_t slot,
                           size_t slots, float *d_h) {
  const dg_recurrent_plan *plan = p->op->plan;
  size_t from = slot * plan->units;
  dg_recurrent_multiply(add, n, p->op->base.desc.recurrent.hidden, slots * plan->units,
                        r->d_rows + from, plan->d_row, p->u, plan->gates * plan->units, from, d_h);
}

static void add_bias_gradient(const dg_recurrent_plan *plan, size_t n, const room *r) {
  for (size_t s = 0; s < n; s++)
    dg_grad_put(DG_GRAD_ADD, plan->d_bias, r->d_rows + s * plan->d_row, r->d_bias);
}

/** d_h += the output's gradient at step k, where that step was put out. */
static void add_d_out(const pass *p, dg_recurrent_group group, size_t k, float *d_h) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  size_t n = group.n;
  for (size_t s = 0; s < n; s++) {
    const float *from =
        dg_recurrent_place(d, dg_floats(p->buffers->d_out), p->direction, group.first + s, k);
    for (size_t c = 0; from && c < d->hidden; c += DG_TILE_WIDTH) {
      size_t count = dg_panel_columns(d->hidden - c);
      dg_grad_put(DG_GRAD_ADD, count, from + c, d_h + c * n + s * dg_panel_width(count));
    }
  }
}

/**
 * The state before a step, from what is kept of the step that made it; NULL for the zeros before
 * the first. Of an LSTM it is made of o and tanh(c), which its next step backward needs too.
 */
static const float *state_before(const pass *p, const room *r, size_t n, const float *before) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t plane = n * plan->units;
  if (!before) return NULL;
  if (d->cell != DG_CELL_LSTM) return before + (plan->planes - 1) * plane;
  dg_cell_output(plane, before + 3 * plane, before + 4 * plane, r->plane[TANH_C_BEFORE],
                 r->plane[OUTPUT]);
  return r->plane[OUTPUT];
}

/** What a GRU that resets before its product has between dg_cell_backward and the rest. */
static void reset_backward(const pass *p, const room *r, const dg_cell_step_back *cell) {
  enum { N_SLOT = 2 };
  if (cell->h) state_gradient(p, r, false, cell->n, N_SLOT, 1, cell->d_reset);
  dg_cell_reset_backward(cell);
  if (cell->h) add_u_gradient(p, r, cell->n, N_SLOT, 1, cell->d_reset);
}

static void step_backward(const pass *p, const room *r, dg_recurrent_group group, size_t k) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t n = group.n, plane = n * plan->units;
  bool resets = d->cell == DG_CELL_GRU && d->reset_before, lstm = d->cell == DG_CELL_LSTM;
  const float *now = dg_recurrent_kept(p->op, p->buffers, p->samples, p->direction, group, k);
  const float *before = k > 0 ? now - plan->planes * plane : NULL;
  dg_cell_step_back cell = {.desc = d,
                            .n = n,
                            .h = state_before(p, r, n, before),
                            .c = lstm && k > 0 ? before + plan->slots * plane : NULL,
                            .tanh_c = r->plane[TANH_C],
                            .d_h = r->plane[D_H],
                            .d_c = r->plane[D_C],
                            .d_slot = r->d_rows,
                            .d_row = plan->d_row,
                            .d_reset = r->plane[OUTPUT]};
  for (size_t slot = 0; slot < plan->slots; slot++) cell.slot[slot] = now + slot * plane;
  add_d_out(p, group, k, cell.d_h);
  dg_cell_backward(&cell);
  if (resets) reset_backward(p, r, &cell);
  add_bias_gradient(plan, n, r);
  input_gradients(p, r, group, k);
  if (k == 0) return;
  size_t slots = resets ? 2 : plan->gates; /* whose part of h was the state itself */
  add_u_gradient(p, r, n, 0, slots, cell.h);
  state_gradient(p, r, true, n, 0, slots, cell.d_h);
}

static void group_backward(const pass *p, room *r, dg_recurrent_group group) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t plane = group.n * plan->units, last = d->steps - 1;
  memset(r->plane[D_H], 0, plane * sizeof(float));
  memset(r->plane[D_C], 0, plane * sizeof(float));
  if (d->cell == DG_CELL_LSTM) {
    const float *planes =
        dg_recurrent_kept(p->op, p->buffers, p->samples, p->direction, group, last);
    dg_cell_output(plane, NULL, planes + plan->slots * plane, r->plane[TANH_C], NULL);
  }
  for (size_t k = d->steps; k-- > 0;) {
    step_backward(p, r, group, k);
    float *tanh_c = r->plane[TANH_C];
    r->plane[TANH_C] = r->plane[TANH_C_BEFORE];
    r->plane[TANH_C_BEFORE] = tanh_c;
  }
}

/* ---- the sums of all threads --------------------------------------------- */

/** to[c] = the sums, over `rooms` rooms that are `apart`, of a row of panels of `panel_rows` rows.
 */
static void sum_row(size_t rooms, size_t apart, const float *panels, size_t panel_rows, size_t row,
                    size_t columns, float *to) {
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(columns - c);
    const float *from = panels + c * panel_rows + row * dg_panel_width(count);
    for (size_t t = 0; t < rooms; t++)
      dg_grad_put(t == 0 ? DG_GRAD_WRITE : DG_GRAD_ADD, count, from + t * apart, to + c);
  }
}

/** Writes the gradients of unit j of the gate that a slot has. */
static void put_gradients(const pass *p, const float *rooms, size_t room_count, size_t slot,
                          size_t j) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t each = 2 + d->biases, rows = plan->gates * plan->units, apart = plan->backward_thread;
  size_t to = dg_recurrent_gate(plan, slot) * d->hidden + j, unit = slot * plan->units + j;
  dg_buffer *const *d_param = p->buffers->d_param + p->direction * each;
  const float *d_w = rooms + plan->d_u, *d_bias = d_w + plan->d_w;
  if (slot >= plan->first_x) {
    sum_row(room_count, apart, d_w, rows, unit - plan->first_x * plan->units, d->in,
            dg_floats(d_param[0]) + to * d->in);
    if (d->biases > 0)
      sum_row(room_count, apart, d_bias + unit, 0, 0, 1, dg_floats(d_param[2]) + to);
  }
  if (slot < plan->gates) {
    sum_row(room_count, apart, rooms, rows, unit, d->hidden,
            dg_floats(d_param[1]) + to * d->hidden);
    if (d->biases > 1)
      sum_row(room_count, apart, d_bias + unit, 0, 0, 1, dg_floats(d_param[3]) + to);
  }
}

static void direction_backward(const pass *p, float *rooms) {
  const dg_recurrent_desc *d = &p->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = p->op->plan;
  size_t groups = dg_recurrent_groups(p->op, p->samples);
#pragma omp parallel num_threads(dg_recurrent_threads(p->op, p->samples))
  {
    size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
    for (size_t g = 0; g < plan->gates; g++) {
      size_t h_row = (g + plan->first_x) % plan->gates * plan->units, x_row = g * plan->units;
      pack_slot(plan, d->hidden, param_of(p, 1), d->hidden, g, h_row, p->u);
      if (p->d_in != DG_GRAD_NONE)
        pack_slot(plan, d->hidden, param_of(p, 0), d->in, g, x_row, p->w);
    }
    float *memory = rooms + thread * plan->backward_thread;
    room r = room_at(plan, memory);
    memset(memory, 0, (plan->d_u + plan->d_w + plan->d_bias) * sizeof *memory);
    dg_span mine = dg_cpu_share(groups, 1);
    for (size_t g = mine.begin; g < mine.end; g++)
      group_backward(p, &r, dg_recurrent_group_at(p->op, p->samples, g));
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t unit = 0; unit < plan->slots * d->hidden; unit++)
      put_gradients(p, rooms, threads, unit / d->hidden, unit % d->hidden);
  }
}

void dg_recurrent_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_recurrent_plan *plan = op->plan;
  float *workspace = dg_floats(buffers->workspace);
  pass p = {.op = op,
            .buffers = buffers,
            .samples = step->n,
            .d_in = op->base.desc.d_in[0],
            .u = workspace,
            .w = workspace + plan->d_u};
  for (size_t k = 0; k < dg_recurrent_directions(&op->base.desc.recurrent); k++) {
    p.direction = k;
    direction_backward(&p, workspace + plan->d_u + plan->d_w);
    if (p.d_in == DG_GRAD_WRITE) p.d_in = DG_GRAD_ADD;
  }
}
