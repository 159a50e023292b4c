/** Draws the samples of a built-in set on several threads. */
#ifndef DG_DRAWN_EACH_H
#define DG_DRAWN_EACH_H

#include <stdint.h>

/** Draws sample number `index`, whatever was drawn before. */
typedef void dg_draw_one(const void *context, uint32_t index);

/** Calls `draw` once for each number below `count`, on `threads` threads (0: dg_processors(); fewer
    if they can't be started). */
void dg_draw_each(uint32_t count, unsigned threads, dg_draw_one *draw, const void *context);

#endif
