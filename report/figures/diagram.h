/** A diagram of a network: layers as boxes, with arrows from their inputs. */
#ifndef DG_DIAGRAM_H
#define DG_DIAGRAM_H

#include "digits/model.h"
#include "report/figures/drawing.h"

/** Draws the layers of dg_model_layers from the top to the bottom; the caller frees the drawing. */
void diagram_draw(const dg_layer_info *layers, size_t count, drawing *d);

/** Text of a layer's output shape: "16 × 28 × 28". Returns `text`. */
char *diagram_shape(const dg_layer_info *layer, char *text, size_t capacity);

#endif
