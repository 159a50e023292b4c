/** Pictures in colour. */
#ifndef DG_COLOURS_H
#define DG_COLOURS_H

#include "digits/picture.h"

/**
 * dg_picture_decode_with that keeps colours: the pixels are [height, width, 3] of `depth` bytes (1,
 * or 2 with the high byte first). Grays are three equal colours, and transparent pixels lie over
 * white.
 */
bool dg_colours_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       unsigned depth, const dg_picture_options *options, dg_error *err);

#endif
