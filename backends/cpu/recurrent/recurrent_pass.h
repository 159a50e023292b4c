/**
 * Code shared by the files of the recurrent op.
 *
 * The samples of a batch are cut into groups; a worker computes all steps of a group, so its state
 * stays in the cache. The numbers of a group at one step have one of two layouts:
 *
 * - a plane: panels of up to DG_TILE_WIDTH units, each [n][width]. That is how tiles are written
 *   and panels are read; and all planes being laid out alike, a cell computes vector by vector.
 * - rows [n][..]: for the side of a product that is read element by element.
 *
 * A step's products fill slots, each a plane: one per gate, with W x + U h. The GRU that resets
 * after the product needs both parts of n separately. Its slots are U_n h, r, z, W_n x: the slots
 * with a part of h come first and those with a part of x last, as for every other cell.
 */
#ifndef DG_CPU_RECURRENT_PASS_H
#define DG_CPU_RECURRENT_PASS_H

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"
#include "backends/cpu/runtime/pieces.h"

#define dg_recurrent_plan_of DG_ISA_NAME(dg_recurrent_plan_of)
#define dg_recurrent_groups DG_ISA_NAME(dg_recurrent_groups)
#define dg_recurrent_products DG_ISA_NAME(dg_recurrent_products)
#define dg_recurrent_saved DG_ISA_NAME(dg_recurrent_saved)
#define dg_recurrent_place DG_ISA_NAME(dg_recurrent_place)
#define dg_recurrent_out_row DG_ISA_NAME(dg_recurrent_out_row)
#define dg_recurrent_group_at DG_ISA_NAME(dg_recurrent_group_at)
#define dg_recurrent_sum_biases DG_ISA_NAME(dg_recurrent_sum_biases)
#define dg_recurrent_multiply DG_ISA_NAME(dg_recurrent_multiply)
#define dg_recurrent_backward DG_ISA_NAME(dg_recurrent_backward)

enum {
  DG_RECURRENT_SLOTS = 4, /**< at most */
  /** Samples of a group, at most, so that its state and the panels of a slot together fit the
      cache. */
  DG_RECURRENT_GROUP = 56 / DG_TILE_ROWS * DG_TILE_ROWS,
};

typedef struct {
  size_t gates, slots;
  size_t first_x; /**< the first slot with a part of x; those with a part of h are [0, gates) */
  size_t units;   /**< `hidden`, rounded up to whole vectors */
  size_t planes;  /**< saved per step: the slots, then the GRU's h or the LSTM's c (whose h is cheap
                     to recompute from o and c) */
  size_t row;     /**< floats from one row [x, h] to the next */
  size_t d_row;   /**< floats from one row [slots][units] of gradients to the next */
  size_t group;   /**< samples of the largest group */
} dg_recurrent_plan;

/** The gate whose weights a slot uses. */
static inline size_t dg_recurrent_gate(const dg_recurrent_plan *plan, size_t slot) {
  return (slot + plan->gates - plan->first_x) % plan->gates;
}

/** Is the GRU's U_n h a slot of its own, which the reset gate is multiplied with? */
static inline bool dg_recurrent_splits(const dg_recurrent_desc *desc) {
  return desc->cell == DG_CELL_GRU && !desc->reset_before;
}

/** Is its state multiplied with the reset gate before the product instead? */
static inline bool dg_recurrent_resets(const dg_recurrent_desc *desc) {
  return desc->cell == DG_CELL_GRU && desc->reset_before;
}

static inline size_t dg_recurrent_directions(const dg_recurrent_desc *desc) {
  return desc->bidirectional ? 2 : 1;
}

/** For up to max_n samples. */
dg_recurrent_plan dg_recurrent_plan_of(const dg_recurrent_desc *desc, uint32_t max_n);

/** One direction of a layer over one batch. */
typedef struct {
  const dg_cpu_op *op;
  const dg_recurrent_desc *desc;
  const dg_recurrent_plan *plan;
  const dg_op_buffers *buffers;
  size_t samples, groups;
  size_t direction; /**< 1: from the last time step to the first */
} dg_recurrent_pass;

/**
 * Number of groups that the samples are cut into. `train`: in a training step, where groups have
 * separate sums.
 */
size_t dg_recurrent_groups(const dg_cpu_op *op, size_t samples, bool train);

/** Multiplications for these samples in one direction, for one operand of each product. */
size_t dg_recurrent_products(const dg_recurrent_desc *desc, size_t samples);

/** The time of step k. */
static inline size_t dg_recurrent_time(const dg_recurrent_pass *pass, size_t k) {
  return pass->direction == 1 ? pass->desc->steps - 1 - k : k;
}

enum { DG_RECURRENT_W, DG_RECURRENT_U, DG_RECURRENT_B, DG_RECURRENT_C };
/** A parameter of the direction in params, or its gradient in d_params. */
static inline float *dg_recurrent_param(const dg_recurrent_pass *pass, dg_buffer *const *params,
                                        size_t which) {
  return dg_floats(params[pass->direction * (2 + pass->desc->biases) + which]);
}

/** Samples that go through the steps together. */
typedef struct {
  size_t first, n;
} dg_recurrent_group;

dg_recurrent_group dg_recurrent_group_at(const dg_recurrent_pass *pass, size_t index);

/** The saved planes of a group's step k. */
float *dg_recurrent_saved(const dg_recurrent_pass *pass, dg_recurrent_group group, size_t k);

/** A sample's state after step k in the output (or its gradient); NULL if it isn't part of it.
    Samples are dg_recurrent_out_row apart. */
float *dg_recurrent_place(const dg_recurrent_pass *pass, float *out, size_t sample, size_t k);
size_t dg_recurrent_out_row(const dg_recurrent_desc *desc);

/** Writes to bias [units] the biases that a slot includes, for some units. */
void dg_recurrent_sum_biases(const dg_recurrent_pass *pass, size_t slot, dg_span units,
                             float *bias);

/**
 * plane = or += rows a [n][depth], `a_row` apart, times a matrix of `columns` columns: rows `from`
 * to `from + depth` of panels of `panel_rows` rows.
 */
void dg_recurrent_multiply(bool add, size_t n, size_t columns, size_t depth, const float *a,
                           size_t a_row, const float *panels, size_t panel_rows, size_t from,
                           float *plane);

/** Supports every description. */
extern const dg_cpu_implementation dg_recurrent_backward;

#endif
