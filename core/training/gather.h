/** How a model's images are gathered. */
#ifndef DG_GATHER_H
#define DG_GATHER_H

#include "core/model/model.h"

/** The gather op of a model for images of height x width, augmented as its recipe says. */
dg_op_desc dg_gather_describe(const dg_model *model, uint32_t height, uint32_t width);

#endif
