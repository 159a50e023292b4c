#include "tools/bench/json.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/file/file.h"
#include "core/base/text.h"
#include "digits/version.h"
#include "tools/common/command.h"
#include "tools/common/json_ended.h"

/** A number, or null if it is not finite. */
static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

json_t *bench_json_new(const bench_options *o, const dg_dataset *data) {
  return json_pack("{ss ss sI sI sf s[]}", "version", dg_version(), "data", dg_dataset_source(data),
                   "seed", (json_int_t)o->seed, "rounds", (json_int_t)o->rounds, "seconds",
                   o->seconds, "results");
}

static json_t *rounds(const bench_options *o, const double *series) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (uint32_t i = 0; i < o->rounds; i++) json_add(all, number(series[i]), &ok);
  return json_ended(all, ok);
}

/** Samples per second, and the same as operations and bytes per second and as shares of the
    peak. */
static json_t *speed(const bench_options *o, const bench_result *r, bench_series series,
                     double operations, double bytes) {
  double rate = r->median[series];
  json_t *object = json_pack("{so so so so so so so}", "samples_per_second", number(rate),
                             "operations", number(operations), "bytes", number(bytes), "gflops",
                             number(rate * operations * 1e-9), "gigabytes_per_second",
                             number(rate * bytes * 1e-9), "peak_share",
                             number(rate * operations / r->median[SERIES_PRODUCT]), "memory_share",
                             number(rate * bytes / r->median[SERIES_MEMORY]));
  bool ok = true;
  json_put(object, "rounds", rounds(o, r->series[series]), &ok);
  return json_ended(object, ok);
}

static json_t *losses(const bench_options *o, const bench_result *r) {
  json_t *values = json_array();
  uint32_t count = o->measures & MEASURE_LOSSES ? o->steps : 0;
  bool ok = values != NULL;
  for (uint32_t i = 0; i < count; i++) json_add(values, number(r->losses[i]), &ok);
  return json_pack("{so so}", "steps", json_ended(values, ok), "apart", number(r->apart));
}

static json_t *layers(const bench_result *r) {
  json_t *all = json_array();
  bool ok = all != NULL;
  for (size_t i = 0; i < r->layer_count; i++) {
    const dg_cost *c = &r->layers[i];
    json_add(all,
             json_pack("{ss ss so so so so so so}", "layer", c->layer, "op", c->op,
                       "forward_seconds", number(c->forward_seconds), "backward_seconds",
                       number(c->backward_seconds), "forward_operations",
                       number(c->forward_operations), "backward_operations",
                       number(c->backward_operations), "forward_bytes", number(c->forward_bytes),
                       "backward_bytes", number(c->backward_bytes)),
             &ok);
  }
  return json_ended(all, ok);
}

/** The peak rates of the device: medians and rounds. */
static json_t *peaks(const bench_options *o, const bench_result *r) {
  return json_pack("{so so so so}", "gflops", number(r->median[SERIES_PRODUCT] * 1e-9),
                   "gigabytes_per_second", number(r->median[SERIES_MEMORY] * 1e-9),
                   "product_rounds", rounds(o, r->series[SERIES_PRODUCT]), "memory_rounds",
                   rounds(o, r->series[SERIES_MEMORY]));
}

bool bench_json_add(json_t *all, const bench_options *o, const char *model, const bench_side *side,
                    const bench_result *r, dg_error *err) {
  if (!o->json) return true;
  if (dg_utf8_fault(model))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: can't be written as JSON, which takes names in UTF-8 alone", model);
  json_t *object = json_pack(
      "{ss ss ss ss sI sI sI sI so so so}", "model", model, "side", side->label, "backend",
      side->backend, "device", dg_device_name(side->opened), "threads",
      (json_int_t)command_units(side->opened), "batch", (json_int_t)r->batch, "parameters",
      (json_int_t)r->parameters, "device_bytes", (json_int_t)r->memory, "peak", peaks(o, r),
      "train", speed(o, r, SERIES_TRAIN, r->train_operations, r->train_bytes), "test",
      speed(o, r, SERIES_TEST, r->test_operations, r->test_bytes));
  bool ok = true;
  json_put(object, "latency",
           json_pack("{so so}", "seconds", number(r->median[SERIES_LATENCY]), "rounds",
                     rounds(o, r->series[SERIES_LATENCY])),
           &ok);
  json_put(object, "start",
           json_pack("{so so sI}", "cold", number(r->cold), "warm", number(r->warm),
                     "process_bytes", (json_int_t)r->host_memory),
           &ok);
  json_put(object, "exact", json_boolean(r->exact), &ok);
  json_put(object, "losses", losses(o, r), &ok);
  if (r->layer_count) json_put(object, "layers", layers(r), &ok);
  json_add(json_object_get(all, "results"), json_ended(object, ok), &ok);
  return ok || dg_fail_memory(err, sizeof(json_t));
}

static int write_piece(const char *bytes, size_t size, void *file) {
  dg_file_write(file, bytes, size);
  return 0;
}

bool bench_json_write(const json_t *all, const char *path, dg_error *err) {
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  if (json_dump_callback(all, write_piece, &file, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0)
    return dg_file_commit(&file, err);
  dg_file_abandon(&file);
  return dg_fail_memory(err, sizeof(json_t));
}
