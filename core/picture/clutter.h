/** Components of ink that are no digits. */
#ifndef DG_CLUTTER_H
#define DG_CLUTTER_H

#include "core/picture/components.h"

/**
 * Erases from the ink what touches the picture's edge, frames and boxes, remains of lines, and
 * blobs. `tall` becomes the usual height of what is left, weighted by ink; 0: nothing is left.
 */
bool dg_clutter_erase(dg_ink *ink, const dg_components *components, uint32_t *tall, dg_error *err);

#endif
