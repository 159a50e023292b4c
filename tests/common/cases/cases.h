/**
 * The layer ops, shapes and inputs that every backend is tried with: the networks of the zoo at
 * small batch, and every shape that tiles, tails and paddings stumble over.
 */
#ifndef DG_TESTS_CASES_H
#define DG_TESTS_CASES_H

#include "backends/backend.h"

/** What the inputs of a case hold. */
typedef enum {
  FILL_RANDOM,         /**< uniform in [-1, 1) */
  FILL_TIES,           /**< -1, 0 and 1 */
  FILL_WIDE,           /**< uniform in [-100, 100) */
  FILL_NAN,            /**< random, with NaNs far from each other */
  FILL_MINUS_INFINITY, /**< mostly minus infinity */
  FILL_FAR,            /**< uniform in [29, 31): far from 0 for their deviation */
} layer_fill;

typedef struct {
  dg_op_desc desc;
  uint32_t max_n;
  layer_fill fill;
} layer_case;

/** Writes the cases of a kind of layer op to `cases` (NULL: none); returns how many there are. */
size_t layer_cases(dg_op_kind kind, layer_case *cases);

/** A case in words. */
void layer_case_text(const layer_case *c, char *text, size_t capacity);

/** Parameter k is tried with random numbers in [-scale, scale). */
float layer_case_scale(const dg_op_desc *desc, uint32_t k);

#endif
