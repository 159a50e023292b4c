/** The output of digits-predict for a picture. */
#ifndef DG_FINDINGS_H
#define DG_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/data.h"
#include "digits/picture.h"

/** The digits of a picture, and a network's probabilities. */
typedef struct {
  const char *name; /**< of the picture */
  uint32_t height, width;
  const dg_digits *digits;
  uint32_t classes;
  const dg_classes *names;    /**< of the classes */
  const float *probabilities; /**< [digits, classes] */
  double least;               /**< probability of a digit's label, below which it is unsure; 0 */
} findings;

/** The most probable class of a digit. */
uint32_t findings_label(const findings *a, uint32_t digit);

/** Is the most probable class of a digit less probable than `least`? */
bool findings_unsure(const findings *a, uint32_t digit);

/** Prints the labels, `?` for unsure ones, and for each digit the `top` most probable classes,
    at least two of an unsure one. */
void findings_print(const findings *a, uint32_t top);

/** Prints one JSON object on a line. */
bool findings_print_json(const findings *a, dg_error *err);
/** The same for a picture that could not be read. */
bool findings_print_json_error(const char *name, const char *message, dg_error *err);

#endif
