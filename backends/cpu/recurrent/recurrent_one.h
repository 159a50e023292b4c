/**
 * Forward of a layer that isn't trained, for one sample. It is bound by loading the weights. So
 * each rank of a team owns some units, whose weights stay in its core's cache, and after every step
 * the ranks read each other's parts of the state. W x is computed for all steps in advance.
 */
#ifndef DG_CPU_RECURRENT_ONE_H
#define DG_CPU_RECURRENT_ONE_H

#include "backends/cpu/recurrent/recurrent_pass.h"
#include "backends/cpu/runtime/thread_team.h"

#define dg_recurrent_one_ranks DG_ISA_NAME(dg_recurrent_one_ranks)
#define dg_recurrent_one_packed DG_ISA_NAME(dg_recurrent_one_packed)
#define dg_recurrent_one_workspace DG_ISA_NAME(dg_recurrent_one_workspace)
#define dg_recurrent_one_forward DG_ISA_NAME(dg_recurrent_one_forward)

/** Number of ranks that share the units. */
size_t dg_recurrent_one_ranks(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan);

/** Floats of a direction's packed parameters. */
size_t dg_recurrent_one_packed(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan);

/** Floats of workspace. */
size_t dg_recurrent_one_workspace(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan);

/** One direction, by a team of the ranks. `packed`: first filled from the parameters if `pack`. */
void dg_recurrent_one_forward(const dg_recurrent_pass *pass, dg_team *team, bool pack,
                              float *packed, float *workspace);

#endif
