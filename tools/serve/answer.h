/** Answers of digits-serve: an HTTP status and a JSON object. */
#ifndef DG_SERVE_ANSWER_H
#define DG_SERVE_ANSWER_H

#include <jansson.h>
#include <stddef.h>

#include "tools/serve/networks.h"

typedef struct {
  unsigned status;
  json_t *object; /**< for json_decref; NULL: memory ran out */
} answer;

/**
 * Finds the digits of a picture, the `size` bytes of a PNG, JPEG or PGM file, and classifies them
 * with every network for such pictures: {device, milliseconds, digits: [{box, height, width,
 * image}], models: [{name, model, milliseconds, digits: [{label, probabilities}]}]}. With a
 * smallest probability, a digit also has `unsure`; if that is true, its label is null, and
 * `likeliest` has its two most probable classes. Calls of several threads take turns.
 */
answer answer_predict(networks *n, const void *bytes, size_t size);

/**
 * {device, models: [{name, model, height, width, classes, temperature, input, gives, pictures,
 * names}]}: temperature null: none; height and width 0: no gray pictures; classes: how many
 * outputs; gives: "class", "labels" or "values"; pictures: whether answer_predict asks it.
 */
answer answer_models(const networks *n);

/** {backend, name, threads} */
json_t *answer_device(const networks *n);

/** {error: message} */
answer answer_error(unsigned status, const char *message);

#endif
