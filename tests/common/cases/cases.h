/**
 * The layer ops, shapes and inputs that every backend is tested with: the networks of the zoo with
 * small batches, and edge cases of tiles, tails and padding.
 */
#ifndef DG_TESTS_CASES_H
#define DG_TESTS_CASES_H

#include "backends/backend.h"

/** The content of a case's inputs. */
typedef enum {
  FILL_RANDOM,         /**< uniform in [-1, 1) */
  FILL_TIES,           /**< -1, 0 and 1 */
  FILL_WIDE,           /**< uniform in [-100, 100) */
  FILL_NAN,            /**< random, with sparse NaNs */
  FILL_MINUS_INFINITY, /**< mostly minus infinity */
  FILL_FAR,            /**< uniform in [29, 31): a mean far larger than the deviation */
} layer_fill;

typedef struct {
  dg_op_desc desc;
  uint32_t max_n;
  layer_fill fill;
} layer_case;

/** Writes the cases of a kind of layer op to `cases` (NULL: none); returns how many there are. */
size_t layer_cases(dg_op_kind kind, layer_case *cases);

/** Describes a case. */
void layer_case_text(const layer_case *c, char *text, size_t capacity);

/** Parameter k gets random numbers in [-scale, scale). */
float layer_case_scale(const dg_op_desc *desc, uint32_t k);

/** Input k holds lengths of sequences of so many steps; 0: it is another tensor. */
uint32_t layer_case_steps(const dg_op_desc *desc, uint32_t k);

/** A length from 0 to `steps` for a random number in [-1, 1). */
static inline float layer_case_length(double number, uint32_t steps) {
  return (float)(uint32_t)((number + 1) / 2 * (steps + 1.0));
}

#endif
