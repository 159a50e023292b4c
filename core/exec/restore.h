/** Outputs in their own units: what targets, or inputs that are learned, were scaled by. */
#ifndef DG_RESTORE_H
#define DG_RESTORE_H

#include "core/model/model.h"

/** Are the targets of a model scaled? */
bool dg_scales_targets(const dg_model *model);

/** Has each key of the targets one number for all, or one for each of the outputs? */
bool dg_restore_check(const dg_model *model, uint32_t outputs, dg_error *err);

/** Scales the outputs [n, count] of samples back. `layout` is that of the samples
    (dg_gather_describe). */
void dg_restore(const dg_model *model, const dg_gather_desc *layout, uint32_t count, uint32_t n,
                float *outputs);

#endif
