/** Finds the digits of a picture, also those that touch each other. */
#ifndef DG_FIND_H
#define DG_FIND_H

#include "core/picture/components.h"

/** Whoever can read digits: says how sure it is of each of some images, from 0 to 1. */
typedef struct {
  void *user;
  bool (*sure)(void *user, const uint8_t *images, uint32_t count, float *sure, dg_error *err);
} dg_judge;

/** dg_digits_find; digits that touch are taken apart where a judge is surer of the parts than of
    the whole. `judge` NULL: they stay one. */
bool dg_digits_find_judged(const dg_picture *picture, const char *name, uint32_t height,
                           uint32_t width, const dg_judge *judge, dg_digits *digits, dg_error *err);

/** Takes apart digits of grown components that touch, for images [height, width]. */
bool dg_digits_take_apart(const dg_ink *ink, dg_components *components, uint32_t height,
                          uint32_t width, const dg_judge *judge, dg_error *err);

#endif
