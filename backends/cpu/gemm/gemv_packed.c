#include "backends/cpu/gemm/gemv_packed.h"

#include "backends/cpu/gemm/micro_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/** Terms that are summed separately before they are added to the sum. */
enum { CHUNK = 256 };

/** The operands of a product; see dg_gemv_packed. */
typedef struct {
  size_t depth;
  const float *row, *packed;
  size_t packed_apart;
  float *sums;
  size_t sums_apart;
} operands;

/** sum[m][v] += the terms of one k. */
INLINE void add_terms(const operands *o, const int matrices, const int vectors, size_t k,
                      dg_vector sum[DG_GEMV_SUMS]) {
  dg_vector factor = o->row[k] - (dg_vector){0};
  UNROLL for (int v = 0; v < vectors; v++) {
    const float *at = o->packed + (size_t)v * o->packed_apart + k * matrices * DG_VECTOR;
    UNROLL for (int m = 0; m < matrices; m++) {
      sum[v * matrices + m] += factor * *(const dg_vector *)(at + m * DG_VECTOR);
    }
  }
}

/** Some vectors of all matrices; term k is added to sum k % chains. */
INLINE void add_vectors(const operands *o, const int matrices, const int vectors) {
  const int sums = matrices * vectors, chains = DG_GEMV_SUMS / sums;
  for (size_t from = 0; from < o->depth; from += CHUNK) {
    size_t to = o->depth - from < CHUNK ? o->depth : from + CHUNK, k = from;
    dg_vector sum[DG_GEMV_SUMS][DG_GEMV_SUMS] = {0};
    for (; k + (size_t)chains <= to; k += (size_t)chains) {
      UNROLL for (int c = 0; c < chains; c++) add_terms(o, matrices, vectors, k + c, sum[c]);
    }
    for (; k < to; k++) add_terms(o, matrices, vectors, k, sum[0]);
    UNROLL for (int i = 0; i < sums; i++) {
      UNROLL for (int c = 1; c < chains; c++) sum[0][i] += sum[c][i];
      float *at = o->sums + (size_t)(i % matrices) * o->sums_apart + i / matrices * DG_VECTOR;
      *(dg_vector *)at += sum[0][i];
    }
  }
}

/** Blocks of `block` vectors, as long as enough are left and their sums fit; returns the rest. */
INLINE size_t add_blocks(operands *o, const int matrices, const int block, size_t vectors) {
  if (block * matrices > DG_GEMV_SUMS) return vectors;
  for (; vectors >= (size_t)block; vectors -= (size_t)block) {
    add_vectors(o, matrices, block);
    o->packed += (size_t)block * o->packed_apart;
    o->sums += block * DG_VECTOR;
  }
  return vectors;
}

INLINE void add_matrices(operands o, const int matrices, size_t vectors) {
  vectors = add_blocks(&o, matrices, 8, vectors);
  vectors = add_blocks(&o, matrices, 4, vectors);
  vectors = add_blocks(&o, matrices, 2, vectors);
  add_blocks(&o, matrices, 1, vectors);
}

void dg_gemv_packed(size_t matrices, size_t vectors, size_t depth, const float *row,
                    const float *packed, size_t packed_apart, float *sums, size_t sums_apart) {
  operands o = {depth, row, packed, packed_apart, sums, sums_apart};
  switch (matrices) {
  case 1:
    add_matrices(o, 1, vectors);
    break;
  case 2:
    add_matrices(o, 2, vectors);
    break;
  case 3:
    add_matrices(o, 3, vectors);
    break;
  case DG_GEMV_MATRICES:
    add_matrices(o, 4, vectors);
    break;
  }
}
