/**
 * What both directions of attention share: one head of a sample, and products of blocks, whose
 * right sides and sums are panels (backends/cpu/gemm/micro_kernel.h). Scores are computed for
 * blocks of queries and keys and used at once (Dao et al., FlashAttention, arXiv:2205.14135), so
 * that no memory grows with steps x steps. Saved are the logarithms of the sums of exponentials of
 * each query: [n, heads, steps].
 */
#ifndef DG_CPU_ATTENTION_BLOCKS_H
#define DG_CPU_ATTENTION_BLOCKS_H

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"

#define dg_attention_multiply DG_ISA_NAME(dg_attention_multiply)
#define dg_attention_add DG_ISA_NAME(dg_attention_add)
#define dg_attention_add_transposed DG_ISA_NAME(dg_attention_add_transposed)
#define dg_attention_pack DG_ISA_NAME(dg_attention_pack)
#define dg_attention_pack_transposed DG_ISA_NAME(dg_attention_pack_transposed)
#define dg_attention_backward DG_ISA_NAME(dg_attention_backward)

/** The sides of a block: whole tiles of all instruction sets, and whole panels. */
enum { DG_ATTENTION_QUERIES = 84, DG_ATTENTION_KEYS = 128 };

/** One head of a sample. */
typedef struct {
  size_t width, panels; /**< of the head; and rounded up to whole vectors */
  size_t in_row, out_row;
  size_t length; /**< steps that are there */
  bool causal;
  float scale;
  const float *query, *key, *value; /**< rows are in_row apart */
} dg_attention_head;

static inline dg_attention_head dg_attention_head_of(const dg_cpu_region *region, size_t index) {
  const dg_attention_desc *d = &region->op->desc.attention;
  const size_t all = (size_t)d->heads * d->width, sample = index / d->heads;
  const float *x =
      dg_floats(region->buffers->in[0]) + sample * d->steps * 3 * all + index % d->heads * d->width;
  const float *lengths = d->lengths ? dg_floats(region->buffers->in[1]) : NULL;
  return (dg_attention_head){.width = d->width,
                             .panels = dg_panels_width(d->width),
                             .in_row = 3 * all,
                             .out_row = all,
                             .length = dg_attention_length(d, lengths, sample),
                             .causal = d->causal,
                             .scale = 1 / __builtin_sqrtf((float)d->width),
                             .query = x,
                             .key = x + all,
                             .value = x + 2 * all};
}

/** Where the head begins in a tensor as the output. */
static inline size_t dg_attention_out(const dg_attention_desc *d, size_t index) {
  return (index / d->heads * d->steps * d->heads + index % d->heads) * d->width;
}

/** How many of the keys from `first` on, at most `keys`, the query at `step` sees. */
static inline size_t dg_attention_visible(const dg_attention_head *h, size_t step, size_t first,
                                          size_t keys) {
  if (!h->causal) return keys;
  const size_t before = step + 1 > first ? step + 1 - first : 0;
  return before < keys ? before : keys;
}

/** All panels of a matrix [rows, width]; of `from`, whose rows are from_row apart. */
void dg_attention_pack(size_t rows, size_t width, const float *from, size_t from_row,
                       float *panels);

/** All panels of its transpose, which has `rows` columns. */
void dg_attention_pack_transposed(size_t rows, size_t width, const float *from, size_t from_row,
                                  float *panels);

/**
 * c [rows, columns] = a [rows, depth] b, for the first `columns` of the `packed` ones of b; rows of
 * c are DG_ATTENTION_KEYS apart, and whole vectors of them are written.
 */
void dg_attention_multiply(size_t rows, size_t columns, size_t packed, size_t depth, const float *a,
                           size_t a_row, const float *b, float *c);

/** Panels of two matrices: the first rows of b, and rows of c from `first` on. */
typedef struct {
  const float *b;
  size_t b_rows;
  float *c;
  size_t c_rows, first;
} dg_attention_panels;

/** c += a [rows, depth] b, both of `columns`. */
void dg_attention_add(size_t rows, size_t columns, size_t depth, const float *a, size_t a_row,
                      const dg_attention_panels *to);

/** c += the transpose of a [depth, rows] times b. */
void dg_attention_add_transposed(size_t rows, size_t columns, size_t depth, const float *a,
                                 size_t a_row, const dg_attention_panels *to);

extern const dg_cpu_implementation dg_attention_backward;

#endif
