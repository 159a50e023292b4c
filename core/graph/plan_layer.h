/** What one layer of a model asks for and gives. */
#ifndef DG_PLAN_LAYER_H
#define DG_PLAN_LAYER_H

#include "core/model/model.h"

/**
 * Asks layer `index` of a model, whose inputs have the shapes `in`, for its plan. Sizes that can't
 * be counted, and an op that isn't of these sizes, are errors.
 */
bool dg_plan_layer(const dg_model *model, uint32_t index, const dg_shape *in, dg_layer_plan *plan,
                   dg_error *err);

/** Puts a layer's location and name before the message in `err`; returns false. */
bool dg_name_layer(const dg_model_layer *layer, dg_error *err);

#endif
