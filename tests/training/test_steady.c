/*
 * The steady state: a training step allocates nothing, creates nothing and moves nothing between
 * host and device, but for the scalars that are read a few times an epoch. So a long epoch must do
 * no more of that than a short one. Of a set that the device has no room for, only the samples
 * move.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"
#include "tests/common/counting.h"
#include "tests/common/rig.h"

/** Steps of an epoch, whose last batch is short, and samples of the others: three threads part
 * them. */
enum { SHORT = 6, LONG = 36, BATCH = 25, SAMPLE = 28 * 28 + 1 };

/** What one epoch of training did. */
typedef struct {
  counts done;
  uint32_t looks;     /**< how often losses were read */
  unsigned long kept; /**< bytes of all parameters, with what is left free between them */
} epoch;

/** What is trained. */
typedef struct {
  const char *model;
  uint32_t slices;
  bool lengths; /**< the rows of a digit are a sequence, which may have a length */
  bool split;   /**< the device has room for a part of the samples */
} plan;

static bool count_look(void *user, const dg_progress *progress) {
  (void)progress;
  ++*(uint32_t *)user;
  return true;
}

/** Bytes that a network's parameters take on a device, each beginning at a multiple of 128. */
static unsigned long bytes_of(const dg_trainer *trainer) {
  enum { MOST = 256, UNIT = 128 };
  dg_parameter list[MOST];
  uint32_t count = dg_trainer_list_parameters(trainer, list, sizeof(dg_parameter), MOST);
  unsigned long bytes = 0;
  ck_assert_uint_le(count, MOST);
  for (uint32_t i = 0; i < count; i++)
    bytes += (list[i].count * sizeof(float) + UNIT - 1) / UNIT * UNIT;
  return bytes;
}

static void must(const rig_report *report, bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s: %s", report->target->label, err->message);
}

/** Trains a model for an epoch of `steps` steps. */
static epoch train(const rig_report *report, dg_device *device, const plan *p, uint32_t steps) {
  char batch[16], slices[16];
  snprintf(batch, sizeof batch, "%d", BATCH);
  snprintf(slices, sizeof slices, "%u", p->slices);
  const dg_override overrides[] = {
      {"test", "train.batch", batch},   {"test", "train.slices", slices},
      {"test", "train.epochs", "1"},    {"test", "train.keep", "last"},
      {"test", "data.validation", "0"}, {"test", "data.shuffle_block", p->split ? "4" : "0"},
      {"test", "input", "[28,28]"},     {"test", "lengths", "true"},
      {"test", "conv1.kernel", "3"},    {"test", "conv2.kernel", "3"},
      {"test", "conv3.kernel", "3"},    {"test", "out.units", "10"}};
  const size_t most = sizeof overrides / sizeof *overrides;
  epoch e = {.looks = 0};
  dg_error err = {0};
  dg_dataset *data = dg_dataset_draw(steps * BATCH - 1, 10, DG_DIGITS_SEED, 0, &err);
  must(report, data != NULL, &err);
  char path[500];
  snprintf(path, sizeof path, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, p->model);
  dg_model *model = dg_model_load(path, overrides, p->lengths ? most : most - 6, &err);
  must(report, model != NULL, &err);
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 1,
      .data_memory = p->split ? 100 * SAMPLE + 4 * (LONG * BATCH + 10) : 0,
      .listener =
          &(dg_listener){.size = sizeof(dg_listener), .user = &e.looks, .progress = count_look}};
  dg_trainer *trainer = dg_trainer_new(model, device, data, &options, &err);
  must(report, trainer != NULL, &err);

  counts before = counts_now();
  must(report, dg_trainer_train(trainer, &err), &err);
  e.done = counts_now();
  for (int kind = 0; kind < COUNTS; kind++) e.done.of[kind] -= before.of[kind];
  e.kept = bytes_of(trainer);

  dg_trainer_free(trainer);
  dg_model_free(model);
  dg_dataset_close(data);
  return e;
}

static void check_no_more(rig_report *report, const epoch *shorter, const epoch *longer,
                          count_kind kind, const char *what) {
  if (longer->done.of[kind] > shorter->done.of[kind])
    rig_fail(report, "%lu %s in %d steps, %lu in %d", shorter->done.of[kind], what, SHORT,
             longer->done.of[kind], LONG);
}

/** A look reads losses, correct counts and the fault: 8 bytes a slice and 8 more, in three reads.
   After the last step the parameters are read once, to see that they are finite. */
static void check_looks(rig_report *report, const epoch *e, uint32_t steps, uint32_t slices) {
  unsigned long reads = e->done.of[COUNT_READS], bytes = e->done.of[COUNT_READ_BYTES];
  if (reads > 3 * e->looks + 1 || bytes > 8 * ((slices ? slices : 1) * steps + e->looks) + e->kept)
    rig_fail(report, "%lu reads of %lu bytes in %u steps and %u looks", reads, bytes, steps,
             e->looks);
  if (e->done.of[COUNT_WAITS] > 3 * e->looks)
    rig_fail(report, "%lu waits in %u steps and %u looks", e->done.of[COUNT_WAITS], steps,
             e->looks);
}

/** What it takes to get ready must have been counted, or the wrappers are not in place. */
static void check_counting(rig_report *report, const counts *before) {
  counts now = counts_now();
  bool opencl = strcmp(report->target->backend->name, "opencl") == 0;
  for (int kind = 0; kind < (opencl ? COUNTS : 1); kind++)
    if (kind != COUNT_WAITS && kind != COUNT_SOURCES && now.of[kind] == before->of[kind])
      rig_fail(report, "nothing of kind %d was counted", kind);
}

/** Products, recurrent layers, and a graph with batch norms and warped images, whole and in slices.
 */
static const plan plans[] = {{.model = "cnn"},
                             {.model = "conv1d-gru"},
                             {.model = "residual"},
                             {.model = "residual", .slices = 3},
                             {.model = "signals", .lengths = true},
                             {.model = "fcnn", .split = true}};

static void check_training(const rig_target *target, int number) {
  const plan *p = &plans[number];
  rig_report report = {.target = target, .cases = 1};
  snprintf(report.what, sizeof report.what, "training of %s, slices %u", p->model, p->slices);
  counts before = counts_now();
  dg_device *device = rig_open(target);
  epoch shorter = train(&report, device, p, SHORT), longer = train(&report, device, p, LONG);
  check_counting(&report, &before);
  check_no_more(&report, &shorter, &longer, COUNT_ALLOCATIONS, "allocations");
  check_no_more(&report, &shorter, &longer, COUNT_OBJECTS, "objects created");
  if (!p->split) check_no_more(&report, &shorter, &longer, COUNT_WRITES, "transfers to the device");
  check_looks(&report, &shorter, SHORT, p->slices);
  check_looks(&report, &longer, LONG, p->slices);
  device->calls->close(device);
  rig_conclude(&report);
}

int main(void) {
  static const rig_group groups[] = {
      {"cnn", check_training, 0},      {"conv1d-gru", check_training, 1},
      {"residual", check_training, 2}, {"slices", check_training, 3},
      {"lengths", check_training, 4},  {"split", check_training, 5}};
  return rig_main("steady", groups, sizeof groups / sizeof *groups);
}
