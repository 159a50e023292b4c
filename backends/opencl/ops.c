#include "backends/opencl/ops.h"

#include <stdlib.h>
#include <string.h>

#include "backends/checks.h"

/* ---- implementations ---------------------------------------------------- */

/* One line per op. */
#define OPS(X)                                                                                     \
  X(DG_OP_LINEAR, dg_cl_linear)                                                                    \
  X(DG_OP_CONV2D, dg_cl_conv2d)                                                                    \
  X(DG_OP_GROUPED_CONV2D, dg_cl_grouped_conv2d)                                                    \
  X(DG_OP_CONV_TRANSPOSE2D, dg_cl_conv_transpose2d)                                                \
  X(DG_OP_MAXPOOL2D, dg_cl_maxpool2d)                                                              \
  X(DG_OP_AVGPOOL2D, dg_cl_avgpool2d)                                                              \
  X(DG_OP_UPSAMPLE2D, dg_cl_upsample2d)                                                            \
  X(DG_OP_UPSAMPLE_BILINEAR2D, dg_cl_upsample_bilinear2d)                                          \
  X(DG_OP_PAD, dg_cl_pad2d)                                                                        \
  X(DG_OP_ACTIVATION, dg_cl_activation)                                                            \
  X(DG_OP_ELTWISE, dg_cl_eltwise)                                                                  \
  X(DG_OP_DROPOUT, dg_cl_dropout)                                                                  \
  X(DG_OP_CHW_TO_HWC, dg_cl_chw_to_hwc)                                                            \
  X(DG_OP_ADD, dg_cl_add)                                                                          \
  X(DG_OP_CONCAT, dg_cl_concat)                                                                    \
  X(DG_OP_CONV1D, dg_cl_conv1d)                                                                    \
  X(DG_OP_GROUPED_CONV1D, dg_cl_grouped_conv1d)                                                    \
  X(DG_OP_CONV_TRANSPOSE1D, dg_cl_conv_transpose1d)                                                \
  X(DG_OP_BATCH_NORM, dg_cl_batch_norm)                                                            \
  X(DG_OP_LAYER_NORM, dg_cl_layer_norm)                                                            \
  X(DG_OP_RECURRENT, dg_cl_recurrent)                                                              \
  X(DG_OP_MASK_STEPS, dg_cl_mask_steps)                                                            \
  X(DG_OP_REDUCE_STEPS, dg_cl_reduce_steps)                                                        \
  X(DG_OP_WINDOW_LENGTHS, dg_cl_window_lengths)                                                    \
  X(DG_OP_GATHER, dg_cl_gather)                                                                    \
  X(DG_OP_LOSS, dg_cl_loss)                                                                        \
  X(DG_OP_UPDATE, dg_cl_update)                                                                    \
  X(DG_OP_AVERAGE, dg_cl_average)                                                                  \
  X(DG_OP_ACCUMULATE, dg_cl_accumulate)

#define DECLARE(kind, family) extern const dg_cl_family family;
OPS(DECLARE)

static const dg_cl_family *family_of(const dg_op_desc *desc) {
#define ENTRY(kind, family) [kind] = &family,
  static const dg_cl_family *const families[DG_OP_KINDS] = {OPS(ENTRY)};
  return (unsigned)desc->kind < DG_OP_KINDS ? families[desc->kind] : NULL;
}

bool dg_cl_ops_supports(const dg_device *device, const dg_op_desc *desc) {
  const dg_cl_family *family = family_of(desc);
  return family && (!family->supports || family->supports((const dg_cl_device *)device, desc));
}

static bool same_saved(const dg_cl_implementation *a, const dg_cl_implementation *b) {
  return a->saved && b->saved ? strcmp(a->saved, b->saved) == 0 : a->saved == b->saved;
}

dg_cl_choice dg_cl_ops_choose(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                              bool train) {
  const dg_cl_family *family = family_of(desc);
  dg_cl_choice choice = {NULL, NULL};
  for (size_t i = 0; !choice.forward && family->forward[i]; i++) {
    const dg_cl_implementation *by = family->forward[i];
    if (!by->fits || by->fits(device, desc, max_n, train)) choice.forward = by;
  }
  for (size_t i = 0; train && !choice.backward && family->backward[i]; i++) {
    const dg_cl_implementation *by = family->backward[i];
    if (same_saved(by, choice.forward) && (!by->fits || by->fits(device, desc, max_n, train)))
      choice.backward = by;
  }
  return choice;
}

/* ---- preparing ---------------------------------------------------------- */

/* An op with both directions; backward is NULL if it isn't run. */
typedef struct {
  dg_op base;
  dg_cl_choice by;
  dg_cl_op *forward, *backward;
} both;

static dg_cl_op *direction_new(const dg_cl_implementation *by, const dg_cl_op *as, dg_error *err) {
  dg_cl_op *op = dg_cl_op_new(by->size, as, err);
  if (!op || by->prepare(op, err)) return op;
  dg_cl_op_free(op);
  return NULL;
}

static both *both_new(const dg_cl_op *as, dg_error *err) {
  both *op = calloc(1, sizeof *op);
  if (!op) {
    dg_fail_memory(err, sizeof *op);
    return NULL;
  }
  op->by = dg_cl_ops_choose(as->device, &as->desc, as->max_n, as->train);
  op->forward = direction_new(op->by.forward, as, err);
  if (op->forward && op->by.backward) op->backward = direction_new(op->by.backward, as, err);
  if (!op->forward || (op->by.backward && !op->backward)) {
    dg_cl_ops_free(&op->base);
    return NULL;
  }
  const dg_direction_needs *backward = op->backward ? &op->backward->needs : NULL;
  op->base = (dg_op){.desc = as->desc,
                     .needs = dg_needs_of(&op->forward->needs, backward),
                     .max_n = as->max_n,
                     .exact = true};
  return op;
}

static both *make(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                  bool planned, dg_error *err) {
  if (!dg_op_check(desc, max_n, DG_CL_MOST_NUMBERS, err)) return NULL;
  if (!dg_cl_ops_supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "the opencl backend can't run this %s",
            dg_op_name(desc->kind));
    return NULL;
  }
  const dg_cl_op as = {.desc = *desc,
                       .max_n = max_n,
                       .train = train,
                       .planned = planned,
                       .device = (dg_cl_device *)device};
  return both_new(&as, err);
}

dg_op *dg_cl_ops_prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                         dg_error *err) {
  both *op = make(device, desc, max_n, train, false, err);
  return op ? &op->base : NULL;
}

bool dg_cl_ops_needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                     dg_op_needs *needs, dg_error *err) {
  both *op = make(device, desc, max_n, train, true, err);
  if (!op) return false;
  *needs = op->base.needs;
  dg_cl_ops_free(&op->base);
  return true;
}

void dg_cl_ops_free(dg_op *base) {
  both *op = (both *)base;
  if (!op) return;
  dg_cl_op_free(op->forward);
  dg_cl_op_free(op->backward);
  free(op);
}

/* ---- running ------------------------------------------------------------ */

static bool run(const dg_cl_implementation *by, dg_cl_op *op, const dg_op_buffers *buffers,
                const dg_step *step, dg_error *err) {
  op->runs++;
  if (!by->run(op, buffers, step, err)) return false;
  cl_int code = clFlush(op->device->queue);
  return !code || dg_cl_fail(err, op->device, code, "starting work on the device");
}

bool dg_cl_ops_forward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                       dg_error *err) {
  both *op = (both *)base;
  return dg_check_forward(base, buffers, step, err) &&
         run(op->by.forward, op->forward, buffers, step, err);
}

bool dg_cl_ops_backward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                        dg_error *err) {
  both *op = (both *)base;
  return dg_check_backward(base, step, op->backward, err) &&
         run(op->by.backward, op->backward, buffers, step, err);
}

bool dg_cl_ops_times(dg_op *base, dg_op_times *times, dg_error *err) {
  both *op = (both *)base;
  *times = (dg_op_times){0};
  if (!op->forward->profile) return true;
  times->forward_runs = op->forward->runs;
  if (!dg_cl_op_seconds(op->forward, &times->forward, err)) return false;
  if (!op->backward) return true;
  times->backward_runs = op->backward->runs;
  return dg_cl_op_seconds(op->backward, &times->backward, err);
}
