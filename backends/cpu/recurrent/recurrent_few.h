/**
 * Forward of a layer that isn't trained over fewer samples than threads could share: one, above
 * all. There the weights' way into the processor is what takes time. So each thread has some units,
 * whose weights stay in its cache, and after every step the threads send each other their parts of
 * the state. W x is made for all steps before.
 */
#ifndef DG_CPU_RECURRENT_FEW_H
#define DG_CPU_RECURRENT_FEW_H

#include "backends/cpu/recurrent/recurrent.h"

#define dg_recurrent_few_prepare DG_ISA_NAME(dg_recurrent_few_prepare)
#define dg_recurrent_are_few DG_ISA_NAME(dg_recurrent_are_few)
#define dg_recurrent_few_forward DG_ISA_NAME(dg_recurrent_few_forward)

/** Adds to the plan; returns the floats of workspace. */
size_t dg_recurrent_few_prepare(const dg_cpu_op *op, dg_recurrent_plan *plan);

/** Are `samples` few? */
bool dg_recurrent_are_few(const dg_recurrent_plan *plan, size_t samples);

/** One direction. `packed`: the plan's few_packed floats, made first of the weights if `pack`. */
void dg_recurrent_few_forward(const dg_recurrent_pass *pass, bool pack, float *packed,
                              float *workspace);

#endif
