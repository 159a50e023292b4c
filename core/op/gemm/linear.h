/** Fully connected layers. */
#ifndef DG_OP_LINEAR_H
#define DG_OP_LINEAR_H

#include "core/op/epilogue.h"
#include "core/op/traits.h"

/**
 * in [n, rows, in], param {weight [out, in], bias [out]},
 * out [n, rows, out] = drop(act(in weight^T + bias)).
 */
typedef struct {
  uint32_t in, out;
  bool bias;
  dg_act act;    /**< fused to the end */
  dg_drop drop;  /**< fused after act */
  uint32_t rows; /**< of a sample; 0: one */
} dg_linear_desc;

/** The rows of a sample. */
static inline uint32_t dg_linear_rows(const dg_linear_desc *d) {
  return d->rows ? d->rows : 1;
}

static inline dg_op_sizes dg_linear_sizes(const void *desc) {
  const dg_linear_desc *d = desc;
  return (dg_op_sizes){.in = {dg_size_times(dg_linear_rows(d), d->in)},
                       .out = {dg_size_times(dg_linear_rows(d), d->out)},
                       .param = {dg_size_times(d->in, d->out), d->bias ? d->out : 0}};
}

static inline void dg_linear_operations(const void *desc, dg_op_operations *operations) {
  const dg_linear_desc *d = desc;
  operations->own = 2.0 * dg_linear_rows(d) * d->in * d->out;
}

static const dg_op_traits dg_linear_traits = {
    .sizes = dg_linear_sizes,
    .operations = dg_linear_operations,
    .bias = offsetof(dg_linear_desc, bias),
    .act = offsetof(dg_linear_desc, act),
    .drop = offsetof(dg_linear_desc, drop),
};

#endif
