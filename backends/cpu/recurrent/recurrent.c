#include "backends/cpu/recurrent/recurrent.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/recurrent/recurrent_cell.h"
#include "backends/cpu/recurrent/recurrent_few.h"

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

/** A network that isn't trained keeps what is packed, and has another way for few samples. */
static bool prepare_test(dg_cpu_op *op, dg_error *err) {
  dg_recurrent_plan *plan = op->plan;
  size_t groups = (size_t)op->device->threads * plan->forward_thread;
  size_t few = dg_recurrent_few_prepare(op, plan);
  op->base.needs.forward_workspace = (few > groups ? few : groups) * sizeof(float);
  size_t directions = dg_recurrent_directions(&op->base.desc.recurrent);
  return dg_cpu_keep_packing(op, directions * (plan->group_packed + plan->few_packed), err);
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  dg_recurrent_plan *plan = op->plan = calloc(1, sizeof *plan);
  if (!plan) return dg_fail_memory(err, sizeof *plan);
  plan->gates = dg_cell_gates(d->cell);
  plan->first_x = dg_recurrent_splits(d) ? 1 : 0;
  plan->slots = plan->gates + plan->first_x;
  plan->planes = plan->slots + (d->cell == DG_CELL_RNN ? 0 : 1);
  plan->units = dg_panels_width(d->hidden);
  plan->row = row_apart(d->in + plan->units);
  plan->d_row = row_apart(plan->slots * plan->units);
  plan->group = smaller(op->base.max_n, DG_RECURRENT_GROUP);
  plan->weights = plan->slots * (d->in + d->hidden) * plan->units;
  plan->group_packed = plan->weights + plan->slots * plan->units;
  size_t rows = dg_recurrent_resets(d) ? 2 : 1;
  plan->forward_thread = plan->group * (rows * plan->row + plan->planes * plan->units);
  if (!train) return prepare_test(op, err);
  op->base.needs.forward_workspace =
      (plan->group_packed + (size_t)op->device->threads * plan->forward_thread) * sizeof(float);
  dg_recurrent_backward_prepare(op);
  return true;
}

/* ---- what both passes use ------------------------------------------------ */

size_t dg_recurrent_groups(const dg_recurrent_pass *pass) {
  size_t threads = (size_t)pass->op->device->threads, most = threads * DG_RECURRENT_GROUP;
  return smaller(pass->samples, (pass->samples + most - 1) / most * threads);
}

int dg_recurrent_threads(const dg_recurrent_pass *pass) {
  const dg_recurrent_desc *d = pass->desc;
  size_t products = pass->samples * d->steps * pass->plan->gates * d->hidden * (d->in + d->hidden);
  int threads = dg_cpu_threads(pass->op->device, products / DG_VECTOR);
  return (int)smaller((size_t)threads, dg_recurrent_groups(pass));
}

dg_recurrent_group dg_recurrent_group_at(const dg_recurrent_pass *pass, size_t index) {
  size_t groups = dg_recurrent_groups(pass), first = pass->samples * index / groups;
  return (dg_recurrent_group){first, pass->samples * (index + 1) / groups - first};
}

float *dg_recurrent_kept(const dg_recurrent_pass *pass, dg_recurrent_group group, size_t k) {
  size_t before = (pass->direction * pass->samples + group.first) * pass->desc->steps;
  return dg_floats(pass->buffers->kept) +
         (before + k * group.n) * pass->plan->planes * pass->plan->units;
}

size_t dg_recurrent_out_row(const dg_recurrent_desc *d) {
  return (d->sequence ? d->steps : 1) * dg_recurrent_directions(d) * d->hidden;
}

float *dg_recurrent_place(const dg_recurrent_pass *pass, float *out, size_t sample, size_t k) {
  const dg_recurrent_desc *d = pass->desc;
  float *to = out + sample * dg_recurrent_out_row(d) + pass->direction * d->hidden;
  if (d->sequence) return to + dg_recurrent_time(pass, k) * dg_recurrent_directions(d) * d->hidden;
  return k + 1 == d->steps ? to : NULL;
}

static bool has_x(const dg_recurrent_plan *plan, size_t slot) {
  return slot >= plan->first_x;
}

static bool has_h(const dg_recurrent_plan *plan, size_t slot) {
  return slot < plan->gates;
}

void dg_recurrent_put_biases(const dg_recurrent_pass *pass, size_t slot, dg_span units,
                             float *bias) {
  const dg_recurrent_desc *d = pass->desc;
  dg_buffer *const *params = pass->buffers->param;
  size_t gate = dg_recurrent_gate(pass->plan, slot), end = smaller(units.end, d->hidden);
  memset(bias + units.begin, 0, (units.end - units.begin) * sizeof *bias);
  for (size_t which = 0; which < d->biases; which++) {
    if (which == 0 ? !has_x(pass->plan, slot) : !has_h(pass->plan, slot)) continue;
    const float *from = dg_recurrent_param(pass, params, DG_RECURRENT_B + which) + gate * d->hidden;
    for (size_t i = units.begin; i < end; i++) bias[i] += from[i];
  }
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

/** A forward pass, and what its threads share. */
typedef struct {
  dg_recurrent_pass pass;
  bool keep, pack;
  float *weights; /**< [slots], each panels of in + hidden rows: W, then U, both transposed */
  float *bias;    /**< [slots][units] */
} forward_pass;

static float *slot_weights(const forward_pass *f, size_t slot) {
  const dg_recurrent_desc *d = f->pass.desc;
  return f->weights + slot * (d->in + d->hidden) * f->pass.plan->units;
}

static void pack_slot(const forward_pass *f, size_t slot) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  dg_buffer *const *params = f->pass.buffers->param;
  size_t in = d->in, hidden = d->hidden, first = dg_recurrent_gate(plan, slot) * hidden;
  const float *w = dg_recurrent_param(&f->pass, params, DG_RECURRENT_W) + first * in;
  const float *u = dg_recurrent_param(&f->pass, params, DG_RECURRENT_U) + first * hidden;
  for (size_t c = 0; c < hidden; c += DG_TILE_WIDTH) {
    size_t count = dg_panel_columns(hidden - c);
    float *panel = slot_weights(f, slot) + c * (in + hidden);
    if (has_x(plan, slot)) dg_pack_columns(in, count, w + c * in, in, panel);
    if (has_h(plan, slot))
      dg_pack_columns(hidden, count, u + c * hidden, hidden, panel + in * dg_panel_width(count));
  }
  dg_recurrent_put_biases(&f->pass, slot, (dg_span){0, plan->units}, f->bias + slot * plan->units);
}

/** The sums of a slot from rows [x, h], with its part of h or without. */
static void slot_product(const forward_pass *f, size_t slot, bool with_h, size_t n,
                         const float *rows, float *plane) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  size_t from = has_x(plan, slot) ? 0 : d->in;
  size_t to = with_h && has_h(plan, slot) ? d->in + d->hidden : d->in;
  if (from == to)
    memset(plane, 0, n * plan->units * sizeof *plane);
  else
    dg_recurrent_multiply(false, n, d->hidden, to - from, rows + from, plan->row,
                          slot_weights(f, slot), d->in + d->hidden, from, plane);
}

/** One step of a group: the products, then the cell. The state before the first step is 0. */
static void step_forward(const forward_pass *f, const float *rows, bool first,
                         const dg_cell_step *cell) {
  enum { N_SLOT = 2 };
  const dg_recurrent_desc *d = cell->desc;
  for (size_t slot = 0; slot < f->pass.plan->slots; slot++) {
    bool with_h = !first && !(cell->reset && slot == N_SLOT);
    slot_product(f, slot, with_h, cell->n, rows, cell->slot[slot]);
  }
  if (cell->reset) {
    dg_cell_reset(cell);
    dg_recurrent_multiply(true, cell->n, d->hidden, d->hidden, cell->reset, cell->row,
                          slot_weights(f, N_SLOT), d->in + d->hidden, d->in, cell->slot[N_SLOT]);
  }
  dg_cell_forward(cell);
}

/** Points a cell at the planes of its step, those of the step before (NULL at the first) given. */
static void point_at(const forward_pass *f, float *planes, const float *before,
                     dg_cell_step *cell) {
  const dg_recurrent_plan *plan = f->pass.plan;
  size_t plane = cell->n * plan->units;
  for (size_t slot = 0; slot < plan->slots; slot++) cell->slot[slot] = planes + slot * plane;
  bool lstm = cell->desc->cell == DG_CELL_LSTM, gru = cell->desc->cell == DG_CELL_GRU;
  cell->c = lstm && before ? before + plan->slots * plane : NULL;
  cell->state = lstm || (gru && f->keep) ? planes + plan->slots * plane : NULL;
}

static void copy_rows(size_t n, size_t count, const float *from, size_t from_row, float *to,
                      size_t to_row) {
  for (size_t s = 0; s < n; s++) memcpy(to + s * to_row, from + s * from_row, count * sizeof *to);
}

/** All steps of a group; `room` is the thread's own: rows [x, h], rows [x, r h], and planes. */
static void group_forward(const forward_pass *f, dg_recurrent_group group, float *room) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  size_t all_rows = plan->group * plan->row, x_row = (size_t)d->steps * d->in;
  float *rows = room, *reset = dg_recurrent_resets(d) ? rows + all_rows : NULL;
  float *planes = (reset ? reset : rows) + all_rows, *before = NULL;
  const float *x = dg_floats(f->pass.buffers->in[0]) + group.first * x_row;
  dg_cell_step cell = {.desc = d,
                       .units = d->hidden,
                       .n = group.n,
                       .h = rows + d->in,
                       .row = plan->row,
                       .reset = reset ? reset + d->in : NULL};
  for (size_t slot = 0; slot < plan->slots; slot++) cell.bias[slot] = f->bias + slot * plan->units;
  memset(rows, 0, group.n * plan->row * sizeof *rows);
  for (size_t k = 0; k < d->steps; k++) {
    if (f->keep) planes = dg_recurrent_kept(&f->pass, group, k);
    point_at(f, planes, before, &cell);
    copy_rows(group.n, d->in, x + dg_recurrent_time(&f->pass, k) * d->in, x_row, rows, plan->row);
    step_forward(f, rows, k == 0, &cell);
    float *to = dg_recurrent_place(&f->pass, dg_floats(f->pass.buffers->out[0]), group.first, k);
    if (to) copy_rows(group.n, d->hidden, cell.h, plan->row, to, dg_recurrent_out_row(d));
    before = planes;
  }
}

static void direction_forward(const forward_pass *f, float *rooms) {
  const dg_recurrent_plan *plan = f->pass.plan;
#pragma omp parallel num_threads(dg_recurrent_threads(&f->pass))
  {
    if (f->pack) {
#pragma omp for schedule(static)
      for (size_t slot = 0; slot < plan->slots; slot++) pack_slot(f, slot);
    }
    float *room = rooms + (size_t)omp_get_thread_num() * plan->forward_thread;
    dg_span mine = dg_cpu_share(dg_recurrent_groups(&f->pass), 1);
    for (size_t g = mine.begin; g < mine.end; g++)
      group_forward(f, dg_recurrent_group_at(&f->pass, g), room);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_recurrent_plan *plan = op->plan;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  float *workspace = dg_floats(buffers->workspace);
  bool pack, keeps = op->packing, few = keeps && dg_recurrent_are_few(plan, step->n);
  float *packed = dg_cpu_packed(op, buffers, workspace, &pack);
  if (pack) plan->group_ready = plan->few_ready = false;
  dg_recurrent_pass pass = {op, d, plan, buffers, step->n, 0};
  for (; pass.direction < dg_recurrent_directions(d); pass.direction++) {
    float *kept = packed + pass.direction * (plan->group_packed + plan->few_packed);
    if (few)
      dg_recurrent_few_forward(&pass, !plan->few_ready, kept + plan->group_packed, workspace);
    else if (keeps)
      direction_forward(
          &(forward_pass){pass, false, !plan->group_ready, kept, kept + plan->weights}, workspace);
    else
      direction_forward(&(forward_pass){pass, step->train, true, packed, packed + plan->weights},
                        workspace + plan->group_packed);
  }
  *(few ? &plan->few_ready : &plan->group_ready) = true;
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_recurrent) = {supports, prepare, forward,
                                                     dg_recurrent_backward};
