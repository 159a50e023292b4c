#include "backends/cpu/recurrent/recurrent_one.h"

#include <string.h>

#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/row.h"
#include "backends/cpu/recurrent/recurrent_cell.h"

enum {
  /** Units are shared by whole cache lines. */
  LINE = DG_CPU_ALIGNMENT / sizeof(float),
  /** What a rank must have to be worth waiting for: lines, and vectors of products in a stage. */
  LINES = 4,
  PRODUCTS = 512,
  /** What a rank makes goes into two boxes in turns: the others have read what lies in one when it
      has seen what they made of it. */
  BOXES = 2,
};

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Of a step: the state; and before it r h, where it has a product of its own. */
static size_t stages_of_step(const dg_recurrent_desc *d) {
  return dg_recurrent_resets(d) ? 2 : 1;
}

static size_t lines_of(const dg_recurrent_plan *plan) {
  return (plan->units + LINE - 1) / LINE;
}

size_t dg_recurrent_one_ranks(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  size_t products = plan->gates * (plan->units / DG_VECTOR) * d->hidden / stages_of_step(d);
  size_t ranks = smaller(smaller(products / PRODUCTS, lines_of(plan) / LINES), DG_GANG_RANKS);
  return ranks > 1 ? ranks : 1;
}

static size_t count(dg_span span) {
  return span.end - span.begin;
}

/* ---- memory ------------------------------------------------------------- */

/** Slots whose U is multiplied with the state, before a reset that comes first. */
static size_t state_slots(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return dg_recurrent_resets(d) ? plan->gates - 1 : plan->gates;
}

size_t dg_recurrent_one_packed(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return dg_round_up((plan->gates * (d->in + d->hidden) + plan->slots) * plan->units);
}

/** The packed parameters of a direction. */
typedef struct {
  float *u;       /**< [vectors][hidden][state slots][DG_VECTOR] */
  float *u_reset; /**< [vectors][hidden][DG_VECTOR]: of the slot that is multiplied with r h */
  float *w;       /**< [vectors], pairs of gates: [in][2][DG_VECTOR], one gate alone the last */
  float *bias;    /**< [slots][units] */
} packing;

static packing packing_at(const dg_recurrent_desc *d, const dg_recurrent_plan *plan, float *at) {
  packing p = {.u = at};
  p.u_reset = p.u + state_slots(d, plan) * d->hidden * plan->units;
  p.w = at + plan->gates * d->hidden * plan->units;
  p.bias = p.w + plan->gates * d->in * plan->units;
  return p;
}

/** Floats of workspace that begin before the memory of a rank, whose units begin at `begin`. */
static size_t rank_offset(const dg_recurrent_desc *d, const dg_recurrent_plan *plan, size_t rank,
                          size_t begin) {
  return rank * (BOXES + 1) * DG_GANG_APART + (d->steps * plan->slots + 1 + BOXES) * begin;
}

size_t dg_recurrent_one_workspace(const dg_recurrent_desc *d, const dg_recurrent_plan *plan) {
  return rank_offset(d, plan, dg_recurrent_one_ranks(d, plan), plan->units);
}

/** A forward pass. */
typedef struct {
  dg_recurrent_pass pass;
  bool pack;
  packing packed;
  float *memory; /**< of the ranks */
  size_t ranks;
  uint32_t first[DG_GANG_RANKS + 1]; /**< unit of each, and the end */
} one_pass;

static one_pass pass_of(const dg_recurrent_pass *pass, bool pack, float *packed, float *workspace) {
  const dg_recurrent_plan *plan = pass->plan;
  one_pass f = {*pass, pack, packing_at(pass->desc, plan, packed), workspace, 0, {0}};
  f.ranks = dg_recurrent_one_ranks(pass->desc, plan);
  for (size_t i = 0; i <= f.ranks; i++)
    f.first[i] = (uint32_t)smaller(lines_of(plan) * i / f.ranks * LINE, plan->units);
  return f;
}

/** A rank's part of it. */
typedef struct {
  const one_pass *all;
  dg_span own; /**< units */
  float *sums; /**< [steps][slots][own units] */
  float *c;    /**< LSTM: [own units] */
  float *box[BOXES];
} one_rank;

static one_rank rank_at(const one_pass *f, size_t rank) {
  const dg_recurrent_desc *d = f->pass.desc;
  const dg_recurrent_plan *plan = f->pass.plan;
  one_rank r = {.all = f, .own = {f->first[rank], f->first[rank + 1]}};
  r.sums = f->memory + rank_offset(d, plan, rank, r.own.begin);
  r.c = r.sums + d->steps * plan->slots * count(r.own);
  for (size_t i = 0; i < BOXES; i++) r.box[i] = r.c + (i + 1) * (count(r.own) + DG_GANG_APART);
  return r;
}

/* ---- packing ------------------------------------------------------------ */

/** Gates in the order of the slots are multiplied with x by pairs. */
static size_t pair_width(const dg_recurrent_plan *plan, size_t gate) {
  return gate / 2 * 2 + 1 < plan->gates ? DG_TILE_WIDTH : DG_VECTOR;
}

/** The weights of a gate's pair, of the vector of units from `unit` on. */
static float *pair_at(const one_pass *f, size_t unit, size_t gate) {
  const dg_recurrent_plan *plan = f->pass.plan;
  return f->packed.w + (unit * plan->gates + gate / 2 * DG_TILE_WIDTH) * f->pass.desc->in;
}

/** Packs the units of a vector, in `apart` floats a row, as many of them as there are. */
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
  dg_recurrent_put_biases(&f->pass, slot, own, f->packed.bias + slot * plan->units);
}

/* ---- before the steps --------------------------------------------------- */

/** The sums of some steps and units become W x, or 0 where there is no part of x. */
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
    dg_tile_strided(rows, width, in, x, in, pair_at(r->all, unit, gate), tile, DG_TILE_WIDTH);
    dg_put_rows(false, rows, DG_VECTOR, tile, put, apart);
    if (width > DG_VECTOR) dg_put_rows(false, rows, DG_VECTOR, tile + DG_VECTOR, put + slot, apart);
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
}

/* ---- steps -------------------------------------------------------------- */

/** A product with what all ranks made in the stage before, and what of a cell follows it. */
typedef struct {
  size_t index, k;    /**< of the stages, of the steps */
  size_t slot, slots; /**< of the sums */
  const float *u;     /**< packed */
  bool resets;        /**< makes r h, not the state */
} one_stage;

static one_stage stage_at(const one_pass *f, size_t index) {
  const dg_recurrent_desc *d = f->pass.desc;
  size_t slots = state_slots(d, f->pass.plan), stages = stages_of_step(d);
  if (index % stages) return (one_stage){index, index / stages, slots, 1, f->packed.u_reset, false};
  return (one_stage){index, index / stages, 0, slots, f->packed.u, stages > 1};
}

/** Where a rank puts what it makes in a stage. */
static float *box_at(const one_rank *r, size_t stage) {
  return r->box[stage % BOXES];
}

static float *sums_at(const one_rank *r, size_t k, size_t slot) {
  const dg_recurrent_pass *pass = &r->all->pass;
  return r->sums + (dg_recurrent_time(pass, k) * pass->plan->slots + slot) * count(r->own);
}

/** Adds to the sums the part that a rank made of what is multiplied. */
static void multiply(const one_rank *r, const one_stage *stage, const one_rank *made) {
  size_t hidden = r->all->pass.desc->hidden, begin = made->own.begin;
  const float *u = stage->u + stage->slots * (r->own.begin * hidden + begin * DG_VECTOR);
  dg_row_add(stage->slots, count(r->own) / DG_VECTOR, smaller(made->own.end, hidden) - begin,
             box_at(made, stage->index - 1), u, stage->slots * DG_VECTOR * hidden,
             sums_at(r, stage->k, stage->slot), count(r->own));
}

/** The rank's units in a stage. The state before the first is 0. */
static void run_cell(const one_rank *r, const one_stage *stage) {
  const dg_recurrent_pass *pass = &r->all->pass;
  const dg_recurrent_desc *d = pass->desc;
  size_t own = count(r->own), begin = r->own.begin;
  float *h = box_at(r, stage->k * stages_of_step(d) + BOXES - 1);
  dg_cell_step cell = {.desc = d, .units = own, .n = 1, .h = h};
  for (size_t slot = 0; slot < pass->plan->slots; slot++) {
    cell.slot[slot] = sums_at(r, stage->k, slot);
    cell.bias[slot] = r->all->packed.bias + slot * pass->plan->units + begin;
  }
  if (d->cell == DG_CELL_LSTM) cell.state = r->c, cell.c = stage->k > 0 ? r->c : NULL;
  if (stage->k == 0) memset(h, 0, own * sizeof *h);
  if (stage->resets) {
    cell.reset = box_at(r, stage->index);
    dg_cell_reset(&cell);
    return;
  }
  cell.h = box_at(r, stage->index);
  if (cell.h != h) memcpy(cell.h, h, own * sizeof *h);
  dg_cell_forward(&cell);
  float *out = dg_recurrent_place(pass, dg_floats(pass->buffers->out[0]), 0, stage->k);
  if (out) memcpy(out + begin, cell.h, (smaller(r->own.end, d->hidden) - begin) * sizeof *out);
}

/** Products with what the rank has made itself come first, while the others make theirs. */
static void run_stage(const void *context, const dg_gang_turn *turn, size_t rank, size_t index) {
  const one_pass *f = context;
  const one_rank r = rank_at(f, rank);
  one_stage stage = stage_at(f, index);
  if (stage.k > 0) multiply(&r, &stage, &r);
  for (size_t other = 0; other < f->ranks && stage.k > 0; other++) {
    if (other == rank) continue;
    const one_rank made = rank_at(f, other);
    dg_gang_await(turn, other, index - 1);
    multiply(&r, &stage, &made);
  }
  run_cell(&r, &stage);
}

void dg_recurrent_one_forward(const dg_recurrent_pass *pass, dg_gang *gang, bool pack,
                              float *packed, float *workspace) {
  const one_pass f = pass_of(pass, pack, packed, workspace);
  const dg_gang_work work = {f.ranks, pass->desc->steps * stages_of_step(pass->desc), prepare,
                             run_stage};
  dg_gang_run(pass->op->device, gang, &work, &f, sizeof f);
}
