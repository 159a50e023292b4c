/** Answers of digits-serve to samples that programs send. */
#ifndef DG_SERVE_ANSWER_ARRAYS_H
#define DG_SERVE_ANSWER_ARRAYS_H

#include "tools/serve/answer.h"

/**
 * Runs the networks that take such samples, or the one that is named, on a request in JSON
 * (tools/serve/arrays/arrays.h): {device, milliseconds, models: [{name, model, milliseconds,
 * samples:
 * [{logits, probabilities, label, name}]}]}. Those of several labels have no `label`; those that
 * learned values have `values` alone, in the units of the targets. With a smallest probability,
 * `unsure` and `likeliest` are as in answer_predict. Calls of several threads take turns.
 */
answer answer_arrays(networks *n, const void *bytes, size_t size);

#endif
