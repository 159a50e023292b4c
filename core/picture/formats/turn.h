/** Turns a picture as it was held. */
#ifndef DG_TURN_H
#define DG_TURN_H

#include "digits/picture.h"

/** Rotates and mirrors a picture so that the top of the scene is its first row. `how` is the
    orientation of dg_exif_orientation; 0: unknown. */
bool dg_picture_turn(dg_picture *picture, unsigned how, unsigned bytes_a_pixel, dg_error *err);

#endif
