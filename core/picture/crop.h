/** Cuts a digit out of a picture, in the format of MNIST. */
#ifndef DG_CROP_H
#define DG_CROP_H

#include "core/picture/components.h"

/**
 * Writes the image [height, width] (0 paper, 255 ink) of a digit (from 1 on) of grown components.
 * `box` is the box of its components; it becomes the digit's box in the picture.
 */
bool dg_crop(const dg_ink *ink, const dg_components *components, uint32_t digit, uint32_t height,
             uint32_t width, uint8_t *image, dg_box *box, dg_error *err);

#endif
