/** The weights of the first layer as a picture. */
#ifndef DG_FILTERS_H
#define DG_FILTERS_H

#include "digits/train.h"
#include "report/figures/picture.h"

typedef struct {
  const dg_parameter *weights;
  const float *values;                /**< [weights->count] */
  uint32_t image_height, image_width; /**< of the network's input */
} filters;

/**
 * Paints the weights, blue below zero and orange above: a tile for each kernel of a conv2d and each
 * unit of a linear layer over the whole image, else one tile with a row (or column) for each unit.
 * `caption` gets a description. The caller closes the picture.
 */
bool filters_paint(const filters *f, picture *p, char *caption, size_t capacity, dg_error *err);

#endif
