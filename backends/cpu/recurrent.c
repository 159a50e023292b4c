#include "backends/cpu/recurrent.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/panel.h"
#include "backends/cpu/recurrent_cell.h"

static bool supports(const dg_op_desc *desc) {
  const dg_recurrent_desc *d = &desc->recurrent;
  return (unsigned)d->cell <= DG_CELL_LSTM && d->steps > 0 && d->in > 0 && d->hidden > 0 &&
         d->biases <= 2;
}

/* ---- the plan ----------------------------------------------------------- */

/** Floats of a row, rounded up so that rows don't share the same few places of the cache. */
static size_t row_apart(size_t floats) {
  enum { LINE = DG_CPU_ALIGNMENT / sizeof(float) };
  return (dg_round_up(floats) / LINE | 1) * LINE;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  dg_recurrent_plan *plan = op->plan = calloc(1, sizeof *plan);
  if (!plan) return dg_fail_memory(err, sizeof *plan);
  bool splits = d->cell == DG_CELL_GRU && !d->reset_before;
  plan->gates = dg_cell_gates(d->cell);
  plan->first_x = splits ? 1 : 0;
  plan->slots = plan->gates + plan->first_x;
  plan->planes = plan->slots + (d->cell == DG_CELL_RNN ? 0 : 1);
  plan->units = dg_panels_width(d->hidden);
  plan->row = row_apart(d->in + plan->units);
  plan->d_row = row_apart(plan->slots * plan->units);
  plan->group = smaller(op->base.max_n, DG_RECURRENT_GROUP);
  plan->weights = plan->slots * (d->in + d->hidden) * plan->units;
  plan->biases = plan->slots * plan->units;
  size_t rows = (plan->gates < plan->slots || d->cell != DG_CELL_GRU ? 1 : 2) * plan->row;
  plan->forward_thread = plan->group * (rows + plan->planes * plan->units);
  op->base.needs.forward_workspace =
      (plan->weights + plan->biases + (size_t)op->device->threads * plan->forward_thread) *
      sizeof(float);
  if (train) dg_recurrent_backward_prepare(op);
  return true;
}

size_t dg_recurrent_groups(const dg_cpu_op *op, size_t n) {
  size_t threads = (size_t)op->device->threads, most = threads * DG_RECURRENT_GROUP;
  return smaller(n, (n + most - 1) / most * threads);
}

int dg_recurrent_threads(const dg_cpu_op *op, size_t n) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  size_t products = (size_t)dg_cell_gates(d->cell) * d->hidden * (d->in + d->hidden);
  int threads = dg_cpu_threads(op->device, n * d->steps * products / DG_VECTOR);
  return (int)smaller((size_t)threads, dg_recurrent_groups(op, n));
}

dg_recurrent_group dg_recurrent_group_at(const dg_cpu_op *op, size_t n, size_t index) {
  size_t groups = dg_recurrent_groups(op, n), first = n * index / groups;
  return (dg_recurrent_group){first, n * (index + 1) / groups - first};
}

/* ---- what both directions of time use ------------------------------------ */

float *dg_recurrent_kept(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t samples,
                         size_t direction, dg_recurrent_group group, size_t k) {
  const dg_recurrent_plan *plan = op->plan;
  size_t steps = op->base.desc.recurrent.steps, step = plan->planes * plan->units;
  return dg_floats(buffers->kept) +
         ((direction * samples + group.first) * steps + k * group.n) * step;
}

float *dg_recurrent_place(const dg_recurrent_desc *d, float *out, size_t direction, size_t sample,
                          size_t k) {
  size_t width = dg_recurrent_directions(d) * d->hidden, side = direction * d->hidden;
  if (d->sequence)
    return out + (sample * d->steps + dg_recurrent_time(d, direction, k)) * width + side;
  return k + 1 == d->steps ? out + sample * width + side : NULL;
}

void dg_recurrent_multiply(bool add, size_t n, size_t columns, size_t depth, const float *a,
                           size_t a_row, const float *panels, size_t panel_rows, size_t from,
                           float *plane) {
  for (size_t c = 0; c < columns; c += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(columns - c)), height;
    const float *panel = panels + c * panel_rows + from * width;
    for (size_t s = 0; s < n; s += height) {
      height = dg_tile_height(n - s);
      dg_tile_put(add, height, width, depth, a + s * a_row, a_row, panel,
                  plane + c * n + s * width);
    }
  }
}

/* ---- forward ------------------------------------------------------------ */

/** What the threads share in a forward pass of one direction. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples, direction;
  bool keep;
  float *weights; /**< [slots], each panels of in + hidden rows: W, then U, both transposed */
  float *bias;    /**< [slots][units] */
} forward_pass;

/** Parameter `index` (W, U, b, c) of a direction. */
static float *param_of(const forward_pass *pass, size_t index) {
  size_t each = 2 + pass->op->base.desc.recurrent.biases;
  return dg_floats(pass->buffers->param[pass->direction * each + index]);
}

static bool has_x(const dg_recurrent_plan *plan, size_t slot) {
  return slot >= plan->first_x;
}

static bool has_h(const dg_recurrent_plan *plan, size_t slot) {
  return slot < plan->gates;
}

static void pack_slot(const forward_pass *pass, size_t slot) {
  const dg_recurrent_desc *d = &pass->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = pass->op->plan;
  size_t in = d->in, hidden = d->hidden, first = dg_recurrent_gate(plan, slot) * hidden;
  const float *w = param_of(pass, 0) + first * in, *u = param_of(pass, 1) + first * hidden;
  float *panels = pass->weights + slot * (in + hidden) * plan->units;
  for (size_t c = 0; c < hidden; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(hidden - c);
    float *panel = panels + c * (in + hidden);
    if (has_x(plan, slot)) dg_pack_columns(in, count, w + c * in, in, panel);
    if (has_h(plan, slot))
      dg_pack_columns(hidden, count, u + c * hidden, hidden, panel + in * dg_panel_width(count));
  }
  float *bias = pass->bias + slot * plan->units;
  memset(bias, 0, plan->units * sizeof *bias);
  for (size_t j = 0; j < hidden && d->biases > 0 && has_x(plan, slot); j++)
    bias[j] += param_of(pass, 2)[first + j];
  for (size_t j = 0; j < hidden && d->biases > 1 && has_h(plan, slot); j++)
    bias[j] += param_of(pass, 3)[first + j];
}

/** The sums of a slot at step k from rows [x, h]; before the first step h is 0. */
static void slot_product(const dg_recurrent_desc *d, const dg_recurrent_plan *plan, size_t slot,
                         bool with_h, const float *weights, size_t n, const float *rows,
                         float *plane) {
  size_t from = has_x(plan, slot) ? 0 : d->in;
  size_t to = with_h && has_h(plan, slot) ? d->in + d->hidden : d->in;
  if (from == to)
    memset(plane, 0, n * plan->units * sizeof *plane);
  else
    dg_recurrent_multiply(false, n, d->hidden, to - from, rows + from, plan->row,
                          weights + slot * (d->in + d->hidden) * plan->units, d->in + d->hidden,
                          from, plane);
}

/** One step of a group: the products, then the cell; of a GRU that resets first, U_n r h between.
 */
static void run_step(const forward_pass *pass, const float *rows, bool first, dg_cell_step *cell) {
  const dg_recurrent_desc *d = cell->desc;
  const dg_recurrent_plan *plan = pass->op->plan;
  size_t weight_rows = d->in + d->hidden, n_slot = 2;
  for (size_t slot = 0; slot < plan->slots; slot++) {
    bool with_h = !first && !(cell->reset && slot == n_slot);
    slot_product(d, plan, slot, with_h, pass->weights, cell->n, rows, cell->slot[slot]);
  }
  if (cell->reset) {
    dg_cell_reset(cell);
    dg_recurrent_multiply(true, cell->n, d->hidden, d->hidden, cell->reset, plan->row,
                          pass->weights + n_slot * weight_rows * plan->units, weight_rows, d->in,
                          cell->slot[n_slot]);
  }
  dg_cell_forward(cell);
}

/** Points a cell at the planes of its step, those of the step before (NULL at the first) given. */
static void point_at(const dg_recurrent_plan *plan, float *planes, const float *before, bool keep,
                     dg_cell_step *cell) {
  size_t plane = cell->n * plan->units;
  for (size_t slot = 0; slot < plan->slots; slot++) cell->slot[slot] = planes + slot * plane;
  bool lstm = cell->desc->cell == DG_CELL_LSTM, gru = cell->desc->cell == DG_CELL_GRU;
  cell->c = lstm && before ? before + plan->slots * plane : NULL;
  cell->state = lstm || (gru && keep) ? planes + plan->slots * plane : NULL;
}

static void copy_rows(size_t n, size_t count, const float *from, size_t from_row, float *to,
                      size_t to_row) {
  for (size_t s = 0; s < n; s++) memcpy(to + s * to_row, from + s * from_row, count * sizeof *to);
}

/** All steps of a group; `room` is the thread's own: rows, rows to reset, and planes. */
static void run_group(const forward_pass *pass, dg_recurrent_group group, float *room) {
  const dg_recurrent_desc *d = &pass->op->base.desc.recurrent;
  const dg_recurrent_plan *plan = pass->op->plan;
  bool resets = d->cell == DG_CELL_GRU && d->reset_before;
  float *rows = room, *reset = rows + plan->group * plan->row;
  float *planes = resets ? reset + plan->group * plan->row : reset, *before = NULL;
  const float *x = dg_floats(pass->buffers->in[0]) + group.first * d->steps * d->in;
  float *out = dg_floats(pass->buffers->out[0]);
  size_t out_row = dg_recurrent_directions(d) * d->hidden * (d->sequence ? d->steps : 1);
  dg_cell_step cell = {.desc = d,
                       .n = group.n,
                       .h = rows + d->in,
                       .row = plan->row,
                       .reset = resets ? reset + d->in : NULL};
  for (size_t slot = 0; slot < plan->slots; slot++)
    cell.bias[slot] = pass->bias + slot * plan->units;
  memset(rows, 0, group.n * plan->row * sizeof *rows);
  for (size_t k = 0; k < d->steps; k++) {
    if (pass->keep)
      planes = dg_recurrent_kept(pass->op, pass->buffers, pass->samples, pass->direction, group, k);
    point_at(plan, planes, before, pass->keep, &cell);
    size_t time = dg_recurrent_time(d, pass->direction, k);
    copy_rows(group.n, d->in, x + time * d->in, d->steps * d->in, rows, plan->row);
    run_step(pass, rows, k == 0, &cell);
    float *to = dg_recurrent_place(d, out, pass->direction, group.first, k);
    if (to) copy_rows(group.n, d->hidden, cell.h, plan->row, to, out_row);
    before = planes;
  }
}

static void run_direction(const forward_pass *pass, float *rooms) {
  const dg_recurrent_plan *plan = pass->op->plan;
  size_t groups = dg_recurrent_groups(pass->op, pass->samples);
#pragma omp parallel num_threads(dg_recurrent_threads(pass->op, pass->samples))
  {
#pragma omp for schedule(static)
    for (size_t slot = 0; slot < plan->slots; slot++) pack_slot(pass, slot);
    float *room = rooms + (size_t)omp_get_thread_num() * plan->forward_thread;
    dg_span mine = dg_cpu_share(groups, 1);
    for (size_t g = mine.begin; g < mine.end; g++)
      run_group(pass, dg_recurrent_group_at(pass->op, pass->samples, g), room);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_recurrent_plan *plan = op->plan;
  float *workspace = dg_floats(buffers->workspace);
  forward_pass pass = {.op = op,
                       .buffers = buffers,
                       .samples = step->n,
                       .keep = op->train && step->train,
                       .weights = workspace,
                       .bias = workspace + plan->weights};
  for (size_t k = 0; k < dg_recurrent_directions(&op->base.desc.recurrent); k++) {
    pass.direction = k;
    run_direction(&pass, workspace + plan->weights + plan->biases);
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_recurrent) = {supports, prepare, forward,
                                                     dg_recurrent_backward};
