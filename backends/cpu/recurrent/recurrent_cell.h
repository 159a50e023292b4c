/** The cells of recurrent layers: what happens between the products of a step, unit by unit. */
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
  float *slot[DG_RECURRENT_SLOTS];       /**< planes of sums; they become gates */
  const float *bias[DG_RECURRENT_SLOTS]; /**< [units] each */
  float *h;                              /**< rows: the state before the step, and then after it */
  size_t row;                            /**< floats from one row to the next */
  float *reset;   /**< rows, as far apart: r h, of a GRU that resets before the product */
  const float *c; /**< LSTM: the plane of c before the step; NULL for zeros */
  float *state;   /**< plane of the LSTM's c or, where it is not NULL, the GRU's h, after it */
} dg_cell_step;

/** A GRU that resets before the product: makes r and z of their sums, and r h. */
void dg_cell_reset(const dg_cell_step *step);

/** Makes gates of the sums (all, or n after dg_cell_reset), and the next state. */
void dg_cell_forward(const dg_cell_step *step);

/** One step of a group backward. */
typedef struct {
  const dg_recurrent_desc *desc;
  size_t n;
  const float *slot[DG_RECURRENT_SLOTS]; /**< planes of gates, as forward left them */
  const float *h;      /**< GRU: plane of the state before the step; NULL for zeros */
  const float *c;      /**< LSTM: likewise */
  const float *tanh_c; /**< LSTM: plane of tanh(c) after the step */
  float *d_h;     /**< plane: the gradient of the state after the step; becomes that part of the
                       gradient of the state before that no product makes */
  float *d_c;     /**< LSTM: plane: the gradient of c, after and then before */
  float *d_slot;  /**< rows [slots][units]: the gradients of the slots' sums */
  size_t d_row;   /**< floats from one row to the next */
  float *d_reset; /**< GRU, reset before: plane of the gradient of r h; then of what it is made
                       into, r h itself */
} dg_cell_step_back;

/** Writes d_slot; of a GRU that resets before the product, all but r's. */
void dg_cell_backward(const dg_cell_step_back *step);

/**
 * The rest for that GRU: from d_reset, r's d_slot and what d_reset adds to d_h; d_reset becomes
 * r h. Where h is NULL there is nothing of it: r's d_slot is 0.
 */
void dg_cell_reset_backward(const dg_cell_step_back *step);

/** LSTM: tanh_c = tanh(c) and, where h is not NULL, h = o tanh_c; planes of `count` floats. */
void dg_cell_output(size_t count, const float *o, const float *c, float *tanh_c, float *h);

#endif
