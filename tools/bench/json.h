/** digits-bench --json: all results as one object. */
#ifndef DG_BENCH_JSON_H
#define DG_BENCH_JSON_H

#include <jansson.h>

#include "digits/data.h"
#include "tools/bench/measure.h"

/** Makes the object with its first members. The caller frees it (json_decref). */
json_t *bench_json_new(const bench_options *o, const dg_dataset *data);
/** Adds the results of a model on a side, if there is an object. A name that is not UTF-8 is an
    error. */
bool bench_json_add(json_t *all, const bench_options *o, const char *model, const bench_side *side,
                    const bench_result *result, dg_error *err);
/** Writes the object to a file, by way of a temporary file beside it. */
bool bench_json_write(const json_t *all, const char *path, dg_error *err);

#endif
