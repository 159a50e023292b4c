/**
 * Forward of a layer that isn't trained over fewer samples than threads could share: one, above
 * all. There the weights' way into the processor is what takes time. So each thread has some units,
 * whose weights stay in its cache, and after every step the threads send each other their parts of
 * the state. W x is made for all steps before.
 */
#ifndef DG_CPU_RECURRENT_FEW_H
#define DG_CPU_RECURRENT_FEW_H

#include "backends/cpu/recurrent/recurrent_pass.h"

#define dg_recurrent_few_of DG_ISA_NAME(dg_recurrent_few_of)
#define dg_recurrent_few_workspace DG_ISA_NAME(dg_recurrent_few_workspace)
#define dg_recurrent_are_few DG_ISA_NAME(dg_recurrent_are_few)
#define dg_recurrent_few_forward DG_ISA_NAME(dg_recurrent_few_forward)

typedef struct {
  size_t samples;   /**< that are few, at most */
  size_t threads;   /**< that share their units */
  size_t array;     /**< floats of an array [samples][units] */
  size_t packed;    /**< floats of a direction's packed parameters */
  uint64_t message; /**< the number of the last one that threads sent each other */
} dg_recurrent_few;

dg_recurrent_few dg_recurrent_few_of(const dg_cpu_op *op, const dg_recurrent_plan *plan);

/** Floats of workspace. */
size_t dg_recurrent_few_workspace(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan,
                                  const dg_recurrent_few *few);

/** Are `samples` few? */
bool dg_recurrent_are_few(const dg_recurrent_few *few, size_t samples);

/** One direction. `packed`: few->packed floats, made first of the parameters if `pack`. */
void dg_recurrent_few_forward(const dg_recurrent_pass *pass, dg_recurrent_few *few, bool pack,
                              float *packed, float *workspace);

#endif
