/** digits-bench --json: all that was measured, as one object. */
#ifndef DG_BENCH_JSON_H
#define DG_BENCH_JSON_H

#include <jansson.h>

#include "digits/data.h"
#include "tools/bench/measure.h"

/** What the object begins with. The caller drops it (json_decref). */
json_t *bench_json_new(const bench_options *o, const dg_dataset *data);
/** Adds a model on a side, where JSON is asked for. A name that is not UTF-8 is an error. */
bool bench_json_add(json_t *all, const bench_options *o, const char *model, const bench_side *side,
                    const bench_result *result, dg_error *err);
/** Writes the object to a file, beside which it grows until it is whole. */
bool bench_json_write(const json_t *all, const char *path, dg_error *err);

#endif
