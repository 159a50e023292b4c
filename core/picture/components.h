/** Connected components of ink: parts of a picture that hang together, and the digits that they
 * make. */
#ifndef DG_COMPONENTS_H
#define DG_COMPONENTS_H

#include "core/picture/ink.h"

/** Ink that hangs together. */
typedef struct {
  dg_box box;
  uint32_t digit; /**< that it is a part of, from 1 on; 0: of none, a speck */
} dg_component;

typedef struct {
  uint32_t count;
  dg_component *items;
  uint32_t *labels; /**< of each pixel: its component, from 1 on, or 0 */
  uint32_t digits;
} dg_components;

/** Finds the components of clear ink. Free with dg_components_free, also on failure. */
bool dg_components_find(const dg_ink *ink, dg_components *components, dg_error *err);
void dg_components_free(dg_components *components);

/**
 * Says which components make a digit: parts of one, like the bar of a 5 that does not touch the
 * rest, are grouped, specks left out. Digits are numbered line by line, each from left to right.
 * More components than a picture of digits has, or no digit, is an error; `name` stands for the
 * picture.
 */
bool dg_components_group(dg_components *components, const char *name, dg_error *err);

/** Writes the box around all components of each digit: [components->digits]. */
void dg_components_boxes(const dg_components *components, dg_box *boxes);

/** Gives each pixel of faint ink to the component that is nearest along the ink. */
bool dg_components_grow(const dg_ink *ink, dg_components *components, dg_error *err);

#endif
