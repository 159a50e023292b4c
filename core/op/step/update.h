/** Optimizers. */
#ifndef DG_OP_UPDATE_H
#define DG_OP_UPDATE_H

#include "core/op/traits.h"

typedef enum {
  DG_SGD,      /**< state {momentum buffer}, or none when momentum is 0 */
  DG_ADAM,     /**< state {m, v} */
  DG_ADADELTA, /**< state {square average, accumulated delta} */
  DG_RMSPROP,  /**< state {square average, average if centered, momentum buffer unless momentum
                  is 0} */
} dg_optimizer_kind;

/**
 * One step of an optimizer over all parameters, by PyTorch's formulas (torch.optim.SGD, Adam,
 * AdamW when `decoupled`, Adadelta, RMSprop). in {gradients [count]}, out {parameters [count],
 * state [arrays, count] in the order listed at the kind, fault: uint32 [2]}. It uses step.lr and
 * step.step (from 0) and ignores the number of samples.
 *
 * clip_norm > 0: gradients are first multiplied by min(1, clip_norm / (norm + 1e-6)), norm
 * being the Euclidean norm of all of them (torch.nn.utils.clip_grad_norm_).
 *
 * fault starts as {0, 0xffffffff}. An element whose gradient is not finite is not written;
 * fault becomes {step + 1, the smallest such element}, and every later step is skipped.
 */
typedef struct {
  dg_optimizer_kind kind;
  uint32_t count; /**< a multiple of 16 */
  /**
   * The end of each of `params` parameters in [0, count), including the gap behind it; the last is
   * count. The caller keeps the array for as long as the op. It doesn't affect the results:
   * threads that partition all parameters alike update the numbers whose gradients they wrote.
   */
  const uint32_t *param_ends;
  uint32_t params; /**< 0: not given */
  float momentum;  /**< sgd, rmsprop */
  bool nesterov;   /**< sgd */
  float beta1, beta2;
  float rho;
  float eps;
  float weight_decay;
  bool decoupled;  /**< adam: weight decay as AdamW's */
  float clip_norm; /**< 0: none */
  float alpha;     /**< rmsprop */
  bool centered;   /**< rmsprop: divide by the deviation of gradients, not by their size */
} dg_update_desc;

/** Number of state arrays of an optimizer. */
static inline uint32_t dg_update_arrays(const dg_update_desc *d) {
  switch (d->kind) {
  case DG_SGD:
    return d->momentum > 0;
  case DG_ADAM:
  case DG_ADADELTA:
    return 2;
  case DG_RMSPROP:
    return 1 + (uint32_t)d->centered + (d->momentum > 0);
  }
  return 0;
}

static inline dg_op_sizes dg_update_sizes(const void *desc) {
  return (dg_op_sizes){.param = {((const dg_update_desc *)desc)->count}};
}

/** Are the parameter ends in ascending order, with the last at count? */
static inline bool dg_update_agrees(const void *desc) {
  const dg_update_desc *d = desc;
  for (uint32_t i = 0; i < d->params; i++)
    if (d->param_ends[i] > d->count || (i && d->param_ends[i] < d->param_ends[i - 1])) return false;
  return d->params == 0 || d->param_ends[d->params - 1] == d->count;
}

static const dg_op_traits dg_update_traits = {
    .sizes = dg_update_sizes,
    .agrees = dg_update_agrees,
    .is_sampleless = true,
};

#endif
