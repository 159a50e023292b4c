/** The most probable classes of an answer. */
#ifndef DG_LIKELIEST_H
#define DG_LIKELIEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "digits/data.h"

/** What is shown in place of a class that is too improbable. */
#define UNSURE "?"

/** The class for which `rank` others are more probable; of equal ones, the smaller comes first. */
uint32_t likeliest_class(const float *probabilities, uint32_t classes, uint32_t rank);

/** Is the most probable class less probable than `least`? */
bool likeliest_unsure(const float *probabilities, uint32_t classes, double least);

/** If answers are compared with a probability (`least` > 0) and the weights carry no temperature
    (0), prints that their probabilities may be too large. */
void likeliest_warn(const char *program, const char *weights, double least, double temperature);

/**
 * Adds `unsure` to the JSON object of an answer. If it is true, the object's `label` becomes null,
 * its `name` is removed, and the two most probable classes are added as `likeliest`: [{label,
 * probability, name}], with `name` if `names` (may be NULL) has one.
 */
void likeliest_mark(json_t *object, const float *probabilities, uint32_t classes,
                    const dg_classes *names, double least, bool *ok);

#endif
