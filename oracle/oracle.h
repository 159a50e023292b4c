/**
 * The oracle: every op of core/op in double precision, written from
 * its description alone, as plainly as possible and as slowly as that takes.
 * Shapes, layouts and formulas stand in core/op and are not repeated here.
 */
#ifndef DG_ORACLE_ORACLE_H
#define DG_ORACLE_ORACLE_H

#include "core/op/op.h"

/** How many elements the tensors of a layer op have. */
typedef struct {
  uint32_t inputs, params, running_count;
  size_t in[DG_MAX_IN], out;                           /**< of one sample */
  size_t param[DG_MAX_PARAM], running[DG_MAX_RUNNING]; /**< of the whole tensor */
} oracle_sizes;

/**
 * The tensors of a layer op. A training forward writes running, where it isn't NULL. Backward reads
 * in, param and d_out.
 */
typedef struct {
  const double *in[DG_MAX_IN], *param[DG_MAX_PARAM], *d_out;
  double *out, *running[DG_MAX_RUNNING], *d_in[DG_MAX_IN], *d_param[DG_MAX_PARAM];
} oracle_tensors;

oracle_sizes oracle_sizes_of(const dg_op_desc *desc);

/** The activation at an op's end (of an activation: its own); NULL where there can be none. */
dg_act *oracle_act(dg_op_desc *desc);

/** The description without the pooling and the dropout that are fused to its end. */
dg_op_desc oracle_plain(const dg_op_desc *desc);

/**
 * Which elements of the output lie so near the kink of a fused activation, or of a fused pooling,
 * that rounding may put them on the other side. t: in and param. The result is the caller's.
 */
bool *oracle_kinks(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);

double oracle_activate(dg_act act, double x);
/** The derivative of an activation at its input x. */
double oracle_derivative(dg_act act, double x);

/** Is element e of sample s of a dropout op dropped in this step? */
bool oracle_dropped(const dg_dropout_desc *desc, const dg_step *step, uint32_t s, uint32_t e);

void oracle_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);
void oracle_backward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);

/**
 * The largest of the terms that make up a normalization's d_in, 0 for other ops: they may cancel
 * (of two numbers all, but for eps), so it is by them that its rounding errors are measured.
 */
double oracle_cancelling(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);

/** Writes x_labels unless it is NULL. */
void oracle_gather(const dg_gather_desc *desc, const uint8_t *images, const uint8_t *labels,
                   const uint32_t *order, const dg_step *step, double *x, uint32_t *x_labels);

/** Writes *loss and *correct; d_logits, unless it is NULL. */
void oracle_loss(const dg_loss_desc *desc, const double *logits, const uint32_t *labels,
                 const dg_step *step, double *d_logits, double *loss, uint32_t *correct);

/** How many arrays of state an optimizer keeps. */
uint32_t oracle_state_arrays(const dg_update_desc *desc);

void oracle_update(const dg_update_desc *desc, const double *gradients, const dg_step *step,
                   double *parameters, double *state, uint32_t fault[2]);

void oracle_average(const dg_average_desc *desc, const double *values, const dg_step *step,
                    double *average);

void oracle_accumulate(const dg_accumulate_desc *desc, const double *values, double *sums);

#endif
