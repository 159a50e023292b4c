/** Lines that are no digits: of ruled and squared paper, of boxes and frames. */
#ifndef DG_LINES_H
#define DG_LINES_H

#include "core/picture/ink.h"

/**
 * Erases lines from the ink, and keeps the strokes that cross them whole. `tall` is the height of
 * digits; while it is 0 (unknown), only the longest are erased. Erased pixels are set in
 * `ink->lines`.
 */
bool dg_lines_erase(dg_ink *ink, uint32_t tall, dg_error *err);

#endif
