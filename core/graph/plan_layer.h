/** The plan of one layer of a model. */
#ifndef DG_PLAN_LAYER_H
#define DG_PLAN_LAYER_H

#include "core/model/model.h"

/**
 * Makes the plan of layer `index` of a model, whose inputs have the shapes `in`. Sizes that
 * overflow, and an op with other sizes, are errors.
 */
bool dg_plan_layer(const dg_model *model, uint32_t index, const dg_shape *in, dg_layer_plan *plan,
                   dg_error *err);

/** Puts a layer's location and name before the message in `err`; returns false. */
bool dg_name_layer(const dg_model_layer *layer, dg_error *err);

#endif
