/** Photographs for tests: a number of several digits on paper, in a light, as a camera sees it. */
#ifndef DG_TESTS_SCENE_H
#define DG_TESTS_SCENE_H

#include "core/base/philox.h"
#include "digits/picture.h"

enum { SCENE_SIDE = 28, SCENE_DIGITS = 8 };

/** Limits of a random number. Both 0: the default of its use. */
typedef struct {
  double least, most;
} span;

/** Lines that repeat; lengths are shares of the digits' height, thickness is in pixels. */
typedef struct {
  span spacing; /**< none: no lines */
  span thick;
  span gray;   /**< 0 black to 1 white */
  int heavier; /**< each so-manieth line is twice as thick; 0: none */
} scene_lines;

typedef enum { BOX_NONE, BOX_NUMBER, BOX_FIELDS, BOX_ADJOINING, BOX_COMB } scene_boxes;

/** What a kind of photograph is like. What is 0 is not there, or as usual. */
typedef struct {
  const char *name;
  span width; /**< of the picture, in pixels */
  span gap;   /**< between digits, as a share of their width; negative: pushed together */
  span paper, ink;
  span pen;   /**< threshold of the strokes: below 0.5 thicker, above thinner */
  span sizes; /**< factor of each digit's height */
  span slope; /**< of the row, in degrees */
  scene_lines rows, columns;
  span margin_line; /**< its gray */
  span underline;   /**< its place below the top of the digits, as a share of their height */
  scene_boxes boxes;
  span box_gray;
  span frame;  /**< thickness of a frame at the edge, in shares of the width */
  span border; /**< thickness of an uneven dark border, on `sides` sides */
  int sides;
  span corner;  /**< size of a dark corner */
  span table;   /**< gray of the table on which the page lies */
  span grain;   /**< of the table */
  span turned;  /**< the page, in degrees */
  span shadow;  /**< how much light it takes */
  span soft;    /**< width of its edge, as a share of the picture's */
  span slanted; /**< its edge, in degrees from upright */
  span band;    /**< width of a shadow that ends, as a share of the picture's */
  span vignette, gradient;
  span noise;   /**< standard deviation, in levels */
  span blur;    /**< reach, in shares of the digits' height */
  span quality; /**< of JPEG */
  int stains, holes, staples, folds;
} scene_kind;

/** The digits of a number and their images. */
typedef struct {
  uint32_t count;
  const uint8_t *images[SCENE_DIGITS]; /**< [SCENE_SIDE, SCENE_SIDE] each */
} scene_number;

extern const scene_kind scene_kinds[];
extern const uint32_t scene_kind_count;

/** Draws a photograph of a number. `size` scales widths; `folder` is for its JPEG file. */
dg_picture scene_draw(const scene_kind *kind, const scene_number *number, double size,
                      dg_random *random, const char *folder);

#endif
