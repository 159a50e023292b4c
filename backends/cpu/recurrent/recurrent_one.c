#include "backends/cpu/recurrent/recurrent_one.h"

#include <string.h>

#include "backends/cpu/gemm/gemv_packed.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/recurrent/recurrent_cell.h"

enum {
  /** Units are distributed in whole cache lines. */
  LINE = DG_CPU_ALIGNMENT / sizeof(float),
  /** Vectors of products per rank and stage that make the synchronization worthwhile. */
  PRODUCTS = 512,
  /** Cache lines per rank, for more than two ranks: each adds the results of every other one
      separately. */
  LINES = 4,
  /** The results of a rank alternate between two boxes, which only the others read: they have read
      one box once the rank sees what they computed from it. */
  BOXES = 2,
};

/** Arrays [units] that a rank carries from step to step: the state, r h and c. They are separate
    from the boxes, whose lines leave its cache when others read them. */
enum { STATE, RESET, C, ARRAYS };

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Boxes of a step: the state; and before it r h, if it has its own product. */
static size_t stages_of_step(const dg_recurrent_desc *d) {
  return dg_recurrent_resets(d) ? 2 : 1;
}

static size_t lines_of(const dg_recurrent_plan *plan) {
  return (plan->units + LINE - 1) / LINE;
}

size_t dg_recurrent_one_ranks(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  size_t products = plan->gates * (plan->units / DG_VECTOR) * d->hidden / stages_of_step(d);
  size_t lines = lines_of(plan), most = lines / LINES > 2 ? lines / LINES : smaller(lines, 2);
  size_t ranks = smaller(smaller(products / PRODUCTS, most), DG_TEAM_RANKS);
  return ranks > 1 ? ranks : 1;
}

static size_t count(dg_span span) {
  return span.end - span.begin;
}

/* ---- memory ------------------------------------------------------------- */

/** Slots whose U is multiplied with the state: all but n if the reset comes before the product. */
static size_t state_slots(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return dg_recurrent_resets(d) ? plan->gates - 1 : plan->gates;
}

size_t dg_recurrent_one_packed(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return dg_round_up((plan->gates * (d->in + d->hidden) + plan->slots) * plan->units);
}

/** The packed parameters of a direction. */
typedef struct {
  float *u;       /**< [vectors][hidden][state slots][DG_VECTOR] */
  float *u_reset; /**< [vectors][hidden][DG_VECTOR]: for the slot that is multiplied with r h */
  float *w;       /**< [vectors], pairs of gates: [in][2][DG_VECTOR]; a single gate comes last */
  float *bias;    /**< [slots][units] */
} packing;

static packing packing_at(const dg_recurrent_desc *d, const dg_recurrent_plan *plan, float *at) {
  packing p = {.u = at};
  p.u_reset = p.u + state_slots(d, plan) * d->hidden * plan->units;
  p.w = at + plan->gates * d->hidden * plan->units;
  p.bias = p.w + plan->gates * d->in * plan->units;
  return p;
}

/** Floats of workspace before the memory of a rank whose units begin at `begin`. */
static size_t rank_offset(const dg_recurrent_desc *d, const dg_recurrent_plan *plan, size_t rank,
                          size_t begin) {
  return rank * (BOXES + 1) * DG_TEAM_PADDING + (d->steps * plan->slots + ARRAYS + BOXES) * begin;
}

size_t dg_recurrent_one_workspace(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return rank_offset(d, plan, dg_recurrent_one_ranks(d, plan), plan->units);
}

/** The state of a forward pass. */
typedef struct {
  dg_recurrent_pass pass;
  bool pack;
  packing packed;
  float *memory; /**< of the ranks */
  size_t ranks;
  uint32_t first[DG_TEAM_RANKS + 1]; /**< the first unit of each, and the end */
} one_pass;

static one_pass pass_of(const dg_recurrent_pass *pass, bool pack, float *packed, float *workspace) {
  const dg_recurrent_plan *plan = pass->plan;
  one_pass f = {*pass, pack, packing_at(pass->desc, plan, packed), workspace, 0, {0}};
  f.ranks = dg_recurrent_one_ranks(pass->desc, plan);
  for (size_t i = 0; i <= f.ranks; i++)
    f.first[i] = (uint32_t)smaller(lines_of(plan) * i / f.ranks * LINE, plan->units);
  return f;
}

/** The data of one rank. */
typedef struct {
  const one_pass *all;
  dg_span own; /**< units */
  float *sums; /**< [steps][slots][own units] */
  float *array[ARRAYS], *box[BOXES];
} one_rank;

static one_rank rank_at(const one_pass *f, size_t rank) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  one_rank r = {.all = f, .own = {f->first[rank], f->first[rank + 1]}};
  r.sums = f->memory + rank_offset(d, plan, rank, r.own.begin);
  float *arrays = r.sums + d->steps * plan->slots * count(r.own);
  for (size_t i = 0; i < ARRAYS; i++) r.array[i] = arrays + i * count(r.own);
  float *boxes = arrays + ARRAYS * count(r.own) + DG_TEAM_PADDING;
  for (size_t i = 0; i < BOXES; i++) r.box[i] = boxes + i * (count(r.own) + DG_TEAM_PADDING);
  return r;
}

/* ---- packing ------------------------------------------------------------ */

/** Gates are multiplied with x in pairs, in the order of the slots. */
static size_t pair_width(const dg_recurrent_plan *plan, size_t gate) {
  return gate / 2 * 2 + 1 < plan->gates ? DG_TILE_WIDTH : DG_VECTOR;
}

/** The weights of a gate's pair, of the vector of units from `unit` on. */
static float *pair_at(const one_pass *f, size_t unit, size_t gate) {
  const dg_recurrent_plan *plan = f->pass.plan;
  return f->packed.w + (unit * plan->gates + gate / 2 * DG_TILE_WIDTH) * f->pass.desc->in;
}

/** Packs the units of a vector, `apart` floats per row, as many of them as exist. */
static void pack_vector(const float *weight, size_t columns, size_t units, size_t apart,
                        float *to) {
  for (size_t k = 0; units < DG_VECTOR && k < columns; k++)
    memset(to + k * apart, 0, DG_VECTOR * sizeof *to);
  dg_transpose(units, columns, weight, columns, to, apart);
}

static void pack_slot(const one_pass *f, size_t slot, dg_span own) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  dg_buffer *const *params = f->pass.buffers->param;
  size_t first = dg_recurrent_gate(plan, slot) * d->hidden, in_state = state_slots(d, plan);
  const float *w = dg_recurrent_param(&f->pass, params, DG_RECURRENT_W) + first * d->in;
  const float *u = dg_recurrent_param(&f->pass, params, DG_RECURRENT_U) + first * d->hidden;
  for (size_t c = own.begin; c < own.end; c += DG_VECTOR) {
    size_t units = smaller(d->hidden - c, DG_VECTOR), gate = slot - plan->first_x;
    if (slot >= plan->first_x)
      pack_vector(w + c * d->in, d->in, units, pair_width(plan, gate),
                  pair_at(f, c, gate) + gate % 2 * DG_VECTOR);
    if (slot < in_state)
      pack_vector(u + c * d->hidden, d->hidden, units, in_state * DG_VECTOR,
                  f->packed.u + c * in_state * d->hidden + slot * DG_VECTOR);
    else if (slot < plan->gates)
      pack_vector(u + c * d->hidden, d->hidden, units, DG_VECTOR,
                  f->packed.u_reset + c * d->hidden);
  }
  dg_recurrent_sum_biases(&f->pass, slot, own, f->packed.bias + slot * plan->units);
}

/* ---- before the steps --------------------------------------------------- */

/** Sets the sums of some steps and units to W x, or to 0 if there is no part of x. */
static void multiply_input(const one_rank *r, size_t row, size_t rows, size_t unit) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  const dg_recurrent_plan *plan = r->all->pass.plan;
  size_t in = r->all->pass.desc->in, slot = count(r->own), apart = plan->slots * slot;
  const float *x = dg_floats(r->all->pass.buffers->in[0]) + row * in;
  float *to = r->sums + row * apart + unit - r->own.begin;
  for (size_t j = 0; j < rows && plan->first_x; j++)
    memset(to + j * apart, 0, DG_VECTOR * sizeof *to);
  for (size_t gate = 0; gate < plan->gates; gate += 2) {
    size_t width = pair_width(plan, gate);
    float *put = to + (plan->first_x + gate) * slot;
    dg_micro_kernel(rows, width, in, x, in, pair_at(r->all, unit, gate), tile, DG_TILE_WIDTH);
    dg_store_rows(false, rows, DG_VECTOR, tile, put, apart);
    if (width > DG_VECTOR)
      dg_store_rows(false, rows, DG_VECTOR, tile + DG_VECTOR, put + slot, apart);
  }
}

static void prepare(const void *context, size_t rank) {
  const one_pass *f = context;
  const one_rank r = rank_at(f, rank);
  size_t all = f->pass.desc->steps, rows;
  for (size_t slot = 0; slot < f->pass.plan->slots && f->pack; slot++) pack_slot(f, slot, r.own);
  for (size_t row = 0; row < all; row += rows) {
    rows = dg_tile_height(all - row);
    for (size_t c = r.own.begin; c < r.own.end; c += DG_VECTOR) multiply_input(&r, row, rows, c);
  }
  memset(r.array[STATE], 0, count(r.own) * sizeof(float));
}

/* ---- steps -------------------------------------------------------------- */

/** A product with the results of all ranks in the previous stage, and the part of a cell that
    follows it. */
typedef struct {
  size_t index, k;     /**< number of the stage, and of the step */
  size_t reads, makes; /**< arrays */
  size_t slot, slots;  /**< of the sums: the first one, and their number */
  const float *u;      /**< packed */
} one_stage;

static one_stage stage_at(const one_pass *f, size_t index) {
  const dg_recurrent_desc *d = f->pass.desc;
  size_t slots = state_slots(d, f->pass.plan), stages = stages_of_step(d), k = index / stages;
  if (stages == 1) return (one_stage){index, k, STATE, STATE, 0, slots, f->packed.u};
  if (index % stages == 0) return (one_stage){index, k, STATE, RESET, 0, slots, f->packed.u};
  return (one_stage){index, k, RESET, STATE, slots, 1, f->packed.u_reset};
}

static float *sums_at(const one_rank *r, size_t k, size_t slot) {
  const dg_recurrent_pass *pass = &r->all->pass;
  return r->sums + (dg_recurrent_time(pass, k) * pass->plan->slots + slot) * count(r->own);
}

/** Adds the part of some units, given their numbers, to the sums. */
static void multiply(const one_rank *r, const one_stage *stage, dg_span units, const float *x) {
  size_t hidden = r->all->pass.desc->hidden;
  const float *u = stage->u + stage->slots * (r->own.begin * hidden + units.begin * DG_VECTOR);
  dg_gemv_packed(stage->slots, count(r->own) / DG_VECTOR, smaller(units.end, hidden) - units.begin,
                 x, u, stage->slots * DG_VECTOR * hidden, sums_at(r, stage->k, stage->slot),
                 count(r->own));
}

/** Runs the rank's units in a stage, and passes the results to the others. The initial state is
    0. */
static void run_cell(const one_rank *r, const one_stage *stage) {
  const dg_recurrent_pass *pass = &r->all->pass;
  size_t own = count(r->own), begin = r->own.begin, k = stage->k;
  float *made = r->array[stage->makes], *c = r->array[C];
  dg_cell_step cell = {
      .desc = pass->desc, .units = own, .n = 1, .h = r->array[STATE], .reset = r->array[RESET]};
  for (size_t slot = 0; slot < pass->plan->slots; slot++) {
    cell.slot[slot] = sums_at(r, k, slot);
    cell.bias[slot] = r->all->packed.bias + slot * pass->plan->units + begin;
  }
  if (cell.desc->cell == DG_CELL_LSTM) cell.state = c, cell.c = k > 0 ? c : NULL;
  (stage->makes == RESET ? dg_cell_reset : dg_cell_forward)(&cell);
  if (r->all->ranks > 1) memcpy(r->box[stage->index % BOXES], made, own * sizeof *made);
  float *out = dg_recurrent_place(pass, dg_floats(pass->buffers->out[0]), 0, k);
  size_t end = smaller(r->own.end, pass->desc->hidden);
  if (out && stage->makes == STATE) memcpy(out + begin, made, (end - begin) * sizeof *out);
}

/** Products with the rank's own results come first, while the others compute theirs. */
static void run_stage(const void *context, const dg_team_pass *pass, size_t rank, size_t index) {
  const one_pass *f = context;
  const one_rank r = rank_at(f, rank);
  one_stage stage = stage_at(f, index);
  if (stage.k > 0) multiply(&r, &stage, r.own, r.array[stage.reads]);
  for (size_t other = 0; other < f->ranks && stage.k > 0; other++) {
    if (other == rank) continue;
    const one_rank from = rank_at(f, other);
    dg_team_await(pass, other, index - 1);
    multiply(&r, &stage, from.own, from.box[(index - 1) % BOXES]);
  }
  run_cell(&r, &stage);
}

void dg_recurrent_one_forward(const dg_recurrent_pass *pass, dg_team *team, bool pack,
                              float *packed, float *workspace) {
  const one_pass f = pass_of(pass, pack, packed, workspace);
  const dg_team_work work = {f.ranks, pass->desc->steps * stages_of_step(pass->desc), prepare,
                             run_stage};
  dg_team_run(pass->op->device, team, &work, &f, sizeof f);
}
