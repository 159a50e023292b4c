/** Samples of several planes, or of floats, from pictures in colour. */
#ifndef DG_PLANES_H
#define DG_PLANES_H

#include "core/data/dataset.h"
#include "digits/picture.h"

/**
 * Makes a sample of this kind, bytes or floats from 0 to 1, of a picture whose pixels are three
 * colours of `depth` bytes (core/picture/formats/colours.h). One plane gets their luma. The picture
 * is scaled if its size is another.
 */
bool dg_planes_take(uint8_t *sample, const dg_sample_kind *kind, const dg_picture *picture,
                    unsigned depth, dg_error *err);

#endif
