/** Connected components of ink, and their grouping into digits. */
#ifndef DG_COMPONENTS_H
#define DG_COMPONENTS_H

#include "core/picture/ink.h"

/** A connected component of ink. */
typedef struct {
  dg_box box;
  uint32_t digit; /**< the digit that it belongs to, from 1 on; 0: none, it is a speck */
  float doubt;    /**< probability that its digit is none, a part of one, or several */
} dg_component;

typedef struct {
  uint32_t count;
  dg_component *items;
  uint32_t *labels; /**< of each pixel: its component, from 1 on, or 0 */
  uint32_t digits;
} dg_components;

/** Finds the components of clear ink, in the order of their first rows. Free with
 * dg_components_free, also on failure. */
bool dg_components_find(const dg_ink *ink, dg_components *components, dg_error *err);
void dg_components_free(dg_components *components);

/**
 * Groups components into digits. Parts of a digit that do not touch, like the bar of a 5, are
 * grouped; specks are left out. Digits are numbered line by line, each from left to right. Too many
 * components for a picture of digits, or no digit, is an error; `name` is the picture's name in it.
 */
bool dg_components_group(dg_components *components, const char *name, dg_error *err);

/** Writes the box around all components of each digit: [components->digits]. */
void dg_components_boxes(const dg_components *components, dg_box *boxes);

/** Is a box wider than that of any digit? Then it is that of several. */
static inline bool dg_box_is_wide(const dg_box *box) {
  return 10ull * box->width > 19ull * box->height;
}

/** Assigns each pixel of faint ink near a component to the one that is nearest along the ink. */
bool dg_components_grow(const dg_ink *ink, dg_components *components, dg_error *err);

#endif
