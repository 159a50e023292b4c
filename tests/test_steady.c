/*
 * The steady state: after the first steps, a training step allocates nothing, creates nothing and
 * moves nothing between host and device, but for the scalars that are read a few times an epoch.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/digits.h"
#include "tests/counting.h"
#include "tests/rig.h"

/** What the trainer's listener sees between two looks at the device. */
typedef struct {
  rig_report report;
  counts before, started;
  uint32_t epoch, step; /**< of the last look */
  uint32_t intervals, steps;
} watch;

static unsigned long since(const watch *w, const counts *now, count_kind kind) {
  return now->of[kind] - w->before.of[kind];
}

/** A look reads losses, correct counts and the fault: 8 bytes a step and 8 more, in three reads. */
static void check_interval(watch *w, const counts *now, uint32_t steps) {
  if (since(w, now, COUNT_ALLOCATIONS))
    rig_fail(&w->report, "%lu allocations in %u steps", since(w, now, COUNT_ALLOCATIONS), steps);
  if (since(w, now, COUNT_OBJECTS))
    rig_fail(&w->report, "%lu objects created in %u steps", since(w, now, COUNT_OBJECTS), steps);
  if (since(w, now, COUNT_WRITES))
    rig_fail(&w->report, "%lu transfers to the device in %u steps", since(w, now, COUNT_WRITES),
             steps);
  if (since(w, now, COUNT_READS) > 3 || since(w, now, COUNT_READ_BYTES) > 8 * steps + 8)
    rig_fail(&w->report, "%lu reads of %lu bytes in %u steps", since(w, now, COUNT_READS),
             since(w, now, COUNT_READ_BYTES), steps);
  if (since(w, now, COUNT_WAITS) > 3)
    rig_fail(&w->report, "%lu waits in %u steps", since(w, now, COUNT_WAITS), steps);
}

static bool on_progress(void *user, const dg_progress *progress) {
  watch *w = user;
  counts now = counts_now();
  bool same_epoch = progress->epoch == w->epoch && w->step > 0;
  if (same_epoch) {
    check_interval(w, &now, progress->step - w->step);
    w->intervals++;
    w->steps += progress->step - w->step;
  }
  w->epoch = progress->epoch;
  w->step = progress->step;
  w->before = counts_now(); /* what was printed here does not count */
  return true;
}

static void must(const watch *w, bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s: %s", w->report.place->label, err->message);
}

/** What it takes to start must have been counted, or the wrappers are not in place. */
static void check_counting(watch *w) {
  counts now = counts_now();
  bool opencl = strcmp(w->report.place->backend->name, "opencl") == 0;
  if (now.of[COUNT_ALLOCATIONS] == w->started.of[COUNT_ALLOCATIONS])
    rig_fail(&w->report, "no allocation was counted");
  for (int kind = COUNT_OBJECTS; opencl && kind <= COUNT_WRITES; kind++)
    if (now.of[kind] == w->started.of[kind])
      rig_fail(&w->report, "nothing of kind %d counted", kind);
}

static void check_training(const rig_place *place, int number) {
  (void)number;
  static const dg_override overrides[] = {
      {"test", "train.batch", "2"},     {"test", "train.epochs", "1"},
      {"test", "data.validation", "9"}, {"test", "conv1.filters", "8"},
      {"test", "conv2.filters", "8"},   {"test", "fc1.units", "32"}};
  const size_t override_count = sizeof overrides / sizeof *overrides;
  enum { TRAIN = 605 + 9, TEST = 10 }; /* 303 steps an epoch, the last one of one sample */
  watch w = {.report = {.place = place, .what = "training"}, .started = counts_now()};
  dg_error err = {0};
  dg_device *device = rig_open(place);
  dg_dataset *data = dg_dataset_builtin(TRAIN, TEST, DG_DIGITS_SEED, 0, &err);
  must(&w, data != NULL, &err);
  dg_model *model =
      dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", overrides, override_count, &err);
  must(&w, model != NULL, &err);
  dg_trainer_options options = {.seed = 1, .listener = {.user = &w, .progress = on_progress}};
  dg_trainer *trainer = dg_trainer_new(model, device, data, &options, &err);
  must(&w, trainer != NULL, &err);
  must(&w, dg_train(trainer, &err), &err);

  check_counting(&w);
  if (w.intervals < 2 || w.steps < 150)
    rig_fail(&w.report, "only %u steps were seen in %u intervals", w.steps, w.intervals);
  dg_trainer_free(trainer);
  dg_model_free(model);
  dg_data_close(data);
  device->calls->close(device);
  rig_conclude(&w.report);
}

int main(void) {
  static const rig_group group = {"training", check_training, 0};
  return rig_main("steady", &group, 1);
}
