/** Losses. */
#ifndef DG_OP_LOSS_H
#define DG_OP_LOSS_H

#include "core/op/traits.h"

/**
 * The loss of a sample with outputs y [outputs] and wanted values t [outputs], which are its
 * targets, or for a label: 1 at the label and 0 elsewhere. PyTorch's formulas
 * (torch.nn.functional.cross_entropy, mse_loss, l1_loss, huber_loss,
 * binary_cross_entropy_with_logits).
 */
typedef enum {
  /** log(sum(exp(y))) - sum(q y): q = (1 - smoothing) t + smoothing / outputs; for labels only */
  DG_LOSS_CROSS_ENTROPY,
  DG_LOSS_MSE,   /**< mean over outputs of (y - t)^2 */
  DG_LOSS_MAE,   /**< mean over outputs of |y - t|; its gradient at y = t is 0 */
  DG_LOSS_HUBER, /**< mean over outputs of e^2 / 2 where e = |y - t| <= delta, else
                    delta (e - delta / 2) */
  DG_LOSS_BCE,   /**< mean over outputs of max(y, 0) - y t + log(1 + exp(-|y|)) */
} dg_loss_kind;

/**
 * in {outputs [n, outputs], labels: uint32 [n] or targets: float [n, outputs], weights: float
 * [outputs] or NULL}, out {d_outputs [n, outputs], losses [slots], correct: uint32 [slots]}. Writes
 * losses[slot], the mean over n, and d_outputs, the gradient of the loss, only if step.train is
 * set. If the batch is split, the mean is over the whole batch: the parts' losses add up to it.
 *
 * If `weighted`, a sample's loss is multiplied by the weight of its label, and the mean is still
 * over n.
 *
 * correct[slot] is the number of samples whose first largest output is that of their label; for
 * targets with DG_LOSS_BCE of those whose outputs are all at least 0 where the target is at least
 * 0.5 and below 0 where it is less; for other targets 0.
 *
 * out[0] may be NULL for a network that isn't trained.
 */
typedef struct {
  dg_loss_kind kind;
  uint32_t outputs;
  bool targets;    /**< in[1] holds numbers, not labels */
  bool weighted;   /**< in[2] is given; for labels only */
  float smoothing; /**< label smoothing, 0 <= smoothing < 1; cross_entropy only */
  float delta;     /**< huber: above 0 */
} dg_loss_desc;

static inline dg_op_sizes dg_loss_sizes(const void *desc) {
  const dg_loss_desc *d = desc;
  return (dg_op_sizes){.in = {d->outputs, d->targets ? d->outputs : 1, 0}, .out = {d->outputs}};
}

/** Do the parts of a description agree? */
static inline bool dg_loss_agrees(const void *desc) {
  const dg_loss_desc *d = desc;
  return (unsigned)d->kind <= DG_LOSS_BCE && d->outputs > 0 &&
         !(d->targets && (d->weighted || d->kind == DG_LOSS_CROSS_ENTROPY)) && d->smoothing >= 0 &&
         d->smoothing < 1 && (d->smoothing == 0 || d->kind == DG_LOSS_CROSS_ENTROPY) &&
         (d->kind != DG_LOSS_HUBER || d->delta > 0);
}

static const dg_op_traits dg_loss_traits = {.sizes = dg_loss_sizes, .agrees = dg_loss_agrees};

#endif
