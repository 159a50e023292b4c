/**
 * The innermost dimension of what is written is either also innermost in what is read, and rows are
 * copied; or another one is, and blocks of these two dimensions are transposed.
 */
#include <string.h>

#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Sides of the blocks that are transposed: both of a block fit the first cache. */
enum { BLOCK = 48 };

/** A walk in units of work: rows of the innermost dimension, or blocks of two dimensions. */
typedef struct {
  dg_permute_walk walk;
  uint32_t side;                /**< the dimension that is innermost in what is read */
  uint32_t rest;                /**< the dimensions before the innermost one, but for `side` */
  uint32_t of[DG_PERMUTE_RANK]; /**< which these are */
  size_t across, down;          /**< blocks of the innermost dimension and of `side` */
  size_t units;                 /**< of a sample */
  size_t numbers;               /**< of a sample */
} plan;

static size_t parts(size_t count, size_t size) {
  return (count + size - 1) / size;
}

static plan plan_of(const dg_permute_desc *d, bool undo) {
  plan p = {.walk = dg_permute_walk_of(d, undo), .across = 1, .down = 1, .numbers = 1};
  const dg_permute_walk *w = &p.walk;
  const uint32_t last = w->rank - 1;
  for (uint32_t k = 0; k < w->rank; k++) {
    p.numbers *= w->count[k];
    if (w->from[k] == 1) p.side = k;
  }
  p.units = 1;
  for (uint32_t k = 0; k < last; k++)
    if (k != p.side) p.of[p.rest++] = k, p.units *= w->count[k];
  if (p.side == last) return p;
  p.across = parts(w->count[last], BLOCK), p.down = parts(w->count[p.side], BLOCK);
  p.units *= p.across * p.down;
  return p;
}

static bool supports(const dg_op_desc *desc) {
  return dg_op_sizes_of(desc).out[0] > 0;
}

/** Where a unit begins: offsets in what is read and in what is written. */
typedef struct {
  size_t from, to;
} place;

static place place_of(const plan *p, size_t unit) {
  place at = {0, 0};
  for (uint32_t i = p->rest; i-- > 0; unit /= p->walk.count[p->of[i]]) {
    const size_t index = unit % p->walk.count[p->of[i]];
    at.from += index * p->walk.from[p->of[i]];
    at.to += index * p->walk.to[p->of[i]];
  }
  return at;
}

static void store(bool add, size_t count, const float *from, float *to) {
  if (!add)
    memcpy(to, from, count * sizeof *to);
  else
    dg_grad_store(DG_GRAD_ADD, count, from, to);
}

/** Transposes rows of what is read to rows of what is written. */
static void run_block(const dg_permute_walk *w, uint32_t side, bool add, dg_span across,
                      dg_span down, const float *from, float *to) {
  float block[BLOCK * BLOCK];
  const uint32_t last = w->rank - 1;
  const size_t rows = across.end - across.begin, columns = down.end - down.begin;
  from += across.begin * w->from[last] + down.begin;
  to += down.begin * w->to[side] + across.begin;
  if (!add) {
    dg_transpose(rows, columns, from, w->from[last], to, w->to[side]);
    return;
  }
  dg_transpose(rows, columns, from, w->from[last], block, BLOCK);
  for (size_t c = 0; c < columns; c++)
    dg_grad_store(DG_GRAD_ADD, rows, block + c * BLOCK, to + c * w->to[side]);
}

static void run_unit(const plan *p, bool add, size_t unit, const float *from, float *to) {
  const dg_permute_walk *w = &p->walk;
  const uint32_t last = w->rank - 1;
  const size_t blocks = p->across * p->down;
  const place at = place_of(p, unit / blocks);
  if (p->side == last) {
    store(add, w->count[last], from + at.from, to + at.to);
    return;
  }
  const size_t across = unit % p->across, down = unit / p->across % p->down;
  run_block(w, p->side, add, dg_cpu_part(w->count[last], p->across, across),
            dg_cpu_part(w->count[p->side], p->down, down), from + at.from, to + at.to);
}

static void run_units(const dg_cpu_region *region, bool undo, size_t piece) {
  const plan p = plan_of(&region->op->desc.permute, undo);
  const bool add = undo && region->op->desc.d_in[0] == DG_GRAD_ADD;
  const float *from = dg_floats(undo ? region->buffers->d_out : region->buffers->in[0]);
  float *to = dg_floats(undo ? region->buffers->d_in[0] : region->buffers->out[0]);
  const dg_span units = dg_cpu_part(region->step->n * p.units, region->pieces, piece);
  for (size_t u = units.begin; u < units.end; u++) {
    const size_t first = u / p.units * p.numbers;
    run_unit(&p, add, u % p.units, from + first, to + first);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  (void)worker;
  run_units(context, false, piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  (void)worker;
  run_units(context, true, piece);
}

static size_t pieces_of(const dg_cpu_op *op, const dg_step *step, bool undo) {
  const plan p = plan_of(&op->desc.permute, undo);
  return dg_cpu_pieces(step->n * p.units, 2 * step->n * p.numbers);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step, false), forward_piece);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step, true), backward_piece);
}

static const dg_cpu_implementation forward_by_blocks = {"blocks", NULL, NULL, forward},
                                   backward_by_blocks = {"blocks", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_permute) = {
    supports, {&forward_by_blocks}, {&backward_by_blocks}};
