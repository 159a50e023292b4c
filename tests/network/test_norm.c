/*
 * Batch normalization in a network: where its running statistics lie, what a weight file has of
 * them, that a network that only tests folds it away without changing an answer, and that one that
 * trains joins it to the convolution before it.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exec/internal.h"
#include "core/weights/weights.h"
#include "tests/common/rig.h"
#include "tests/common/suite.h"

enum { N = 6, PIXELS = 144, CLASSES = 10 };

#define HEAD "name = \"norms\"; input = [1, 12, 12];\nlayers = (\n"
#define NORM(name) "{ type = \"batch_norm\"; name = \"" name "\"; },\n"

/** Every way to fold: with and without bias and activation, behind each kind of product. */
static const char all_fold[] =
    HEAD "{ type = \"conv2d\"; name = \"c1\"; filters = 6; kernel = 3; bias = false; },\n" NORM(
        "n1") "{ type = \"relu\"; },\n"
              "{ type = \"conv2d\"; name = \"c2\"; filters = 8; kernel = 3; stride = 2; },\n" NORM(
                  "n2") "{ type = \"leaky_relu\"; slope = 0.1; },\n"
                        "{ type = \"flatten\"; order = \"hwc\"; },\n"
                        "{ type = \"linear\"; name = \"f1\"; units = 7; bias = false; },\n" NORM(
                            "n3") "{ type = \"sigmoid\"; },\n"
                                  "{ type = \"linear\"; name = \"out\"; units = 10; },\n"
                                  "{ type = \"batch_norm\"; name = \"n4\"; }\n);\n";

static const char sequence_folds[] =
    "name = \"norms\"; input = [12, 12];\nlayers = (\n"
    "{ type = \"conv1d\"; name = \"c1\"; filters = 5; kernel = 3; padding = 1; },\n" NORM(
        "n1") "{ type = \"tanh\"; },\n"
              "{ type = \"conv1d\"; name = \"c2\"; filters = 9; kernel = 2; bias = false; "
              "},\n" NORM("n2") "{ type = \"global_avgpool\"; },\n"
                                "{ type = \"linear\"; name = \"out\"; units = 10; }\n);\n";

/** Norms that must stay: of a product that another layer reads too, one with an activation, of
    other channels than its filters, and of no product. */
static const char none_folds[] =
    HEAD "{ type = \"conv2d\"; name = \"c1\"; filters = 4; kernel = 3; padding = 1; "
         "},\n" NORM("n1") "{ type = \"add\"; inputs = [\"c1\", \"n1\"]; },\n" NORM(
             "n2") "{ type = \"conv2d\"; name = \"c2\"; filters = 3; kernel = 3; "
                   "stride = 2; },\n"
                   "{ type = \"relu\"; },\n" NORM(
                       "n3") "{ type = \"conv2d\"; name = \"c3\"; filters = 2; "
                             "kernel = 3; },\n"
                             "{ type = \"flatten\"; },\n" NORM(
                                 "n4") "{ type = \"linear\"; name = \"out\"; units "
                                       "= 10; }\n);\n";

/** Norms behind norms: a product takes the first along. */
static const char in_a_row[] =
    HEAD "{ type = \"conv2d\"; name = \"c1\"; filters = 4; kernel = 3; },\n" NORM("n1")
        NORM("n2") "{ type = \"relu\"; },\n"
                   "{ type = \"flatten\"; },\n"
                   "{ type = \"linear\"; name = \"out\"; units = 10; },\n" NORM(
                       "n3") "{ type = \"batch_norm\"; name = \"n4\"; }\n);\n";

static dg_network *build(dg_model *model, dg_device *device, bool train) {
  dg_error err = {0};
  dg_network *network = dg_network_build(model, device, N, train, &err);
  ck_assert_msg(network != NULL, "%s", err.message);
  return network;
}

static dg_model *parse(const char *text) {
  dg_error err = {0};
  dg_model *model = dg_model_parse(text, "norms.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

/** Random parameters and running statistics; variances are positive. */
static void randomize(dg_network *network, uint32_t seed, float *values) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list);
  dg_error err = {0};
  memset(values, 0, dg_network_floats(network) * sizeof *values);
  for (uint32_t p = 0; p < count; p++) {
    float *x = values + list[p].offset;
    rig_random(x, list[p].count, seed + p);
    for (uint32_t i = 0; i < list[p].count && strstr(list[p].name, "running_var"); i++)
      x[i] = x[i] * x[i] + 0.1f;
  }
  ck_assert_msg(dg_network_write(network, values, &err), "%s", err.message);
}

/** The answers of a network to images of a seed. */
static void answers(dg_network *network, bool train, uint32_t seed, float *logits) {
  float images[N * PIXELS];
  dg_error err = {0};
  dg_step step = {.n = N, .train = train};
  rig_random(images, N * PIXELS, seed);
  const dg_device_calls *calls = network->device->calls;
  bool ok = calls->write(dg_network_input(network), 0, images, sizeof images, &err) &&
            dg_network_forward(network, &step, &err) &&
            calls->read(dg_network_output(network), 0, logits, N * CLASSES * 4, &err);
  ck_assert_msg(ok, "%s", err.message);
}

/* ---- folding ------------------------------------------------------------ */

static const struct {
  const char *model;
  uint32_t norms, folded;
} foldings[] = {{all_fold, 4, 4}, {sequence_folds, 2, 2}, {none_folds, 4, 0}, {in_a_row, 4, 2}};

static void check_folding(const rig_target *target, int number) {
  rig_report report = {.target = target};
  snprintf(report.what, sizeof report.what, "model %d", number);
  dg_device *device = rig_open(target);
  dg_model *model = parse(foldings[number].model);
  dg_network *trains = build(model, device, true), *tests = build(model, device, false);
  float *values = rig_alloc(dg_network_floats(trains), sizeof *values);
  float *back = rig_alloc(dg_network_floats(trains), sizeof *back);
  dg_error err = {0};
  ck_assert_uint_eq(tests->graph.node_count + foldings[number].folded, trains->graph.node_count);
  ck_assert_uint_eq(dg_network_floats(tests), dg_network_floats(trains));
  for (uint32_t seed = 0; seed < 200; seed += 100) { /* the second time, all is folded anew */
    float plain[N * CLASSES], folded[N * CLASSES];
    randomize(trains, seed, values);
    randomize(tests, seed, values);
    answers(trains, false, seed, plain);
    answers(tests, false, seed, folded);
    double *expected = rig_doubles(plain, N * CLASSES);
    rig_close(&report, "logits", folded, expected, N * CLASSES, 1e-5);
    free(expected);
    ck_assert(dg_network_read(tests, back, &err));
    rig_same_bits(&report, "parameters", back, values, dg_network_floats(tests));
  }
  free(values), free(back);
  dg_network_free(trains), dg_network_free(tests);
  dg_model_free(model);
  device->calls->close(device);
  rig_conclude(&report);
}

/* ---- joining ------------------------------------------------------------ */

/** Norms behind direct products, behind Winograd and behind an activation take statistics;
    one whose convolution has another reader can't, and one behind no convolution. */
static const char some_join[] =
    HEAD "{ type = \"conv2d\"; filters = 16; kernel = 3; padding = 1; bias = false; },\n" NORM(
        "n1") "{ type = \"relu\"; },\n"
              "{ type = \"conv2d\"; filters = 32; kernel = 3; padding = 1; bias = false; },\n" NORM(
                  "n2") "{ type = \"relu\"; },\n"
                        "{ type = \"conv2d\"; filters = 8; kernel = 3; },\n"
                        "{ type = \"leaky_relu\"; slope = 0.1; },\n" NORM(
                            "n3") "{ type = \"conv2d\"; name = \"two\"; filters = 8; kernel = 3; "
                                  "padding = 1; },\n" NORM(
                                      "n4") "{ type = \"add\"; inputs = [\"two\", \"n4\"]; },\n"
                                            "{ type = \"flatten\"; },\n"
                                            "{ type = \"linear\"; units = 10; },\n"
                                            "{ type = \"batch_norm\"; name = \"n5\"; }\n);\n";
enum { JOINED = 3 };

static uint32_t joined(const dg_network *network) {
  uint32_t count = 0;
  const dg_node *nodes = network->graph.nodes;
  for (uint32_t i = 0; i < network->graph.node_count; i++)
    count += nodes[i].plan.op.kind == DG_OP_BATCH_NORM && nodes[i].inputs == 2;
  return count;
}

/** The device's own calls, while others stand before them. */
static const dg_device_calls *real;

static bool supports_no_statistics(const dg_device *device, const dg_op_desc *desc) {
  bool statistics = (desc->kind == DG_OP_CONV2D && desc->conv2d.statistics) ||
                    (desc->kind == DG_OP_BATCH_NORM && desc->batch_norm.statistics);
  return !statistics && real->supports(device, desc);
}

/** What a training step makes of random images and gradients of the logits. */
typedef struct {
  float logits[N * CLASSES], *values, *gradients;
} results;

static results results_of(dg_network *network) {
  const dg_device_calls *calls = network->device->calls;
  dg_error err = {0};
  dg_step step = {.n = N, .train = true};
  float d_logits[N * CLASSES];
  rig_random(d_logits, N * CLASSES, 2);
  results r = {.values = rig_alloc(dg_network_floats(network), sizeof(float)),
               .gradients = rig_alloc(dg_network_learned(network), sizeof(float))};
  ck_assert(dg_network_initialize(network, 3, &err));
  answers(network, true, 1, r.logits);
  bool ok = calls->write(dg_network_d_output(network), 0, d_logits, sizeof d_logits, &err) &&
            dg_network_backward(network, &step, &err) &&
            calls->read(dg_network_gradients(network), 0, r.gradients,
                        dg_network_learned(network) * sizeof(float), &err) &&
            dg_network_read(network, r.values, &err);
  ck_assert_msg(ok, "%s", err.message);
  return r;
}

static void check_close(rig_report *report, const char *what, const float *got,
                        const float *expected, size_t count) {
  double *doubles = rig_doubles(expected, count);
  rig_close(report, what, got, doubles, count, 1e-5);
  free(doubles);
}

static void check_joining(const rig_target *target, int number) {
  (void)number;
  rig_report report = {.target = target, .what = "joined and apart"};
  dg_device *device = rig_open(target);
  dg_model *model = parse(some_join);
  dg_network *with = build(model, device, true);
  dg_device_calls calls = *(real = device->calls);
  calls.supports = supports_no_statistics;
  device->calls = &calls;
  dg_network *without = build(model, device, true);
  device->calls = real;

  ck_assert_uint_eq(joined(with), strcmp(target->backend->name, "cpu") == 0 ? JOINED : 0);
  ck_assert_uint_eq(joined(without), 0);
  results a = results_of(with), b = results_of(without);
  check_close(&report, "logits", a.logits, b.logits, N * CLASSES);
  check_close(&report, "parameters and running statistics", a.values, b.values,
              dg_network_floats(with));
  check_close(&report, "gradients", a.gradients, b.gradients, dg_network_learned(with));
  free(a.values), free(a.gradients), free(b.values), free(b.gradients);
  dg_network_free(with), dg_network_free(without);
  dg_model_free(model);
  device->calls->close(device);
  rig_conclude(&report);
}

/* ---- running statistics ------------------------------------------------- */

/** States stand behind what is learned; a training step moves them, a test doesn't. */
static void check_running(const rig_target *target, int number) {
  (void)number;
  dg_device *device = rig_open(target);
  dg_model *model = parse(all_fold);
  dg_network *network = build(model, device, true);
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list), learned = dg_network_learned(network);
  float logits[N * CLASSES], *before = rig_alloc(dg_network_floats(network), sizeof *before);
  float *after = rig_alloc(dg_network_floats(network), sizeof *after);
  dg_error err = {0};
  ck_assert_uint_eq(count, 6 + 4 * 2 + 4 * 2);
  ck_assert_uint_eq(learned % 16, 0);
  ck_assert_uint_eq(dg_network_parameter_count(network),
                    6 * 9 + 8 * 6 * 9 + 8 + 128 * 7 + 7 * 10 + 10 + 2 * (6 + 8 + 7 + 10));
  for (uint32_t p = 0; p < count; p++) {
    bool running = strstr(list[p].name, ".running_") != NULL;
    ck_assert_msg(running == (list[p].offset >= learned), "%s", list[p].name);
  }
  ck_assert(dg_network_initialize(network, 1, &err));
  ck_assert(dg_network_read(network, before, &err));
  answers(network, false, 1, logits);
  ck_assert(dg_network_read(network, after, &err));
  ck_assert_mem_eq(before, after, dg_network_floats(network) * sizeof *before);
  answers(network, true, 1, logits);
  ck_assert(dg_network_read(network, after, &err));
  ck_assert_mem_eq(before, after, learned * sizeof *before);
  for (uint32_t p = 14; p < count; p++) {
    float was = before[list[p].offset], is = after[list[p].offset];
    ck_assert_msg(was == (strstr(list[p].name, "_var") ? 1 : 0), "%s starts at %g", list[p].name,
                  was);
    ck_assert_msg(was != is && isfinite(is), "%s stays %g", list[p].name, is);
  }
  free(before), free(after);
  dg_network_free(network);
  dg_model_free(model);
  device->calls->close(device);
}

/* ---- weight files ------------------------------------------------------- */

static const char one_norm[] =
    HEAD "{ type = \"flatten\"; },\n"
         "{ type = \"linear\"; name = \"fc\"; units = 2; bias = false; },\n"
         "{ type = \"batch_norm\"; name = \"n\"; }\n);\n";
enum { FLOATS = 2 * PIXELS + 4 * 2 };

/** A file as PyTorch writes it, where tensors of int64 come first. */
static void write_torch(const char *path, const char *counter, const char *type) {
  char header[1000];
  uint64_t length = (uint64_t)snprintf(
      header, sizeof header,
      "{\"%s\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,8]},"
      "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,144],\"data_offsets\":[8,1160]},"
      "\"n.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1160,1168]},"
      "\"n.running_mean\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1168,1176]},"
      "\"n.running_var\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1176,1184]},"
      "\"n.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1184,1192]}}",
      counter, type);
  int64_t steps = 7;
  float values[FLOATS];
  for (int i = 0; i < FLOATS; i++) values[i] = (float)i;
  FILE *file = fopen(path, "wb");
  fwrite(&length, 1, 8, file), fwrite(header, 1, length, file);
  fwrite(&steps, 1, 8, file), fwrite(values, 1, sizeof values, file);
  ck_assert_int_eq(fclose(file), 0);
}

static void check_files(const rig_target *target, int number) {
  (void)number;
  dg_error err = {0};
  double temperature;
  char path[] = "/tmp/digits-norm-XXXXXX";
  suite_new_file(path);
  dg_device *device = rig_open(target);
  dg_model *model = parse(one_norm);
  dg_network *network = build(model, device, false);
  write_torch(path, "n.num_batches_tracked", "I64");
  ck_assert_msg(dg_weights_load(network, path, &temperature, &err), "%s", err.message);
  ck_assert_msg(dg_weights_save(network, &(dg_weights_about){.model = model}, path, &err), "%s",
                err.message);
  ck_assert_msg(dg_weights_load(network, path, &temperature, &err), "%s", err.message);
  float *values = rig_alloc(dg_network_floats(network), sizeof *values);
  ck_assert(dg_network_read(network, values, &err));
  const dg_param *list;
  ck_assert_uint_eq(dg_network_param_list(network, &list), 5);
  static const float first[] = {0, 294, 288, 290, 292}; /* weight; weight, bias, mean, variance */
  for (int p = 0; p < 5; p++)
    ck_assert_msg(values[list[p].offset] == first[p], "%s begins with %g", list[p].name,
                  values[list[p].offset]);

  write_torch(path, "n.steps", "I64");
  ck_assert(!dg_weights_load(network, path, &temperature, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "the network has no \"n.steps\""));
  write_torch(path, "n.num_batches_tracked", "C64");
  ck_assert_msg(dg_weights_load(network, path, &temperature, &err), "%s", err.message);
  free(values);
  dg_network_free(network);
  dg_model_free(model);
  device->calls->close(device);
}

int main(void) {
  static const rig_group groups[] = {
      {"products fold", check_folding, 0}, {"sequences fold", check_folding, 1},
      {"others stay", check_folding, 2},   {"one of a row folds", check_folding, 3},
      {"norms join", check_joining, 0},    {"states", check_running, 0},
      {"weight files", check_files, 0},
  };
  return rig_main("norm", groups, sizeof groups / sizeof *groups);
}
