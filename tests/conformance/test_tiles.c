/*
 * Tiles of the OpenCL products: whatever their size, a linear layer or a convolution comes to the
 * same bits, and nothing beside its tensors is written.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/runtime/tiles.h"
#include "oracle/oracle.h"
#include "tests/common/cases/cases.h"
#include "tests/common/rig.h"

enum { TENSORS = 10 };

/** Everything that an op reads and writes; results come last. */
typedef enum { IN, WEIGHT, BIAS, D_OUT, SAVED, WORKSPACE, OUT, D_IN, D_WEIGHT, D_BIAS } tensor_name;

typedef struct {
  dg_op *op;
  rig_tensor tensors[TENSORS];
  float *results[TENSORS]; /**< of the last four */
} tile_run;

static size_t bytes_of(const layer_case *c, const dg_op *op, int tensor) {
  const oracle_sizes z = oracle_sizes_of(&c->desc);
  const size_t workspace = op->needs.forward_workspace > op->needs.backward_workspace
                               ? op->needs.forward_workspace
                               : op->needs.backward_workspace;
  const size_t in = c->max_n * z.in[0], out = c->max_n * z.out;
  const size_t bias = z.params > 1 ? z.param[1] : 0;
  const size_t numbers[TENSORS] = {in, z.param[0], bias, out, 0, 0, out, in, z.param[0], bias};
  return tensor == SAVED       ? op->needs.saved
         : tensor == WORKSPACE ? workspace
                               : numbers[tensor] * sizeof(float);
}

static void open_tensors(tile_run *run, dg_device *device, const layer_case *c) {
  static const char *const names[TENSORS] = {"in",        "weight", "bias", "d_out",    "saved",
                                             "workspace", "out",    "d_in", "d_weight", "d_bias"};
  for (int t = 0; t < TENSORS; t++) {
    const size_t bytes = bytes_of(c, run->op, t);
    float *numbers = rig_alloc(bytes ? bytes : 1, 1);
    run->tensors[t] = rig_tensor_new(device, names[t], bytes);
    rig_random(numbers, bytes / sizeof *numbers, (uint32_t)t);
    const bool given = t < SAVED || (t == D_IN && c->desc.d_in[0] == DG_GRAD_ADD);
    rig_tensor_set(&run->tensors[t], given ? numbers : NULL, given ? bytes : 0);
    free(numbers);
  }
}

static void read_results(tile_run *run, rig_report *report, const layer_case *c) {
  for (int t = 0; t < TENSORS; t++) {
    const size_t bytes = run->tensors[t].bytes;
    const bool unwritten = t == D_IN && c->desc.d_in[0] == DG_GRAD_NONE;
    if (t >= OUT) run->results[t] = rig_alloc(bytes ? bytes : 1, 1);
    rig_tensor_get(report, &run->tensors[t], run->results[t], unwritten ? 0 : bytes);
  }
}

/** Trains an op for one step; the results are the caller's. */
static tile_run run_case(rig_report *report, dg_device *device, const layer_case *c) {
  dg_error err = {0};
  tile_run run = {.op = device->calls->prepare(device, &c->desc, c->max_n, true, &err)};
  if (!run.op) ck_abort_msg("%s: %s", report->what, err.message);
  open_tensors(&run, device, c);
  const rig_tensor *t = run.tensors;
  const dg_op_buffers b = {.in = {t[IN].view},
                           .d_in = {t[D_IN].view},
                           .out = {t[OUT].view},
                           .d_out = t[D_OUT].view,
                           .param = {t[WEIGHT].view, t[BIAS].view},
                           .d_param = {t[D_WEIGHT].view, t[D_BIAS].view},
                           .saved = t[SAVED].view,
                           .workspace = t[WORKSPACE].view};
  const dg_step step = {.n = c->max_n, .train = true};
  if (!device->calls->forward(run.op, &b, &step, &err) ||
      !device->calls->backward(run.op, &b, &step, &err) || !device->calls->finish(device, &err))
    rig_fail(report, "%s", err.message);
  read_results(&run, report, c);
  for (int i = 0; i < TENSORS; i++) rig_tensor_free(&run.tensors[i]);
  device->calls->op_free(run.op);
  return run;
}

static void free_results(tile_run *run) {
  for (int t = OUT; t < TENSORS; t++) free(run->results[t]);
}

/** Sets tiles number `choice` of each kernel, the default where there are fewer; returns how many
    there are at most. */
static size_t set_tiles(dg_cl_device *device, size_t choice) {
  size_t most = 0;
  for (int i = 0; i < DG_CL_TILED; i++) {
    size_t count;
    const dg_cl_tile *tiles = dg_cl_tile_choices(device, i, &count);
    device->tiles[i] = tiles[choice < count ? choice : 0];
    if (count > most) most = count;
  }
  return most;
}

/** Of `count` choices, those that are tried beside the default: every third and the last; all in a
    simulator, and where DIGITS_TEST_TILES is "all". */
static bool is_tried(size_t choice, size_t count) {
  const char *set = getenv("DIGITS_TEST_TILES");
  return choice % 3 == 1 || choice + 1 == count || rig_small() || (set && strcmp(set, "all") == 0);
}

static void try_tiles(rig_report *report, dg_device *device, const layer_case *c) {
  char text[sizeof report->what];
  layer_case_text(c, text, sizeof text);
  snprintf(report->what, sizeof report->what, "%.200s, by default", text);
  const size_t count = set_tiles((dg_cl_device *)device, 0);
  tile_run usual = run_case(report, device, c);
  for (size_t choice = 1; choice < count; choice++) {
    if (!is_tried(choice, count)) continue;
    set_tiles((dg_cl_device *)device, choice);
    snprintf(report->what, sizeof report->what, "%.200s, tiles %zu", text, choice);
    tile_run other = run_case(report, device, c);
    for (int t = OUT; t < TENSORS; t++)
      rig_same_bits(report, usual.tensors[t].name, other.results[t], usual.results[t],
                    usual.tensors[t].bytes / sizeof(float));
    free_results(&other);
    report->cases++;
  }
  free_results(&usual);
}

/** NaN has many bits, and which is chosen among two is the processor's affair. */
static bool is_wanted(const layer_case *c) {
  const oracle_sizes z = oracle_sizes_of(&c->desc);
  const size_t numbers = c->max_n * (z.in[0] + z.out) + z.param[0];
  return c->fill == FILL_RANDOM && numbers < (rig_small() ? 800 : 50000);
}

/** Has a target tiles that no other has? CLBlast has its own. */
static bool has_tiles(const rig_target *target) {
  return strcmp(target->backend->name, "opencl") == 0 && !rig_repeats(target, DG_OP_CONV2D);
}

static void try_layers(const rig_target *target, int kind) {
  if (!has_tiles(target)) return;
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  const size_t count = layer_cases((dg_op_kind)kind, NULL);
  layer_case *cases = rig_alloc(count, sizeof *cases);
  layer_cases((dg_op_kind)kind, cases);
  for (size_t i = 0; i < count; i++)
    if (is_wanted(&cases[i]) && device->calls->supports(device, &cases[i].desc))
      try_tiles(&report, device, &cases[i]);
  ck_assert_uint_gt(report.cases, 0);
  free(cases);
  device->calls->close(device);
  rig_conclude(&report);
}

/** Convolutions so large that tile form takes their sums turn by turn, or in chunks. */
static void try_turns(const rig_target *target, int number) {
  (void)number;
  if (!has_tiles(target) || rig_small()) return;
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  const dg_conv2d_desc turns = {48, 14, 14, 48, 3, 3, 1, 1, 1, 1, true, .pool = 0};
  const dg_conv2d_desc chunks = {32, 14, 14, 32, 5, 5, 1, 1, 2, 2, true, .pool = 0};
  const layer_case cases[] = {{{DG_OP_CONV2D, {DG_GRAD_WRITE}, .conv2d = turns}, 25, FILL_RANDOM},
                              {{DG_OP_CONV2D, {DG_GRAD_WRITE}, .conv2d = chunks}, 25, FILL_RANDOM}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) try_tiles(&report, device, &cases[i]);
  device->calls->close(device);
  rig_conclude(&report);
}

/** What every OpenCL 1.2 device has: 32 KiB of local memory. */
static void fit_local_memory(const rig_target *target, int number) {
  enum { SIDE = 16, LEAST = 32 << 10 };
  (void)number;
  if (strcmp(target->backend->name, "opencl") != 0) return;
  dg_device *device = rig_open(target);
  for (int i = 0; i < DG_CL_TILED; i++) {
    size_t count;
    const dg_cl_tile *tiles = dg_cl_tile_choices((dg_cl_device *)device, i, &count);
    for (size_t c = 0; c < count; c++)
      ck_assert_uint_le(sizeof(float) * tiles[c].depth *
                            ((SIDE * tiles[c].rows + 1) + (SIDE * tiles[c].columns + 1)),
                        LEAST);
  }
  device->calls->close(device);
}

int main(int argc, char **argv) {
  static const rig_group groups[] = {{"local memory", fit_local_memory, 0},
                                     {"linear", try_layers, DG_OP_LINEAR},
                                     {"conv2d", try_layers, DG_OP_CONV2D},
                                     {"conv1d", try_layers, DG_OP_CONV1D},
                                     {"turns", try_turns, 0}};
  if (argc > 1 && strcmp(argv[1], "--small") == 0) setenv("DIGITS_TEST_SMALL", "1", 1);
  return rig_main("tiles", groups, sizeof groups / sizeof *groups);
}
