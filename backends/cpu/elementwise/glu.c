#include <string.h>

#include "backends/cpu/elementwise/vector_math.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Numbers of a half row that are processed at a time. */
enum { BLOCK = 256 };

static bool supports(const dg_op_desc *desc) {
  return desc->glu.rows > 0 && desc->glu.count > 0;
}

/** gate[i] = sigmoid(b[i]) for count <= BLOCK; whole vectors are written. */
static void open_gates(size_t count, const float *b, float gate[BLOCK]) {
  memcpy(gate, b, count * sizeof *gate);
  memset(gate + count, 0, (BLOCK - count) % DG_VECTOR * sizeof *gate);
  for (size_t i = 0; i < count; i += DG_VECTOR)
    *(dg_vector *)(gate + i) = dg_sigmoid(*(const dg_vector *)(gate + i));
}

static void forward_block(size_t count, const float *a, const float *b, float *y) {
  float gate[BLOCK];
  open_gates(count, b, gate);
  for (size_t i = 0; i < count; i++) y[i] = a[i] * gate[i];
}

static void backward_block(dg_grad_mode mode, size_t half, size_t count, const float *a,
                           const float *d_y, float *d_a) {
  float gate[BLOCK], d_b[BLOCK];
  open_gates(count, a + half, gate);
  for (size_t i = 0; i < count; i++) {
    d_b[i] = d_y[i] * a[i] * gate[i] * (1 - gate[i]);
    gate[i] *= d_y[i];
  }
  dg_grad_store(mode, count, gate, d_a);
  dg_grad_store(mode, count, d_b, d_a + half);
}

/** Blocks of a row. */
static size_t blocks_of(const dg_cpu_op *op) {
  return ((size_t)op->desc.glu.count + BLOCK - 1) / BLOCK;
}

static void run_piece(const dg_cpu_region *region, size_t piece, bool back) {
  const dg_op_buffers *b = region->buffers;
  const size_t half = region->op->desc.glu.count, blocks = blocks_of(region->op);
  const size_t rows = (size_t)region->step->n * region->op->desc.glu.rows;
  const dg_span units = dg_cpu_part(rows * blocks, region->pieces, piece);
  for (size_t u = units.begin; u < units.end; u++) {
    const size_t first = u % blocks * BLOCK, left = half - first, row = u / blocks;
    const size_t count = left < BLOCK ? left : BLOCK, at = 2 * row * half + first;
    const float *a = dg_floats(b->in[0]) + at;
    if (back)
      backward_block(region->op->desc.d_in[0], half, count, a,
                     dg_floats(b->d_out) + row * half + first, dg_floats(b->d_in[0]) + at);
    else
      forward_block(count, a, a + half, dg_floats(b->out[0]) + row * half + first);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  (void)worker;
  run_piece(context, piece, false);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  (void)worker;
  run_piece(context, piece, true);
}

/** Pieces of both directions; a number costs about as much as ten copies. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  const size_t rows = (size_t)step->n * op->desc.glu.rows;
  return dg_cpu_pieces(rows * blocks_of(op), 10 * rows * op->desc.glu.count);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = true;
  return true;
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_glu) = {supports, {&forward_by_rows}, {&backward_by_rows}};
