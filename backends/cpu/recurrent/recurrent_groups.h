/** Forward in groups of samples, each a piece of work, for one direction of a layer. */
#ifndef DG_CPU_RECURRENT_GROUPS_H
#define DG_CPU_RECURRENT_GROUPS_H

#include "backends/cpu/recurrent/recurrent_pass.h"

#define dg_recurrent_groups_packed DG_ISA_NAME(dg_recurrent_groups_packed)
#define dg_recurrent_groups_worker DG_ISA_NAME(dg_recurrent_groups_worker)
#define dg_recurrent_groups_forward DG_ISA_NAME(dg_recurrent_groups_forward)

/** Floats of a direction's packed parameters. */
size_t dg_recurrent_groups_packed(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan);

/** Floats of workspace per worker. */
size_t dg_recurrent_groups_worker(const dg_recurrent_desc *desc, const dg_recurrent_plan *plan);

/** `keep`: save for backward. `packed`: first filled from the parameters if `pack`. `scratch`:
    workspace for all workers. */
void dg_recurrent_groups_forward(const dg_recurrent_pass *pass, bool keep, bool pack, float *packed,
                                 float *scratch);

#endif
