/** The epilogue of an op, which may be fused to it: an activation, then a pooling (its size), then
    a dropout. */
#ifndef DG_OP_EPILOGUE_H
#define DG_OP_EPILOGUE_H

#include <stdint.h>

typedef enum {
  DG_ACT_NONE,
  DG_ACT_RELU,       /**< max(x, 0); derivative 0 at 0 */
  DG_ACT_LEAKY_RELU, /**< x > 0 ? x : slope * x, slope > 0; derivative slope at 0 */
  DG_ACT_SIGMOID,    /**< 1 / (1 + exp(-x)) */
  DG_ACT_TANH,
} dg_act_kind;

typedef struct {
  dg_act_kind kind;
  float slope; /**< the slope of DG_ACT_LEAKY_RELU */
} dg_act;

/**
 * A dropout fused to an op's end: what DG_OP_DROPOUT does to its output, with the same words. It
 * only follows a ReLU, so that backward can tell from the output (above 0) which elements were
 * kept.
 */
typedef struct {
  float rate; /**< 0: none */
  uint32_t stream;
} dg_drop;

#endif
