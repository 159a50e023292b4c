/** Sums, differences, products and quotients of two tensors, one of which may be repeated. */
#ifndef DG_OP_BINARY_H
#define DG_OP_BINARY_H

#include "core/op/traits.h"

typedef enum {
  DG_BINARY_ADD,
  DG_BINARY_SUBTRACT,
  DG_BINARY_MULTIPLY,
  DG_BINARY_DIVIDE, /**< by IEEE 754: by 0 it gives an infinity, 0 by 0 gives NaN */
  DG_BINARY_KINDS
} dg_binary_kind;

/**
 * in[k] [n, dim[k]], out [n, larger of both] = in[0] with in[1], in the manner of PyTorch's
 * broadcasting: where a dimension of one input is 1 and that of the other is larger, the input is
 * repeated along it, and its gradient is the sum over it. With a and b for the inputs and g for the
 * gradient of out, the gradients are g and g; g and -g; g b and g a; g / b and -g ((a / b) / b).
 */
typedef struct {
  dg_binary_kind kind;
  uint32_t dim[2][3]; /**< of both inputs, each above 0 */
} dg_binary_desc;

/** Dimension `i` of the output. */
static inline uint32_t dg_binary_out(const dg_binary_desc *d, uint32_t i) {
  return d->dim[0][i] > d->dim[1][i] ? d->dim[0][i] : d->dim[1][i];
}

/** Has input `k` the whole dimension `i`, or is it repeated along it? */
static inline bool dg_binary_has(const dg_binary_desc *d, uint32_t k, uint32_t i) {
  return d->dim[k][i] == dg_binary_out(d, i);
}

/** May the dimensions `i` and i + 1 be read as one? */
static inline bool dg_binary_joins(const dg_binary_desc *d, uint32_t i) {
  for (uint32_t k = 0; k < 2; k++) {
    const bool both = dg_binary_has(d, k, i) && dg_binary_has(d, k, i + 1);
    if (!both && (d->dim[k][i] > 1 || d->dim[k][i + 1] > 1)) return false;
  }
  return true;
}

/** The same op with longer rows: dimensions that may be read as one are joined to the last. */
static inline dg_binary_desc dg_binary_joined(const dg_binary_desc *desc) {
  static const uint32_t order[] = {1, 0, 1};
  dg_binary_desc d = *desc;
  for (uint32_t turn = 0; turn < 3; turn++) {
    const uint32_t i = order[turn];
    if (!dg_binary_joins(&d, i)) continue;
    for (uint32_t k = 0; k < 2; k++) d.dim[k][i + 1] *= d.dim[k][i], d.dim[k][i] = 1;
  }
  return d;
}

static inline dg_op_sizes dg_binary_sizes(const void *desc) {
  const dg_binary_desc *d = desc;
  return (dg_op_sizes){
      .in = {dg_op_volume(d->dim[0][0], d->dim[0][1], d->dim[0][2]),
             dg_op_volume(d->dim[1][0], d->dim[1][1], d->dim[1][2])},
      .out = {dg_op_volume(dg_binary_out(d, 0), dg_binary_out(d, 1), dg_binary_out(d, 2))}};
}

static inline bool dg_binary_agrees(const void *desc) {
  const dg_binary_desc *d = desc;
  for (uint32_t i = 0; i < 3; i++) {
    const uint32_t a = d->dim[0][i], b = d->dim[1][i];
    if (a == 0 || b == 0 || (a != b && a != 1 && b != 1)) return false;
  }
  return (unsigned)d->kind < DG_BINARY_KINDS;
}

static const dg_op_traits dg_binary_traits = {.sizes = dg_binary_sizes, .agrees = dg_binary_agrees};

#endif
