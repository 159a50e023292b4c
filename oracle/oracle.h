/**
 * The oracle: every op of core/op in double precision, written only from its description, as simply
 * as possible, without regard to speed. Shapes, layouts and formulas are in core/op and are not
 * repeated here.
 */
#ifndef DG_ORACLE_ORACLE_H
#define DG_ORACLE_ORACLE_H

#include "core/op/op.h"

/** Sizes of the tensors of a layer op, in elements. */
typedef struct {
  uint32_t inputs, params, running_count;
  size_t in[DG_MAX_IN], out;                           /**< of one sample */
  size_t param[DG_MAX_PARAM], running[DG_MAX_RUNNING]; /**< of the whole tensor */
} oracle_sizes;

/**
 * The tensors of a layer op. Forward in training writes running, if not NULL. Backward reads in,
 * param and d_out.
 */
typedef struct {
  const double *in[DG_MAX_IN], *param[DG_MAX_PARAM], *d_out;
  double *out, *running[DG_MAX_RUNNING], *d_in[DG_MAX_IN], *d_param[DG_MAX_PARAM];
} oracle_tensors;

oracle_sizes oracle_sizes_of(const dg_op_desc *desc);

/** The activation fused to an op (or that of an activation op); NULL if the op can have none. */
dg_act *oracle_act(dg_op_desc *desc);

/** The description without the fused pooling and dropout. */
dg_op_desc oracle_plain(const dg_op_desc *desc);

/**
 * Which elements of the output are so near the kink of a fused activation, or of a fused pooling,
 * that rounding may move them to the other side. t: in and param. The caller frees the result.
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
 * The largest of the terms that are summed to a normalization's d_in, 0 for other ops: the terms
 * may cancel (for two numbers completely, except for eps), so its rounding errors are measured
 * relative to them.
 */
double oracle_cancelling(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);

/** The inputs of a gather, as they are on a device. */
typedef struct {
  const void *set;     /**< of bytes or floats */
  const void *targets; /**< labels, or targets of bytes or floats; NULL: none */
  const uint32_t *order;
  const float *norms;      /**< NULL unless per_channel */
  const uint32_t *lengths; /**< NULL unless the description has lengths */
} oracle_gather_inputs;

/** Writes *x, and of labels or targets what the description has; NULL: not. */
void oracle_gather(const dg_gather_desc *desc, const oracle_gather_inputs *in, const dg_step *step,
                   double *x, uint32_t *labels, double *targets);

/** What the outputs of a batch should be: labels [n] or targets [n, outputs]; weights [outputs]. */
typedef struct {
  const uint32_t *labels;
  const double *targets, *weights;
} oracle_wanted;

/** Writes *loss and *correct; d_outputs, unless it is NULL. */
void oracle_loss(const dg_loss_desc *desc, const double *outputs, const oracle_wanted *wanted,
                 const dg_step *step, double *d_outputs, double *loss, uint32_t *correct);

/** The number of state arrays of an optimizer. */
uint32_t oracle_state_arrays(const dg_update_desc *desc);

void oracle_update(const dg_update_desc *desc, const double *gradients, const dg_step *step,
                   double *parameters, double *state, uint32_t fault[2]);

void oracle_average(const dg_average_desc *desc, const double *values, const dg_step *step,
                    double *average);

void oracle_accumulate(const dg_accumulate_desc *desc, const double *values, double *sums);

#endif
