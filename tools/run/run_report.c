#include "tools/run/run_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 1000, MAX_PARAMETERS = 4 };

bool run_report_open(run_report *r, const char *folder, dg_error *err) {
  *r = (run_report){.folder = folder};
  if (!folder) return true;
  if (!report_folder_open(folder, err)) return false;
  report_path(folder, REPORT_LOG, r->log);
  return true;
}

/** The first test images as a set of their own. */
static bool open_pool(run_report *r, dg_error *err) {
  uint32_t chosen[POOL], count = dg_dataset_test_samples(r->data);
  if (count > POOL) count = POOL;
  for (uint32_t i = 0; i < count; i++) chosen[i] = i;
  r->pool = dg_dataset_select(r->data, chosen, count, err);
  return r->pool != NULL;
}

bool run_report_describe(run_report *r, const dg_model *model, dg_device *device,
                         const dg_dataset *data, dg_error *err) {
  size_t length;
  if (!r->folder) return true;
  r->model = model;
  r->device = device;
  r->data = data;
  if (!dg_model_describe(model, device, NULL, 0, &length, err)) return false;
  r->description = malloc(length + 1);
  if (!r->description) return dg_fail_memory(err, length + 1);
  return dg_model_describe(model, device, r->description, length + 1, &length, err) &&
         open_pool(r, err);
}

/** Frees the data recorded for a run. */
static void forget(run_report *r) {
  free(r->early);
  free(r->outputs);
  free(r->values);
  r->early = r->outputs = r->values = NULL;
}

void run_report_begin(run_report *r) {
  if (!r->folder) return;
  forget(r);
  r->begun = true;
  r->contents = (report_contents){.model = r->model,
                                  .description = r->description,
                                  .data = r->data,
                                  .tested = dg_dataset_part(r->data, DG_PART_TEST),
                                  .names = dg_dataset_classes(r->data)};
}

/** The network's outputs for the test images of a set, in new memory. */
static float *answer(dg_trainer *trainer, const dg_dataset *data, dg_error *err) {
  size_t count = (size_t)dg_dataset_test_samples(data) * dg_trainer_outputs(trainer);
  float *outputs = malloc(count * sizeof *outputs);
  if (!outputs) return dg_fail_memory(err, count * sizeof *outputs), NULL;
  if (dg_trainer_predict(trainer, data, outputs, err)) return outputs;
  free(outputs);
  return NULL;
}

void run_report_epoch(run_report *r, dg_trainer *trainer, uint32_t epoch) {
  if (!r->folder || r->early || dg_trainer_task(trainer) != DG_TASK_CLASS) return;
  r->early = answer(trainer, r->pool, &r->failure);
  if (!r->early) return;
  r->contents.early = r->early;
  r->contents.early_epoch = epoch;
  r->contents.early_count = dg_dataset_test_samples(r->pool);
}

/** Records the first parameter with more than one dimension. */
static bool take_weights(run_report *r, dg_trainer *trainer, dg_error *err) {
  dg_parameter list[MAX_PARAMETERS];
  uint32_t count = dg_trainer_list_parameters(trainer, list, sizeof(dg_parameter), MAX_PARAMETERS),
           i = 0;
  if (count > MAX_PARAMETERS) count = MAX_PARAMETERS;
  while (i < count && list[i].rank < 2) i++;
  if (i == count) return true;
  r->values = malloc(list[i].count * sizeof *r->values);
  if (!r->values) return dg_fail_memory(err, list[i].count * sizeof *r->values);
  if (!dg_trainer_get_parameter(trainer, list[i].name, r->values, err)) return false;
  snprintf(r->weights_name, sizeof r->weights_name, "%s", list[i].name);
  r->contents.weights = list[i];
  r->contents.weights.name = r->weights_name;
  r->contents.values = r->values;
  return true;
}

/** Records the metrics of a test. */
static void take_metrics(run_report *r, const test_result *result) {
  memcpy(r->each, result->each, sizeof r->each);
  r->contents.metrics = result->metrics;
  r->contents.each = r->each;
  r->contents.each_count = result->each_count;
}

bool run_report_take(run_report *r, dg_trainer *trainer, float *outputs, const test_result *result,
                     dg_error *err) {
  if (!r->folder) return free(outputs), true;
  r->outputs = outputs;
  r->contents.task = dg_trainer_task(trainer);
  r->contents.classes = dg_trainer_outputs(trainer);
  r->contents.temperature = dg_trainer_temperature(trainer);
  if (!take_weights(r, trainer, err)) return false;
  if (!outputs) return true;
  if (r->failure.kind != DG_OK) {
    if (err) *err = r->failure;
    return false;
  }
  r->contents.outputs = outputs;
  take_metrics(r, result);
  return true;
}

bool run_report_write(run_report *r, const char *stopped, dg_error *err) {
  if (!r->begun) return true;
  r->contents.stopped = stopped;
  return report_write(r->folder, &r->contents, err);
}

void run_report_close(run_report *r) {
  forget(r);
  free(r->description);
  dg_dataset_close(r->pool);
}
