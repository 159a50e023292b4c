/** Multi-head self-attention. */
#ifndef DG_OP_ATTENTION_H
#define DG_OP_ATTENTION_H

#include "core/op/sequence/lengths.h"
#include "core/op/traits.h"

/**
 * in {x [n, steps, 3 heads width]} and, with `lengths`, {x, lengths [n]}; out [n, steps, heads
 * width]. A step of x holds its query, its key and its value side by side, each [heads, width], as
 * torch.nn.MultiheadAttention's in_proj gives them. For each head,
 *   out = softmax(q k^T / sqrt(width)) v
 * with the softmax over all keys, or, if `causal`, over the keys up to the query's own step
 * (Vaswani et al., Attention is all you need, arXiv:1706.03762).
 * With `lengths`, there are no keys at or beyond the length of a sample, and the output of such
 * steps is 0; they have no gradient. The lengths have none: d_in[1] is DG_GRAD_NONE.
 * If `causal`, a key or value that is no number may also spoil the answers of steps before it.
 */
typedef struct {
  uint32_t steps, heads;
  uint32_t width; /**< of one head */
  bool causal;
  bool lengths;
} dg_attention_desc;

/** Steps of sample `s` that are there; `lengths` NULL: all. */
static inline uint32_t dg_attention_length(const dg_attention_desc *d, const float *lengths,
                                           size_t s) {
  return lengths ? dg_length_of(lengths[s], d->steps) : d->steps;
}

static inline dg_op_sizes dg_attention_sizes(const void *desc) {
  const dg_attention_desc *d = desc;
  const uint64_t out = dg_op_volume(d->steps, d->heads, d->width);
  return (dg_op_sizes){.in = {dg_size_times(3, out), d->lengths ? 1 : 0}, .out = {out}};
}

static inline bool dg_attention_agrees(const void *desc) {
  return ((const dg_attention_desc *)desc)->steps <= DG_LENGTH_MOST;
}

/** Two products of steps x steps x width for each head. */
static inline void dg_attention_operations(const void *desc, dg_op_operations *operations) {
  const dg_attention_desc *d = desc;
  operations->own = 4.0 * d->steps * d->steps * d->heads * d->width * (d->causal ? 0.5 : 1);
}

static const dg_op_traits dg_attention_traits = {
    .sizes = dg_attention_sizes,
    .agrees = dg_attention_agrees,
    .operations = dg_attention_operations,
};

#endif
