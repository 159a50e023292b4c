/*
 * predict BACKEND MODEL WEIGHTS DATA OUT: writes what a network gives for the test images, float32
 * [test samples, outputs], to OUT, for comparison with other libraries (exchange_pytorch.py).
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"

/** What the program opens. */
typedef struct {
  dg_model *model;
  dg_device *device;
  dg_dataset *data;
  dg_trainer *trainer;
  float *logits;
  FILE *out;
} work;

static bool open_all(work *w, char **argv, dg_error *err) {
  static const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .test_only = true};
  w->model = dg_model_load(argv[2], NULL, 0, err);
  w->device = w->model ? dg_open(argv[1], NULL, 0, err) : NULL;
  w->data = w->device ? dg_dataset_open(argv[4], 0, err) : NULL;
  w->trainer = w->data ? dg_trainer_new(w->model, w->device, w->data, &options, err) : NULL;
  return w->trainer && dg_trainer_load(w->trainer, argv[3], err);
}

static bool write_logits(work *w, const char *path, dg_error *err) {
  size_t count = (size_t)dg_dataset_test_samples(w->data) * dg_trainer_outputs(w->trainer);
  w->logits = malloc(count * sizeof *w->logits);
  if (!w->logits) return dg_fail_memory(err, count * sizeof *w->logits);
  if (!dg_trainer_predict(w->trainer, NULL, w->logits, err)) return false;
  w->out = fopen(path, "wb");
  bool ok = w->out && fwrite(w->logits, sizeof *w->logits, count, w->out) == count;
  return ok || dg_fail(err, DG_ERR_RUNTIME, "%s could not be written", path);
}

static bool close_all(work *w) {
  bool ok = !w->out || fclose(w->out) == 0;
  free(w->logits);
  dg_trainer_free(w->trainer);
  dg_dataset_close(w->data);
  dg_close(w->device);
  dg_model_free(w->model);
  return ok;
}

int main(int argc, char **argv) {
  work w = {0};
  dg_error err = {0};
  if (argc != 6) {
    fprintf(stderr, "usage: predict BACKEND MODEL WEIGHTS DATA OUT\n");
    return 2;
  }
  bool ok = open_all(&w, argv, &err) && write_logits(&w, argv[5], &err);
  if (!ok) fprintf(stderr, "predict: %s\n", err.message);
  return close_all(&w) && ok ? 0 : 1;
}
