/** Targets in their own units. */
#ifndef DG_TARGETS_H
#define DG_TARGETS_H

#include "core/model/model.h"

/** Gives outputs [n, outputs] the units of the targets, if the recipe scales these. */
void dg_targets_restore(const dg_model *model, uint32_t outputs, uint32_t n, float *values);

#endif
