/** The weights of the first layer as a picture. */
#ifndef DG_FILTERS_H
#define DG_FILTERS_H

#include "digits/train.h"
#include "report/figures/picture.h"

typedef struct {
  const dg_parameter *weights;
  const float *values; /**< [weights->count] */
  /** of the pictures that are the network's input; 0: it is another one */
  uint32_t channels, image_height, image_width;
} filters;

/**
 * Paints the weights, blue below zero and orange above: a tile for each kernel of a conv2d, for
 * each filter of a conv1d (a row for each input channel) and for each unit of a linear layer over
 * the whole image, else one tile with a row (or column) for each unit. Over colour pictures, a
 * conv2d or linear layer has a tile in colour for each filter or unit: gray is zero. `caption` gets
 * a description. The caller closes the picture.
 */
bool filters_paint(const filters *f, picture *p, char *caption, size_t capacity, dg_error *err);

#endif
