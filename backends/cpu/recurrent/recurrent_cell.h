/** The cells of recurrent layers: the element-wise part of a step, between its products. */
#ifndef DG_CPU_RECURRENT_CELL_H
#define DG_CPU_RECURRENT_CELL_H

#include "backends/cpu/recurrent/recurrent_pass.h"

#define dg_cell_reset DG_ISA_NAME(dg_cell_reset)
#define dg_cell_forward DG_ISA_NAME(dg_cell_forward)
#define dg_cell_backward DG_ISA_NAME(dg_cell_backward)
#define dg_cell_reset_backward DG_ISA_NAME(dg_cell_reset_backward)
#define dg_cell_output DG_ISA_NAME(dg_cell_output)

/** One step of a group forward. Planes as in recurrent_pass.h. */
typedef struct {
  const dg_recurrent_desc *desc;
  size_t units; /**< of the planes */
  size_t n;
  float *slot[DG_RECURRENT_SLOTS];       /**< planes of sums; overwritten by the gates */
  const float *bias[DG_RECURRENT_SLOTS]; /**< [units] each */
  float *h;       /**< rows: the state before the step, overwritten by the state after it */
  size_t row;     /**< floats from one row to the next */
  float *reset;   /**< rows, with the same stride: r h, for a GRU that resets before the product */
  const float *c; /**< LSTM: the plane of c before the step; NULL for zeros */
  float *state;   /**< plane of the LSTM's c or (if not NULL) the GRU's h, after the step */
} dg_cell_step;

/** For a GRU that resets before the product: computes r and z from their sums, and r h. */
void dg_cell_reset(const dg_cell_step *step);

/** Computes the gates from the sums (all, or n after dg_cell_reset), and the next state. */
void dg_cell_forward(const dg_cell_step *step);

/** One step of a group backward. */
typedef struct {
  const dg_recurrent_desc *desc;
  size_t n;
  const float *slot[DG_RECURRENT_SLOTS]; /**< planes of gates, as forward left them */
  const float *h;      /**< GRU: plane of the state before the step; NULL for zeros */
  const float *c;      /**< LSTM: plane of c before the step; NULL for zeros */
  const float *tanh_c; /**< LSTM: plane of tanh(c) after the step */
  float *d_h; /**< plane: the gradient of the state after the step; overwritten by the part of the
                 gradient of the state before it that doesn't go through a product */
  float *d_c; /**< LSTM: plane: the gradient of c, first after and then before the step */
  float *d_slot;  /**< rows [slots][units]: the gradients of the slots' sums */
  size_t d_row;   /**< floats from one row to the next */
  float *d_reset; /**< GRU, reset before: plane of the gradient of r h; then of r h itself */
} dg_cell_step_back;

/** Writes d_slot; for a GRU that resets before the product, all but that of r. */
void dg_cell_backward(const dg_cell_step_back *step);

/**
 * The rest for that GRU: computes r's d_slot from d_reset, and adds to d_h; d_reset is overwritten
 * by r h. If h is NULL, r's d_slot is 0 and nothing is added.
 */
void dg_cell_reset_backward(const dg_cell_step_back *step);

/** LSTM: tanh_c = tanh(c) and, if h isn't NULL, h = o tanh_c; planes of `count` floats. */
void dg_cell_output(size_t count, const float *o, const float *c, float *tanh_c, float *h);

#endif
