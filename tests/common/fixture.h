/**
 * A small model for a test with its device, data set and trainer, made through the public API and
 * freed together. If something can't be made, the test ends with the message.
 */
#ifndef DG_TESTS_FIXTURE_H
#define DG_TESTS_FIXTURE_H

#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"

/** What to make. For groups of the model file, give the text within their brackets. */
typedef struct {
  const char *backend;  /**< NULL: cpu, with one thread */
  const char *layers;   /**< for images of 28x28 */
  const char *recipe;   /**< `loss`, `data` and `train`, as in a model file; NULL: the defaults */
  uint32_t train, test; /**< drawn images; 0: as few as possible */
  uint32_t seed;        /**< of the run */
  const char *state;    /**< see dg_trainer_options */
  bool resume, test_only;
  dg_listener listener;
} fixture_plan;

typedef struct {
  dg_model *model;
  dg_device *device;
  dg_dataset *data;
  dg_trainer *trainer;
} fixture;

fixture fixture_new(const fixture_plan *plan);
void fixture_free(fixture *f);

/** Trains; must succeed. */
void fixture_train(fixture *f);

/** A parameter by its name, as doubles; `count`, unless NULL, gets their number. The caller frees
    them. */
double *fixture_read(fixture *f, const char *name, size_t *count);

/** Zeroed memory; ends the test on failure. */
void *fixture_alloc(size_t count, size_t size);

/** The name of backend 0 (cpu) or 1 (opencl). */
const char *fixture_backend(int index);

#endif
