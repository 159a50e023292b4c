/**
 * Functions of two tensors. The dimensions in front that both inputs have, and the samples, are
 * cut into units, which need nothing of each other; a unit consists of rows.
 */
#include <string.h>

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Numbers of a row that are processed at a time in backward. */
enum { BLOCK = 256 };

/* ---- rows --------------------------------------------------------------- */

/** Numbers of a row, or one number for all of it. */
typedef struct {
  const float *x;
  bool one;
} operand;

typedef dg_vector pair_function(dg_vector a, dg_vector b);

static inline dg_vector sum(dg_vector a, dg_vector b) {
  return a + b;
}

static inline dg_vector difference(dg_vector a, dg_vector b) {
  return a - b;
}

static inline dg_vector product(dg_vector a, dg_vector b) {
  return a * b;
}

static inline dg_vector quotient(dg_vector a, dg_vector b) {
  return a / b;
}

static inline dg_vector load(operand from, size_t i, size_t count) {
  dg_vector v = {0};
  if (from.one) return *from.x - v;
  memcpy(&v, from.x + i, count * sizeof(float));
  return v;
}

/** y[i] = f(a[i], b[i]) */
static inline __attribute__((always_inline)) void map(size_t count, operand a, operand b, float *y,
                                                      pair_function *f) {
  size_t i = 0;
  for (; i + DG_VECTOR <= count; i += DG_VECTOR)
    *(dg_vector *)(y + i) = f(load(a, i, DG_VECTOR), load(b, i, DG_VECTOR));
  if (i == count) return;
  const dg_vector last = f(load(a, i, count - i), load(b, i, count - i));
  memcpy(y + i, &last, (count - i) * sizeof *y);
}

/** The same as a loop for each kind of operands. */
static inline __attribute__((always_inline)) void map_rows(size_t count, operand a, operand b,
                                                           float *y, pair_function *f) {
  if (a.one)
    map(count, (operand){a.x, true}, (operand){b.x, b.one}, y, f);
  else if (b.one)
    map(count, (operand){a.x, false}, (operand){b.x, true}, y, f);
  else
    map(count, (operand){a.x, false}, (operand){b.x, false}, y, f);
}

static void run_row(dg_binary_kind kind, size_t count, operand a, operand b, float *y) {
  if (kind == DG_BINARY_ADD)
    map_rows(count, a, b, y, sum);
  else if (kind == DG_BINARY_SUBTRACT)
    map_rows(count, a, b, y, difference);
  else if (kind == DG_BINARY_MULTIPLY)
    map_rows(count, a, b, y, product);
  else
    map_rows(count, a, b, y, quotient);
}

/** What a part of a row adds to the gradient of input `k`; g: the gradient of the output. */
static void run_gradient(dg_binary_kind kind, uint32_t k, size_t count, const float *g, operand a,
                         operand b, float *y) {
  static const float zero = 0;
  const operand gradient = {g, false}, so_far = {y, false};
  if (kind == DG_BINARY_MULTIPLY) {
    run_row(DG_BINARY_MULTIPLY, count, gradient, k ? a : b, y);
  } else if (kind == DG_BINARY_DIVIDE && k == 0) {
    run_row(DG_BINARY_DIVIDE, count, gradient, b, y);
  } else if (kind == DG_BINARY_DIVIDE) {
    run_row(DG_BINARY_DIVIDE, count, a, b, y);
    run_row(DG_BINARY_DIVIDE, count, so_far, b, y);
    run_row(DG_BINARY_MULTIPLY, count, gradient, so_far, y);
    run_row(DG_BINARY_SUBTRACT, count, (operand){&zero, true}, so_far, y);
  } else if (k && kind == DG_BINARY_SUBTRACT) {
    run_row(DG_BINARY_SUBTRACT, count, (operand){&zero, true}, gradient, y);
  } else {
    memcpy(y, g, count * sizeof *y);
  }
}

/* ---- units -------------------------------------------------------------- */

/** An op in units: of each, all dimensions that both inputs have in front are taken as 1. */
typedef struct {
  dg_binary_desc unit;
  size_t units;      /**< of a sample */
  size_t in[2], out; /**< numbers of a unit */
} plan;

static size_t volume(const uint32_t dim[3]) {
  return (size_t)dim[0] * dim[1] * dim[2];
}

static plan plan_of(const dg_cpu_op *op) {
  plan p = {.unit = dg_binary_joined(&op->desc.binary), .units = 1};
  for (uint32_t i = 0; i < 2; i++) {
    if (p.unit.dim[0][i] != p.unit.dim[1][i]) break;
    p.units *= p.unit.dim[0][i];
    p.unit.dim[0][i] = p.unit.dim[1][i] = 1;
  }
  for (uint32_t k = 0; k < 2; k++) p.in[k] = volume(p.unit.dim[k]);
  p.out = (size_t)dg_binary_out(&p.unit, 0) * dg_binary_out(&p.unit, 1) * dg_binary_out(&p.unit, 2);
  return p;
}

/** The part of a unit's row (i, j), from column `column` on, that input `k` [unit's numbers] has.
 */
static operand operand_of(const dg_binary_desc *u, uint32_t k, const float *x, size_t i, size_t j,
                          size_t column) {
  const uint32_t *dim = u->dim[k];
  const size_t row = (dim[0] > 1 ? i : 0) * dim[1] + (dim[1] > 1 ? j : 0);
  const bool one = !dg_binary_has(u, k, 2);
  return (operand){x + row * dim[2] + (one ? 0 : column), one};
}

static void forward_unit(const dg_binary_desc *u, const float *a, const float *b, float *y) {
  const size_t width = dg_binary_out(u, 2);
  for (size_t i = 0; i < dg_binary_out(u, 0); i++)
    for (size_t j = 0; j < dg_binary_out(u, 1); j++, y += width)
      run_row(u->kind, width, operand_of(u, 0, a, i, j, 0), operand_of(u, 1, b, i, j, 0), y);
}

/** A unit in backward. */
typedef struct {
  dg_binary_desc unit;
  const float *g, *a, *b;
} gradients;

/** The rows of the output that read a row of input `k`: of each of the first two dimensions the
    first one, and the one after the last. */
typedef struct {
  size_t begin[2], end[2];
} readers;

static readers readers_of(const dg_binary_desc *u, uint32_t k, size_t i, size_t j) {
  readers r = {{i, j}, {i + 1, j + 1}};
  for (uint32_t dim = 0; dim < 2; dim++)
    if (!dg_binary_has(u, k, dim)) r.end[dim] = dg_binary_out(u, dim);
  return r;
}

/** Part of a row of the output, its gradient of input `k`. */
static void gradient_of(const gradients *t, uint32_t k, size_t i, size_t j, size_t column,
                        size_t count, float *to) {
  const dg_binary_desc *u = &t->unit;
  const size_t at = (i * dg_binary_out(u, 1) + j) * dg_binary_out(u, 2) + column;
  run_gradient(u->kind, k, count, t->g + at, operand_of(u, 0, t->a, i, j, column),
               operand_of(u, 1, t->b, i, j, column), to);
}

/** A row of the gradient of an input that isn't repeated along it. */
static void whole_row(const gradients *t, uint32_t k, const readers *r, dg_grad_mode mode,
                      float *dx) {
  const size_t width = dg_binary_out(&t->unit, 2);
  const bool single = r->end[0] - r->begin[0] == 1 && r->end[1] - r->begin[1] == 1;
  float part[BLOCK], total[BLOCK];
  if (single && mode == DG_GRAD_WRITE) {
    gradient_of(t, k, r->begin[0], r->begin[1], 0, width, dx);
    return;
  }
  for (size_t c = 0; c < width; c += BLOCK) {
    const size_t count = width - c < BLOCK ? width - c : BLOCK;
    gradient_of(t, k, r->begin[0], r->begin[1], c, count, total);
    for (size_t i = r->begin[0]; i < r->end[0]; i++)
      for (size_t j = r->begin[1]; j < r->end[1]; j++) {
        if (i == r->begin[0] && j == r->begin[1]) continue;
        gradient_of(t, k, i, j, c, count, part);
        dg_grad_store(DG_GRAD_ADD, count, part, total);
      }
    dg_grad_store(mode, count, total, dx + c);
  }
}

/** The gradient of a number that is repeated along a row: a sum in lanes. */
static float row_sum(const gradients *t, uint32_t k, const readers *r) {
  const size_t width = dg_binary_out(&t->unit, 2);
  dg_vector lanes = {0};
  float part[BLOCK], total = 0;
  for (size_t i = r->begin[0]; i < r->end[0]; i++)
    for (size_t j = r->begin[1]; j < r->end[1]; j++)
      for (size_t c = 0; c < width; c += BLOCK) {
        const size_t count = width - c < BLOCK ? width - c : BLOCK;
        gradient_of(t, k, i, j, c, count, part);
        size_t v = 0;
        for (; v + DG_VECTOR <= count; v += DG_VECTOR) lanes += *(const dg_vector *)(part + v);
        for (; v < count; v++) total += part[v];
      }
  for (size_t v = 0; v < DG_VECTOR; v++) total += lanes[v];
  return total;
}

static void backward_unit(const gradients *t, uint32_t k, dg_grad_mode mode, float *dx) {
  const dg_binary_desc *u = &t->unit;
  const uint32_t *dim = u->dim[k];
  for (size_t i = 0; i < dim[0]; i++)
    for (size_t j = 0; j < dim[1]; j++, dx += dim[2]) {
      const readers r = readers_of(u, k, i, j);
      if (dg_binary_has(u, k, 2)) {
        whole_row(t, k, &r, mode, dx);
      } else {
        const float total = row_sum(t, k, &r);
        dg_grad_store(mode, 1, &total, dx);
      }
    }
}

/* ---- the op ------------------------------------------------------------- */

static bool supports(const dg_op_desc *desc) {
  return dg_binary_agrees(&desc->binary);
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = op->desc.binary.kind >= DG_BINARY_MULTIPLY;
  return true;
}

static dg_span units_of(const plan *p, const dg_cpu_region *region, size_t piece) {
  return dg_cpu_part(region->step->n * p->units, region->pieces, piece);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                size_t operations, dg_piece piece) {
  const plan p = plan_of(op);
  const size_t units = step->n * p.units;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(units, operations * units * p.out), piece);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const plan p = plan_of(region->op);
  const dg_span part = units_of(&p, region, piece);
  const float *a = dg_floats(region->buffers->in[0]), *b = dg_floats(region->buffers->in[1]);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++)
    forward_unit(&p.unit, a + i * p.in[0], b + i * p.in[1],
                 dg_floats(region->buffers->out[0]) + i * p.out);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  run(op, buffers, step, 1, forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const plan p = plan_of(region->op);
  const dg_span part = units_of(&p, region, piece);
  const bool reads = p.unit.kind >= DG_BINARY_MULTIPLY;
  const float *a = reads ? dg_floats(region->buffers->in[0]) : NULL,
              *b = reads ? dg_floats(region->buffers->in[1]) : NULL;
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++) {
    gradients t = {.unit = p.unit, .g = dg_floats(region->buffers->d_out) + i * p.out};
    if (reads) t.a = a + i * p.in[0], t.b = b + i * p.in[1];
    for (uint32_t k = 0; k < 2; k++) {
      const dg_grad_mode mode = region->op->desc.d_in[k];
      if (mode == DG_GRAD_NONE) continue;
      backward_unit(&t, k, mode, dg_floats(region->buffers->d_in[k]) + i * p.in[k]);
    }
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  run(op, buffers, step, 2, backward_piece);
}

static const dg_cpu_implementation forward_by_units = {"units", NULL, NULL, forward},
                                   backward_by_units = {"units", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_binary) = {
    supports, {&forward_by_units}, {&backward_by_units}};
