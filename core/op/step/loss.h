/** Losses. */
#ifndef DG_OP_LOSS_H
#define DG_OP_LOSS_H

#include "core/op/traits.h"

typedef enum {
  /** mean over n of log(sum(exp(logits))) - sum(q logits): q = (1 - smoothing) onehot(label) +
      smoothing / classes */
  DG_LOSS_CROSS_ENTROPY,
  DG_LOSS_MSE, /**< mean over n * classes of (logits - onehot(label))^2 */
} dg_loss_kind;

/**
 * in {logits [n, classes], labels: uint32 [n]}, out {d_logits [n, classes], losses [slots],
 * correct: uint32 [slots]}. Writes losses[slot] (the mean) and correct[slot] (the number of samples
 * whose first largest logit is that of their label); writes d_logits, the gradient of the loss,
 * only if step.train is set. If the batch is split, the mean is over the whole batch: the parts'
 * losses add up to it.
 * out[0] may be NULL for a network that isn't trained.
 */
typedef struct {
  dg_loss_kind kind;
  uint32_t classes;
  float smoothing; /**< label smoothing, 0 <= smoothing < 1; cross_entropy only */
} dg_loss_desc;

static inline dg_op_sizes dg_loss_sizes(const void *desc) {
  const dg_loss_desc *d = desc;
  return (dg_op_sizes){.in = {d->classes, 1}, .out = {d->classes}};
}

static const dg_op_traits dg_loss_traits = {.sizes = dg_loss_sizes};

#endif
