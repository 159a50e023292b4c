#include "backends/cpu/runtime/blas.h"

#include <cblas.h>

#include "backends/cpu/runtime/threads.h"

void dg_blas_set_up(void) {
  openblas_set_num_threads(1);
}

static enum CBLAS_TRANSPOSE side(dg_matrix m) {
  return m.transposed ? CblasTrans : CblasNoTrans;
}

/** Where row `i` (of a matrix that counts as `m` says) begins. */
static const float *row_at(dg_matrix m, size_t i) {
  return m.data + i * (m.transposed ? 1 : m.row);
}

static const float *column_at(dg_matrix m, size_t j) {
  return m.data + j * (m.transposed ? m.row : 1);
}

void dg_blas_multiply(const dg_cpu_device *device, size_t rows, size_t columns, size_t depth,
                      dg_matrix a, dg_matrix b, bool add, float *c, size_t c_row) {
  enum { GRAIN = 16 };
  bool by_rows = rows > columns;
#pragma omp parallel num_threads(dg_cpu_threads(device, rows *columns *depth / 8))
  {
    dg_span r = by_rows ? dg_cpu_share(rows, GRAIN) : (dg_span){0, rows};
    dg_span k = by_rows ? (dg_span){0, columns} : dg_cpu_share(columns, GRAIN);
    if (r.begin < r.end && k.begin < k.end)
      cblas_sgemm(CblasRowMajor, side(a), side(b), (int)(r.end - r.begin), (int)(k.end - k.begin),
                  (int)depth, 1, row_at(a, r.begin), (int)a.row, column_at(b, k.begin), (int)b.row,
                  add ? 1 : 0, c + r.begin * c_row + k.begin, (int)c_row);
  }
}
