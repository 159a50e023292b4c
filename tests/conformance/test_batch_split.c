/*
 * Threads of the cpu backend that go through a chain of ops, each with its own samples: what they
 * do must be what one thread does, to the bit where nothing is summed up over samples.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/rig.h"

enum { N = 40, MAX_OPS = 64 };

/** Ops of a device, and memory for them. */
typedef struct {
  rig_report *report;
  dg_device *device;
  dg_op *op[MAX_OPS];
  size_t ops;
  dg_buffer *memory; /**< [floats] */
  size_t floats;
  dg_buffer *view[4 * MAX_OPS];
  size_t views;
} bench;

static void must(const bench *b, bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s: %s", b->report->what, err->message);
}

static bench bench_new(rig_report *report, const rig_target *target, uint32_t threads,
                       size_t floats) {
  rig_target here = *target;
  here.options.threads = threads;
  bench b = {.report = report, .device = rig_open(&here), .floats = floats};
  dg_error err = {0};
  float *numbers = rig_alloc(floats, sizeof *numbers);
  rig_random(numbers, floats, 5);
  b.memory = b.device->calls->buffer_new(b.device, floats * sizeof(float), &err);
  must(&b, b.memory && b.device->calls->write(b.memory, 0, numbers, floats * sizeof(float), &err),
       &err);
  free(numbers);
  return b;
}

/** Everything that is in memory; the caller frees it. */
static float *bench_close(bench *b) {
  dg_error err = {0};
  float *numbers = rig_alloc(b->floats, sizeof *numbers);
  must(b, b->device->calls->read(b->memory, 0, numbers, b->floats * sizeof(float), &err), &err);
  for (size_t i = 0; i < b->views; i++) b->device->calls->buffer_free(b->view[i]);
  b->device->calls->buffer_free(b->memory);
  for (size_t i = 0; i < b->ops; i++) b->device->calls->op_free(b->op[i]);
  b->device->calls->close(b->device);
  return numbers;
}

static dg_op *prepare(bench *b, const dg_op_desc *desc) {
  dg_error err = {0};
  dg_op *op = b->op[b->ops++] = b->device->calls->prepare(b->device, desc, N, true, &err);
  must(b, op != NULL, &err);
  return op;
}

static dg_buffer *at(bench *b, size_t first, size_t floats) {
  dg_error err = {0};
  dg_buffer *view = b->view[b->views++] =
      b->device->calls->buffer_view(b->memory, first * sizeof(float), floats * sizeof(float), &err);
  must(b, view != NULL, &err);
  return view;
}

/** Memory of its own, for what an op keeps or works in; NULL where it wants none. */
static dg_buffer *new_buffer(bench *b, size_t bytes) {
  dg_error err = {0};
  if (!bytes) return NULL;
  dg_buffer *buffer = b->view[b->views++] = b->device->calls->buffer_new(b->device, bytes, &err);
  must(b, buffer != NULL, &err);
  return buffer;
}

static void forward(bench *b, dg_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_error err = {0};
  must(b, b->device->calls->forward(op, buffers, step, &err), &err);
}

static void backward(bench *b, dg_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_error err = {0};
  must(b, b->device->calls->backward(op, buffers, step, &err), &err);
}

static const dg_step step = {.n = N, .train = true, .seed = 3};

/** Each runs something on a new bench and gives back what is in memory then. */
typedef float *(*scene)(rig_report *report, const rig_target *target, uint32_t threads,
                        size_t *floats);

/** More runs than wait at a time. */
static float *long_row(rig_report *report, const rig_target *target, uint32_t threads,
                       size_t *floats) {
  enum { WIDTH = 32, SIZE = N * WIDTH };
  *floats = 2 * (MAX_OPS + 1) * (size_t)SIZE;
  bench b = bench_new(report, target, threads, *floats);
  dg_op_desc desc = {.kind = DG_OP_ACTIVATION,
                     .d_in = {DG_GRAD_WRITE},
                     .activation = {WIDTH, {.kind = DG_ACT_TANH}}};
  dg_op_buffers buffers[MAX_OPS];
  dg_buffer *value = at(&b, 0, SIZE), *gradient = at(&b, SIZE, SIZE);
  for (size_t i = 0; i < MAX_OPS; i++) {
    dg_buffer *out = at(&b, (2 * i + 2) * SIZE, SIZE), *d_out = at(&b, (2 * i + 3) * SIZE, SIZE);
    buffers[i] = (dg_op_buffers){.in = {value}, .d_in = {gradient}, .out = {out}, .d_out = d_out};
    value = out, gradient = d_out;
    forward(&b, prepare(&b, &desc), &buffers[i], &step);
  }
  for (size_t i = MAX_OPS; i-- > 0;) backward(&b, b.op[i], &buffers[i], &step);
  return bench_close(&b);
}

/** A forward that is run again before backward, which needs what the second one kept. */
static float *forward_twice(rig_report *report, const rig_target *target, uint32_t threads,
                            size_t *floats) {
  enum { COUNT = 5, SIZE = 208 }; /* more than N * COUNT, for views begin at whole lines */
  *floats = 6 * SIZE;
  bench b = bench_new(report, target, threads, *floats);
  dg_op *drop = prepare(
      &b,
      &(dg_op_desc){.kind = DG_OP_DROPOUT, .d_in = {DG_GRAD_WRITE}, .dropout = {COUNT, 0.5f, 1}});
  dg_op *act = prepare(&b, &(dg_op_desc){.kind = DG_OP_ACTIVATION,
                                         .d_in = {DG_GRAD_WRITE},
                                         .activation = {COUNT, {.kind = DG_ACT_SIGMOID}}});
  dg_op_buffers first = {.in = {at(&b, 0, SIZE)}, .d_in = {at(&b, SIZE, SIZE)}};
  first.saved = new_buffer(&b, drop->needs.saved);
  first.out[0] = at(&b, 2 * SIZE, SIZE), first.d_out = at(&b, 3 * SIZE, SIZE);
  dg_op_buffers second = {.in = {first.out[0]}, .d_in = {first.d_out}};
  second.out[0] = at(&b, 4 * SIZE, SIZE), second.d_out = at(&b, 5 * SIZE, SIZE);
  forward(&b, drop, &first, &step);
  forward(&b, drop, &first, &step);
  forward(&b, act, &second, &step);
  backward(&b, act, &second, &step);
  backward(&b, drop, &first, &step);
  return bench_close(&b);
}

/** Tensors of other sizes one after the other in the same memory: splits must meet. */
static float *shared_memory(rig_report *report, const rig_target *target, uint32_t threads,
                            size_t *floats) {
  enum { SMALL = 48, LARGE = 96, PART = N * LARGE };
  *floats = 3 * (size_t)PART;
  bench b = bench_new(report, target, threads, *floats);
  const dg_op_desc tanh_of = {.kind = DG_OP_ACTIVATION,
                              .activation = {SMALL, {.kind = DG_ACT_TANH}}};
  const dg_op_desc twice = {.kind = DG_OP_CONCAT,
                            .concat = {.rows = 1, .inputs = 2, .count = {SMALL, SMALL}}};
  dg_buffer *small[] = {at(&b, 0, N * SMALL), at(&b, PART, N * SMALL), at(&b, 2 * PART, N * SMALL)};
  dg_buffer *large[] = {at(&b, 0, PART), at(&b, PART, PART), at(&b, 2 * PART, PART)};
  for (size_t i = 0; i < 12; i++) {
    size_t from = i % 3, to = (i + 1) % 3, then = (i + 2) % 3;
    forward(&b, prepare(&b, &tanh_of), &(dg_op_buffers){.in = {small[from]}, .out = {small[to]}},
            &step);
    forward(&b, prepare(&b, &twice),
            &(dg_op_buffers){.in = {small[from], small[to]}, .out = {large[then]}}, &step);
  }
  return bench_close(&b);
}

/**
 * What a dropout keeps, split after split, and then a tensor, sample after sample, in the same
 * memory: each of three splits keeps for 14 samples, rounded up, as many numbers as one sample has
 * of the other, by chance.
 */
static float *saved_by_chance(rig_report *report, const rig_target *target, uint32_t threads,
                              size_t *floats) {
  enum { COUNT = 16, SAMPLES = 32, ROUNDS = 20, SIZE = SAMPLES * COUNT };
  const dg_step some = {.n = SAMPLES, .train = true, .seed = 3};
  *floats = (ROUNDS + 11) * (size_t)SIZE;
  bench b = bench_new(report, target, threads, *floats);
  dg_op *drop = prepare(
      &b,
      &(dg_op_desc){.kind = DG_OP_DROPOUT, .d_in = {DG_GRAD_WRITE}, .dropout = {COUNT, 0.5f, 1}});
  dg_op *act = prepare(
      &b, &(dg_op_desc){.kind = DG_OP_ACTIVATION, .activation = {4 * COUNT, {DG_ACT_TANH, 0}}});
  dg_buffer *saved = at(&b, 0, drop->needs.saved / sizeof(float));
  const dg_op_buffers later = {.in = {at(&b, 4 * SIZE, 4 * SIZE)}, .out = {at(&b, 0, 4 * SIZE)}};
  for (size_t i = 0; i < ROUNDS; i++) {
    dg_op_buffers buffers = {.in = {at(&b, 8 * SIZE, SIZE)},
                             .out = {at(&b, 9 * SIZE, SIZE)},
                             .d_out = at(&b, 10 * SIZE, SIZE),
                             .d_in = {at(&b, (11 + i) * SIZE, SIZE)},
                             .saved = saved};
    forward(&b, drop, &buffers, &some);
    backward(&b, drop, &buffers, &some);
    forward(&b, act, &later, &some);
  }
  return bench_close(&b);
}

/** Two losses in a row: each has a mean of its own. */
static float *two_losses(rig_report *report, const rig_target *target, uint32_t threads,
                         size_t *floats) {
  enum { CLASSES = 8, SIZE = N * CLASSES, LABELS = 48, LINE = 16, SCORES = 4 * SIZE + LABELS };
  *floats = SCORES + 4 * LINE;
  bench b = bench_new(report, target, threads, *floats);
  const dg_op_desc desc = {.kind = DG_OP_LOSS,
                           .loss = {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = CLASSES}};
  dg_error err = {0};
  uint32_t labels[N];
  for (uint32_t i = 0; i < N; i++) labels[i] = i * 5 % CLASSES;
  dg_buffer *given = at(&b, 4 * SIZE, LABELS);
  must(&b, b.device->calls->write(given, 0, labels, sizeof labels, &err), &err);
  for (size_t i = 0; i < 2; i++) {
    dg_op *op = prepare(&b, &desc);
    dg_op_buffers buffers = {.in = {at(&b, i * SIZE, SIZE), given}};
    buffers.workspace = new_buffer(&b, op->needs.forward_workspace);
    buffers.out[0] = at(&b, (2 + i) * SIZE, SIZE);
    buffers.out[1] = at(&b, SCORES + 2 * i * LINE, LINE);
    buffers.out[2] = at(&b, SCORES + (2 * i + 1) * LINE, LINE);
    forward(&b, op, &buffers, &step);
  }
  return bench_close(&b);
}

/** The same bits, or numbers (not counts, which are no normal floats) that rounding parts. */
static bool alike(float a, float b) {
  uint32_t bits[2];
  memcpy(&bits[0], &a, sizeof a), memcpy(&bits[1], &b, sizeof b);
  return bits[0] == bits[1] || (isnormal(a) && fabsf(a - b) <= 1e-6f * fabsf(a));
}

static const struct {
  const char *name;
  scene play;
} scenes[] = {{"a long row", long_row},
              {"forward twice", forward_twice},
              {"shared memory", shared_memory},
              {"kept by chance", saved_by_chance},
              {"two losses", two_losses}};

static void try_scene(const rig_target *target, int number) {
  if (strcmp(target->backend->name, "cpu") != 0 || target->options.threads) return;
  rig_report report = {.target = target};
  for (uint32_t threads = 2; threads <= 3; threads++) {
    size_t floats, wrong = 0;
    snprintf(report.what, sizeof report.what, "%s, %u threads", scenes[number].name, threads);
    report.cases++;
    float *one = scenes[number].play(&report, target, 1, &floats);
    float *some = scenes[number].play(&report, target, threads, &floats);
    for (size_t i = 0; i < floats; i++) wrong += !alike(one[i], some[i]);
    if (wrong) rig_fail(&report, "%zu of %zu numbers are not those of one thread", wrong, floats);
    free(one), free(some);
  }
  rig_conclude(&report);
}

int main(void) {
  enum { SCENES = sizeof scenes / sizeof *scenes };
  rig_group groups[SCENES];
  for (int i = 0; i < SCENES; i++) groups[i] = (rig_group){scenes[i].name, try_scene, i};
  return rig_main("batch_split", groups, SCENES);
}
