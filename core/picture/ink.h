/** The ink of a picture: where it is, and how strong. */
#ifndef DG_INK_H
#define DG_INK_H

#include "digits/picture.h"

/** Strength of ink, from 0 (paper) to 255, in a picture that was downscaled if it is large. */
typedef struct {
  uint32_t height, width;
  uint32_t reduced;  /**< each pixel is the mean of so many x so many pixels of the picture */
  uint8_t *strength; /**< [height, width] */
  uint8_t *paper;    /**< [height, width]: gray of the paper; ink is brighter */
  uint8_t *lines;    /**< [height, width]: is a pixel of an erased line? */
  uint32_t reach;    /**< pixels from the middle of a stroke that surely are paper, if not ink */
  double noise;      /**< standard deviation of the paper's strength */
  uint8_t least;     /**< strength that paper does not reach */
  uint8_t clear;     /**< least strength of a pixel that is surely ink */
  uint8_t faint;     /**< least strength above the paper's noise */
} dg_ink;

/**
 * Finds the ink of a picture, dark on bright paper or bright on dark. A picture without ink, or too
 * small for any, is an error; `name` is its name there. Free with dg_ink_free.
 */
bool dg_ink_find(const dg_picture *picture, const char *name, dg_ink *ink, dg_error *err);
void dg_ink_free(dg_ink *ink);

/** Sets `clear` and `faint` by the ink that is there; called again after some was erased. Returns
    false if there is none. */
bool dg_ink_measure(dg_ink *ink);

/**
 * Replaces each pixel of an image [height, width] by the smallest, or the largest, of the (2 reach
 * + 1)^2 pixels around it that exist.
 */
bool dg_window_least(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                     dg_error *err);
bool dg_window_largest(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                       dg_error *err);

/**
 * Morphological opening of an image: removes what is bright and narrower than 2 reach + 1 pixels.
 * What is at the edge is taken to go on beyond it.
 */
bool dg_window_open(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                    dg_error *err);

#endif
