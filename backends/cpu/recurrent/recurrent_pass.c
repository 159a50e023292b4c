#include "backends/cpu/recurrent/recurrent_pass.h"

#include <string.h>

/** Floats of a row, rounded up so that rows don't map to the same few cache sets. */
static size_t row_apart(size_t floats) {
  enum { LINE = DG_CPU_ALIGNMENT / sizeof(float) };
  return (dg_round_up(floats) / LINE | 1) * LINE;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

dg_recurrent_plan dg_recurrent_plan_of(const dg_recurrent_desc *d, uint32_t max_n) {
  dg_recurrent_plan plan = {.gates = dg_cell_gates(d->cell),
                            .first_x = dg_recurrent_splits(d) ? 1 : 0,
                            .units = dg_panels_width(d->hidden),
                            .group = smaller(max_n, DG_RECURRENT_GROUP)};
  plan.slots = plan.gates + plan.first_x;
  plan.planes = plan.slots + (d->cell == DG_CELL_RNN ? 0 : 1);
  plan.row = row_apart(d->in + plan.units);
  plan.d_row = row_apart(plan.slots * plan.units);
  return plan;
}

/** As few groups as fit the cache; but four, or a multiple, for threads to share if each has enough
    samples to be worth reading the weights for, and two if there are fewer. */
static size_t groups_for_all(size_t samples) {
  enum { SHARED = 4, WORTHWHILE = 16 };
  size_t least = (samples + DG_RECURRENT_GROUP - 1) / DG_RECURRENT_GROUP;
  size_t wanted = samples >= SHARED * WORTHWHILE ? SHARED : 2;
  return smaller((least + wanted - 1) / wanted * wanted, samples);
}

size_t dg_recurrent_groups(const dg_cpu_op *op, size_t samples, bool train) {
  size_t threads = (size_t)op->device->threads, groups = groups_for_all(samples);
  if (op->device->is_split) return (samples + DG_RECURRENT_GROUP - 1) / DG_RECURRENT_GROUP;
  if (groups < threads && !(train && (op->desc.exact || threads <= DG_LEAST_PARTS)))
    return smaller(threads, samples);
  return groups;
}

size_t dg_recurrent_products(const dg_recurrent_desc *d, size_t samples) {
  return samples * d->steps * dg_cell_gates(d->cell) * d->hidden * (d->in + d->hidden);
}

dg_recurrent_group dg_recurrent_group_at(const dg_recurrent_pass *pass, size_t index) {
  size_t grain = pass->samples >= pass->groups * DG_TILE_ROWS ? DG_TILE_ROWS : 1; /* whole tiles */
  dg_span samples = dg_cpu_grains(pass->samples, grain, pass->groups, index);
  return (dg_recurrent_group){samples.begin, samples.end - samples.begin};
}

float *dg_recurrent_saved(const dg_recurrent_pass *pass, dg_recurrent_group group, size_t k) {
  size_t before = (pass->direction * pass->samples + group.first) * pass->desc->steps;
  return dg_floats(pass->buffers->saved) +
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

void dg_recurrent_sum_biases(const dg_recurrent_pass *pass, size_t slot, dg_span units,
                             float *bias) {
  const dg_recurrent_desc *d = pass->desc;
  dg_buffer *const *params = pass->buffers->param;
  size_t gate = dg_recurrent_gate(pass->plan, slot), end = smaller(units.end, d->hidden);
  memset(bias + units.begin, 0, (units.end - units.begin) * sizeof *bias);
  for (size_t which = 0; which < d->biases; which++) {
    if (which == 0 ? slot < pass->plan->first_x : slot >= pass->plan->gates) continue;
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
      dg_micro_kernel_packed(add, height, width, depth, a + s * a_row, a_row, panel,
                             plane + c * n + s * width);
    }
  }
}
