/** The layers of a network as boxes, with an arrow for all that one reads of another. */
#ifndef DG_DIAGRAM_H
#define DG_DIAGRAM_H

#include "digits/model.h"
#include "report/figures/drawing.h"

/** Draws the layers of dg_model_layers from the top to the bottom; the caller frees the drawing. */
void diagram_draw(const dg_layer_info *layers, size_t count, drawing *d);

/** Text of what a layer gives: "16 × 28 × 28". Returns `text`. */
char *diagram_shape(const dg_layer_info *layer, char *text, size_t capacity);

#endif
