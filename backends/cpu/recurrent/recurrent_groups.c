#include "backends/cpu/recurrent/recurrent_groups.h"

#include <string.h>

#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/recurrent/recurrent_cell.h"

/** Floats of the packed weights of all slots. */
static size_t weight_floats(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return plan->slots * (d->in + d->hidden) * plan->units;
}

size_t dg_recurrent_groups_packed(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return dg_round_up(weight_floats(d, plan) + plan->slots * plan->units);
}

size_t dg_recurrent_groups_worker(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  size_t rows = dg_recurrent_resets(d) ? 2 : 1;
  return dg_round_up(plan->group * (rows * plan->row + plan->planes * plan->units));
}

static bool has_x(const dg_recurrent_plan *plan, size_t slot) {
  return slot >= plan->first_x;
}

static bool has_h(const dg_recurrent_plan *plan, size_t slot) {
  return slot < plan->gates;
}

/** The state of a forward pass. */
typedef struct {
  dg_recurrent_pass pass;
  bool keep;
  size_t pieces;  /**< pieces that the groups are cut into */
  float *weights; /**< [slots], each panels of in + hidden rows: W, then U, both transposed */
  float *bias;    /**< [slots][units] */
  float *scratch; /**< scratch of the workers */
  size_t scratch_floats; /**< floats of each */
} forward_pass;

static float *slot_weights(const forward_pass *f, size_t slot) {
  const dg_recurrent_desc *d = f->pass.desc;
  return f->weights + slot * (d->in + d->hidden) * f->pass.plan->units;
}

static void pack_slot(const void *context, size_t slot, size_t worker) {
  (void)worker;
  const forward_pass *f = context;
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
  dg_recurrent_sum_biases(&f->pass, slot, (dg_span){0, plan->units}, f->bias + slot * plan->units);
}

/** The sums of a slot from rows [x, h], with or without its part of h. */
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

/** One step of a group: the products, then the cell. The initial state is 0. */
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

/** Sets a cell's pointers to the planes of its step, given those of the step before (NULL at the
    first). */
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

/** Runs all steps of a group; `scratch` is the worker's own: rows [x, h], rows [x, r h], and
    planes. */
static void group_forward(const forward_pass *f, dg_recurrent_group group, float *scratch) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  size_t all_rows = plan->group * plan->row, x_row = (size_t)d->steps * d->in;
  float *rows = scratch, *reset = dg_recurrent_resets(d) ? rows + all_rows : NULL;
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
    if (f->keep) planes = dg_recurrent_saved(&f->pass, group, k);
    point_at(f, planes, before, &cell);
    copy_rows(group.n, d->in, x + dg_recurrent_time(&f->pass, k) * d->in, x_row, rows, plan->row);
    step_forward(f, rows, k == 0, &cell);
    float *to = dg_recurrent_place(&f->pass, dg_floats(f->pass.buffers->out[0]), group.first, k);
    if (to) copy_rows(group.n, d->hidden, cell.h, plan->row, to, dg_recurrent_out_row(d));
    before = planes;
  }
}

static void run_groups(const void *context, size_t piece, size_t worker) {
  const forward_pass *f = context;
  dg_span groups = dg_cpu_part(f->pass.groups, f->pieces, piece);
  for (size_t g = groups.begin; g < groups.end; g++)
    group_forward(f, dg_recurrent_group_at(&f->pass, g), f->scratch + worker * f->scratch_floats);
}

void dg_recurrent_groups_forward(const dg_recurrent_pass *pass, bool keep, bool pack, float *packed,
                                 float *scratch) {
  const dg_recurrent_desc *d = pass->desc;
  const dg_recurrent_plan *plan = pass->plan;
  const forward_pass f = {
      .pass = *pass,
      .keep = keep,
      .pieces = dg_cpu_pieces(pass->groups, dg_recurrent_products(d, pass->samples) / DG_VECTOR),
      .weights = packed,
      .bias = packed + weight_floats(d, plan),
      .scratch = scratch,
      .scratch_floats = dg_recurrent_groups_worker(d, plan)};
  if (pack) dg_cpu_run_pieces(pass->op->device, plan->slots, pack_slot, &f, sizeof f);
  dg_cpu_run_pieces(pass->op->device, f.pieces, run_groups, &f, sizeof f);
}
