/** The page in a picture that also shows what it lies on. */
#ifndef DG_PAGE_H
#define DG_PAGE_H

#include "core/picture/ink.h"

/**
 * Replaces what lies beside the page of a picture [height, width] by paper as bright as the page's
 * edge. There is a page where two levels of gray suffice for a picture, without what is drawn, and
 * one of them surrounds the other.
 */
bool dg_page_extend(uint8_t *pixels, uint32_t height, uint32_t width, dg_error *err);

#endif
