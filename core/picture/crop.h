/** Cuts a digit out of a picture, in the format of MNIST. */
#ifndef DG_CROP_H
#define DG_CROP_H

#include "core/picture/components.h"

/** Where a digit is cut from those beside it: a column of the picture for each row of its box.
   NULL: not at all. The pixels of `right` belong to what follows. */
typedef struct {
  const uint32_t *left, *right;
} dg_cuts;

/**
 * Writes the image [height, width] (0 paper, 255 ink) of a digit (from 1 on) of grown components,
 * or of a part of it. `box` is the box of its components; it becomes the digit's box in the
 * picture, without height if there is no clear ink.
 */
bool dg_crop(const dg_ink *ink, const dg_components *components, uint32_t digit,
             const dg_cuts *cuts, uint32_t height, uint32_t width, uint8_t *image, dg_box *box,
             dg_error *err);

#endif
