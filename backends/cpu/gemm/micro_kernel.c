#include "backends/cpu/gemm/micro_kernel.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/** Terms that are summed separately before they are added to the sum. */
enum { CHUNK = 256 };

/** A tile in registers: its sizes are constants wherever it is used. */
typedef struct {
  dg_vector row[DG_TILE_ROWS][2];
} tile;

INLINE void tile_clear(tile *t, int rows, int vectors) {
  UNROLL for (int j = 0; j < rows; j++) {
    UNROLL for (int v = 0; v < vectors; v++) t->row[j][v] = (dg_vector){0};
  }
}

INLINE void tile_store(const tile *t, int rows, int vectors, bool add, float *c, size_t c_row) {
  UNROLL for (int j = 0; j < rows; j++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      dg_vector *to = (dg_vector *)(c + j * c_row + v * DG_VECTOR);
      if (add)
        *to += t->row[j][v];
      else
        *to = t->row[j][v];
    }
  }
}

/** A vector of copies of one number; x - 0 is x for all x. */
INLINE dg_vector broadcast(float x) {
  return x - (dg_vector){0};
}

/** Row j of `t` += factor times a row of the panel. */
INLINE void add_product(tile *t, int j, int vectors, float factor, const float *b) {
  dg_vector factors = broadcast(factor);
  UNROLL for (int v = 0; v < vectors; v++) t->row[j][v] +=
      factors * *(const dg_vector *)(b + v * DG_VECTOR);
#if defined(__x86_64__) && !defined(__clang__)
  /* Tells GCC that the value is needed up to here; otherwise it sums into the register of the
     factors, and copies the sums back and forth, which costs a fifth of the speed. */
  __asm__("" ::"v"(factors));
#endif
}

/** Row j of a matrix, where a3[i] is its row 3 i: few registers address many rows. */
INLINE float element(const float *const *a3, size_t a_row, int j) {
  return a3[j / 3][(size_t)(j % 3) * a_row];
}

/** b_step NULL: the rows of b are contiguous. */
INLINE void strided(const int rows, const int vectors, size_t depth, const float *a, size_t a_row,
                    const float *b, const uint32_t *b_step, bool add, float *c, size_t c_row) {
  const float *a3[(DG_TILE_ROWS + 2) / 3];
  UNROLL for (int i = 0; 3 * i < rows; i++) a3[i] = a + 3 * (size_t)i * a_row;
  for (size_t done = 0; done < depth; done += CHUNK) {
    size_t chunk = depth - done < CHUNK ? depth - done : CHUNK;
    tile t;
    tile_clear(&t, rows, vectors);
    for (size_t k = 0; k < chunk; k++) {
      const float *b_row = b_step ? b + b_step[done + k] : b + (done + k) * vectors * DG_VECTOR;
      UNROLL for (int j = 0; j < rows; j++) {
        add_product(&t, j, vectors, element(a3, a_row, j), b_row);
      }
      UNROLL for (int i = 0; 3 * i < rows; i++) a3[i]++;
    }
    tile_store(&t, rows, vectors, add || done > 0, c, c_row);
  }
}

INLINE void grouped(const int groups, const int run, const int vectors, size_t depth,
                    const float *a, size_t a_group, const uint32_t *a_step, const float *b,
                    float *c, size_t c_row) {
  for (size_t done = 0; done < depth; done += CHUNK) {
    size_t chunk = depth - done < CHUNK ? depth - done : CHUNK;
    tile t;
    tile_clear(&t, groups * run, vectors);
    for (size_t k = 0; k < chunk; k++) {
      const float *from = a + a_step[done + k];
      UNROLL for (int g = 0; g < groups; g++) {
        UNROLL for (int r = 0; r < run; r++) {
          add_product(&t, g * run + r, vectors, from[(size_t)g * a_group + (size_t)r], b);
        }
      }
      b += vectors * DG_VECTOR;
    }
    tile_store(&t, groups * run, vectors, done > 0, c, c_row);
  }
}

/** X(n) for every height of a tile. */
#define HEIGHTS_TO_6(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HEIGHTS_TO_12(X) HEIGHTS_TO_6(X) X(7) X(8) X(9) X(10) X(11) X(12)
#if defined(__AVX512F__)
#define HEIGHTS(X) HEIGHTS_TO_12(X) X(13) X(14)
#elif defined(__aarch64__)
#define HEIGHTS(X) HEIGHTS_TO_12(X)
#else
#define HEIGHTS(X) HEIGHTS_TO_6(X)
#endif

INLINE void strided_of(size_t rows, const int vectors, size_t depth, const float *a, size_t a_row,
                       const float *b, const uint32_t *b_step, bool add, float *c, size_t c_row) {
  switch (rows) {
#define STRIDED(n)                                                                                 \
  case n:                                                                                          \
    strided(n, vectors, depth, a, a_row, b, b_step, add, c, c_row);                                \
    break;
    HEIGHTS(STRIDED)
#undef STRIDED
  }
}

static void put(bool add, size_t rows, size_t width, size_t depth, const float *a, size_t a_row,
                const float *b, float *c, size_t c_row) {
  if (width == DG_TILE_WIDTH)
    strided_of(rows, 2, depth, a, a_row, b, NULL, add, c, c_row);
  else
    strided_of(rows, 1, depth, a, a_row, b, NULL, add, c, c_row);
}

void dg_micro_kernel(size_t rows, size_t width, size_t depth, const float *a, size_t a_row,
                     const float *b, float *c, size_t c_row) {
  put(false, rows, width, depth, a, a_row, b, c, c_row);
}

void dg_micro_kernel_packed(bool add, size_t rows, size_t width, size_t depth, const float *a,
                            size_t a_row, const float *b, float *c) {
  put(add, rows, width, depth, a, a_row, b, c, width);
}

void dg_micro_kernel_indirect(size_t rows, size_t width, size_t depth, const float *a, size_t a_row,
                              const float *b, const uint32_t *b_step, float *c) {
  if (width == DG_TILE_WIDTH)
    strided_of(rows, 2, depth, a, a_row, b, b_step, false, c, DG_TILE_WIDTH);
  else
    strided_of(rows, 1, depth, a, a_row, b, b_step, false, c, DG_TILE_WIDTH);
}

/** Sums of adjacent rows, added to c, whose rows are contiguous. */
INLINE void columns(const int rows, const int vectors, size_t depth, const float *a, size_t a_row,
                    const float *b, float *c) {
  for (size_t done = 0; done < depth; done += CHUNK) {
    size_t chunk = depth - done < CHUNK ? depth - done : CHUNK;
    tile t;
    tile_clear(&t, rows, vectors);
    for (size_t k = 0; k < chunk; k++) {
      UNROLL for (int j = 0; j < rows; j++) add_product(&t, j, vectors, a[j], b);
      a += a_row;
      b += vectors * DG_VECTOR;
    }
    tile_store(&t, rows, vectors, true, c, vectors * DG_VECTOR);
  }
}

INLINE void columns_of(size_t rows, const int vectors, size_t depth, const float *a, size_t a_row,
                       const float *b, float *c) {
  switch (rows) {
#define COLUMNS(n)                                                                                 \
  case n:                                                                                          \
    columns(n, vectors, depth, a, a_row, b, c);                                                    \
    break;
    HEIGHTS(COLUMNS)
#undef COLUMNS
  }
}

void dg_micro_kernel_transposed(size_t rows, size_t width, size_t depth, const float *a,
                                size_t a_row, const float *b, float *c) {
  if (width == DG_TILE_WIDTH)
    columns_of(rows, 2, depth, a, a_row, b, c);
  else
    columns_of(rows, 1, depth, a, a_row, b, c);
}

INLINE void grouped_of(size_t groups, size_t run, const int vectors, size_t depth, const float *a,
                       size_t a_group, const uint32_t *a_step, const float *b, float *c,
                       size_t c_row) {
  if (groups == 1) {
    switch (run) {
#define GROUPED(n)                                                                                 \
  case n:                                                                                          \
    grouped(1, n, vectors, depth, a, a_group, a_step, b, c, c_row);                                \
    break;
      HEIGHTS(GROUPED)
#undef GROUPED
    }
  } else if (groups == 2 && run == 3) {
    grouped(2, 3, vectors, depth, a, a_group, a_step, b, c, c_row);
  } else if (DG_TILE_ROWS >= 9 && groups == 3 && run == 3) {
    grouped(3, 3, vectors, depth, a, a_group, a_step, b, c, c_row);
  } else if (DG_TILE_ROWS >= 10 && groups == 2 && run == 5) {
    grouped(2, 5, vectors, depth, a, a_group, a_step, b, c, c_row);
  }
}

void dg_micro_kernel_grouped(size_t groups, size_t run, size_t width, size_t depth, const float *a,
                             size_t a_group, const uint32_t *a_step, const float *b, float *c,
                             size_t c_row) {
  if (width == DG_TILE_WIDTH)
    grouped_of(groups, run, 2, depth, a, a_group, a_step, b, c, c_row);
  else
    grouped_of(groups, run, 1, depth, a, a_group, a_step, b, c, c_row);
}

size_t dg_micro_kernel_groups(size_t wanted, size_t run) {
  size_t made = run == 3 ? 3 : run == 5 ? 2 : 1, fit = DG_TILE_ROWS / run;
  size_t most = made < fit ? made : fit;
  return most < 1 ? 1 : wanted < most ? wanted : most;
}
