#include "backends/cpu/runtime/blas.h"

#include <cblas.h>

void dg_blas_set_up(void) {
  openblas_set_num_threads(1);
}

static enum CBLAS_TRANSPOSE side(dg_matrix m) {
  return m.transposed ? CblasTrans : CblasNoTrans;
}

/** The address of row `i`, counted as `m` says. */
static const float *row_at(dg_matrix m, size_t i) {
  return m.data + i * (m.transposed ? 1 : m.row);
}

static const float *column_at(dg_matrix m, size_t j) {
  return m.data + j * (m.transposed ? m.row : 1);
}

/** A product, cut into pieces by rows or by columns. */
typedef struct {
  size_t rows, columns, depth;
  dg_matrix a, b;
  bool add, by_rows;
  float *c;
  size_t c_row, pieces;
} product;

/** The number of pieces for so many rows or columns. OpenBLAS packs the other operand in each, and
    its sums may depend on it: so it depends on the shape only, even with one thread. */
static size_t pieces_of(size_t count) {
  enum { LEAST = 128, MOST = 16 };
  size_t pieces = 1;
  while (pieces < MOST && count >= 2 * pieces * LEAST) pieces *= 2;
  return pieces;
}

static void run_piece(const void *context, size_t piece, size_t worker) {
  enum { GRAIN = 16 };
  (void)worker;
  const product *p = context;
  dg_span all = {0, p->by_rows ? p->columns : p->rows};
  dg_span own = dg_cpu_grains(p->by_rows ? p->rows : p->columns, GRAIN, p->pieces, piece);
  dg_span r = p->by_rows ? own : all, k = p->by_rows ? all : own;
  cblas_sgemm(CblasRowMajor, side(p->a), side(p->b), (int)(r.end - r.begin), (int)(k.end - k.begin),
              (int)p->depth, 1, row_at(p->a, r.begin), (int)p->a.row, column_at(p->b, k.begin),
              (int)p->b.row, p->add ? 1 : 0, p->c + r.begin * p->c_row + k.begin, (int)p->c_row);
}

void dg_blas_multiply(const dg_cpu_device *device, size_t rows, size_t columns, size_t depth,
                      dg_matrix a, dg_matrix b, bool add, float *c, size_t c_row) {
  bool by_rows = rows > columns;
  size_t pieces = pieces_of(by_rows ? rows : columns);
  const product p = {rows, columns, depth, a, b, add, by_rows, c, c_row, pieces};
  dg_cpu_run_pieces(device, pieces, run_piece, &p, sizeof p);
}
