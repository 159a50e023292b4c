/*
 * The networks of the zoo on every backend against numbers that record_networks.py took from
 * PyTorch: logits, loss, gradients, and the parameters after three steps of each optimizer.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exec/network.h"
#include "oracle/oracle.h"
#include "tests/common/rig.h"

enum { CLASSES = 10, PIXELS = 784, SAMPLES = 16, SPARE = 3 };
enum { INPUTS = 1000, LABELS = 2000 }; /**< tensor numbers, as in record_networks.py */

/**
 * Of a tensor's largest number. PyTorch's own numbers are float32: where batch norms divide by the
 * deviations of a batch of 16, one after the other, its rounding and ours grow; and so they do
 * where Adam divides a gradient near 0 by its own size.
 */
enum { DIVIDED, PLAIN };
static const double tolerances[] = {[DIVIDED] = 1e-4, [PLAIN] = 2e-5};

static bool has_batch_norms(const dg_network *network) {
  return dg_network_learned(network) < dg_network_floats(network);
}

/* ---- what was recorded -------------------------------------------------- */

static json_t *load(const char *network) {
  char path[512];
  snprintf(path, sizeof path, "%s/tests/network/data/%s.json", DIGITS_SOURCE_DIR, network);
  json_error_t err;
  json_t *root = json_load_file(path, 0, &err);
  if (!root) ck_abort_msg("%s:%d: %s", path, err.line, err.text);
  return root;
}

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  ck_assert_msg(json_is_number(value), "no number \"%s\" was recorded", key);
  return json_number_value(value);
}

static double number_or(const json_t *object, const char *key, double otherwise) {
  return json_object_get(object, key) ? number(object, key) : otherwise;
}

static const char *word(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  ck_assert_msg(value != NULL, "no word \"%s\" was recorded", key);
  return value;
}

/** Number i of tensor t, as `uniform` in record_networks.py. */
static float uniform(uint32_t tensor, uint32_t i) {
  uint32_t x = i + 0x9e3779b9u * (tensor + 1);
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  x ^= x >> 16;
  return (float)(x >> 8) * 0x1p-24f;
}

/* ---- a network on a device ---------------------------------------------- */

typedef struct {
  rig_report report;
  dg_device *device;
  json_t *recorded;
  uint32_t batch;
  dg_model *model;
  dg_network *network;
  double tolerance;
  dg_op *loss;
  dg_buffer *labels, *losses, *correct, *loss_workspace;
} net_rig;

static dg_buffer *new_buffer(net_rig *r, size_t bytes) {
  dg_error err = {0};
  dg_buffer *buffer = bytes ? r->device->calls->buffer_new(r->device, bytes, &err) : NULL;
  if (bytes && !buffer) ck_abort_msg("%zu bytes: %s", bytes, err.message);
  return buffer;
}

static void must(net_rig *r, bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s: %s: %s", r->report.target->label, r->report.what, err->message);
}

static void write(net_rig *r, dg_buffer *buffer, size_t first, const void *from, size_t count) {
  dg_error err = {0};
  must(r, r->device->calls->write(buffer, first * 4, from, count * 4, &err), &err);
}

static void read(net_rig *r, dg_buffer *buffer, size_t first, void *to, size_t count) {
  dg_error err = {0};
  must(r, r->device->calls->read(buffer, first * 4, to, count * 4, &err), &err);
}

/** Copies a text file, putting `to` where `from` (as long) stands. */
static void copy_with(const char *source, const char *copy, const char *from, const char *to) {
  char text[8192];
  FILE *in = fopen(source, "r"), *out = fopen(copy, "w");
  ck_assert_msg(in && out, "can't copy %s to %s", source, copy);
  text[fread(text, 1, sizeof text - 1, in)] = 0;
  for (char *at = text; (at = strstr(at, from));) memcpy(at, to, strlen(to));
  fputs(text, out);
  fclose(in), fclose(out);
}

/** The model of the zoo, or of the tests, without its dropout. */
static dg_model *load_model(const char *name, dg_error *err) {
  char path[512], copy[512];
  snprintf(path, sizeof path, "%s/models/%s.cfg", DIGITS_SOURCE_DIR, name);
  FILE *zoo = fopen(path, "r");
  if (zoo)
    fclose(zoo);
  else
    snprintf(path, sizeof path, "%s/tests/network/data/%s.cfg", DIGITS_SOURCE_DIR, name);
  snprintf(copy, sizeof copy, "%s/%s-without-dropout.cfg", DIGITS_BINARY_DIR, name);
  copy_with(path, copy, "rate = 0.2", "rate = 0.0");
  return dg_model_load(copy, NULL, 0, err);
}

static net_rig rig_new(const rig_target *target, const char *name) {
  net_rig r = {.report = {.target = target}, .device = rig_open(target), .recorded = load(name)};
  snprintf(r.report.what, sizeof r.report.what, "%s", name);
  r.batch = (uint32_t)number(r.recorded, "batch");
  dg_error err = {0};
  r.model = load_model(name, &err);
  must(&r, r.model != NULL, &err);
  r.network = dg_network_build(r.model, r.device, r.batch + SPARE, true, &err);
  must(&r, r.network != NULL, &err);
  bool mse = strcmp(word(r.recorded, "loss_kind"), "mse") == 0;
  dg_op_desc desc = {
      .kind = DG_OP_LOSS,
      .loss = {.kind = mse ? DG_LOSS_MSE : DG_LOSS_CROSS_ENTROPY, .outputs = CLASSES}};
  r.loss = r.device->calls->prepare(r.device, &desc, r.batch + SPARE, true, &err);
  must(&r, r.loss != NULL, &err);
  r.labels = new_buffer(&r, (r.batch + SPARE) * 4);
  r.losses = new_buffer(&r, 4);
  r.correct = new_buffer(&r, 4);
  r.loss_workspace = new_buffer(&r, r.loss->needs.forward_workspace);
  return r;
}

static void rig_free(net_rig *r) {
  const dg_device_calls *calls = r->device->calls;
  dg_network_free(r->network);
  calls->op_free(r->loss);
  calls->buffer_free(r->labels), calls->buffer_free(r->losses);
  calls->buffer_free(r->correct), calls->buffer_free(r->loss_workspace);
  dg_model_free(r->model);
  json_decref(r->recorded);
  calls->close(r->device);
}

/** As `initialize` in record_networks.py. */
static void initial_values(const json_t *recorded, uint32_t tensor, uint32_t count, float *x) {
  float scale = (float)number(recorded, "scale"), centre = (float)number(recorded, "centre");
  float away = (float)number(recorded, "away");
  for (uint32_t i = 0; i < count; i++) {
    float value = scale * (2 * uniform(tensor, i) - 1);
    x[i] = value + centre + (value < 0 ? -away : away);
  }
}

static void write_parameters(net_rig *r) {
  const dg_param *params;
  const json_t *list = json_object_get(r->recorded, "parameters");
  uint32_t count = (uint32_t)json_array_size(list),
           all = dg_network_param_list(r->network, &params);
  dg_error err = {0};
  must(r, dg_network_initialize(r->network, 1, &err), &err); /* the states behind the parameters */
  ck_assert(count == all || params[count].offset == dg_network_learned(r->network));
  for (uint32_t p = 0; p < count; p++) {
    const json_t *recorded = json_array_get(list, p), *shape = json_object_get(recorded, "shape");
    ck_assert_str_eq(params[p].name, word(recorded, "name"));
    ck_assert_uint_eq(params[p].spec.rank, json_array_size(shape));
    for (uint32_t d = 0; d < params[p].spec.rank; d++)
      ck_assert_uint_eq(params[p].spec.dim[d], json_integer_value(json_array_get(shape, d)));
    float *x = rig_alloc(params[p].count, sizeof *x);
    initial_values(recorded, p, params[p].count, x);
    write(r, dg_network_parameters(r->network), params[p].offset, x, params[p].count);
    free(x);
  }
}

static void write_batch(net_rig *r, uint32_t step) {
  float *images = rig_alloc((size_t)r->batch * PIXELS, sizeof *images);
  uint32_t *labels = rig_alloc(r->batch, sizeof *labels);
  for (uint32_t i = 0; i < r->batch * PIXELS; i++) images[i] = uniform(INPUTS + step, i);
  for (uint32_t s = 0; s < r->batch; s++)
    labels[s] = (uint32_t)((double)uniform(LABELS + step, s) * CLASSES);
  write(r, dg_network_input(r->network), 0, images, (size_t)r->batch * PIXELS);
  write(r, r->labels, 0, labels, r->batch);
  free(images), free(labels);
}

/** Forward, loss, backward with the batch of a step; returns the loss and, if wanted, the logits.
 */
static float train_step(net_rig *r, uint32_t number_of_step, float *logits) {
  write_batch(r, number_of_step);
  dg_step step = {.n = r->batch, .train = true, .step = number_of_step};
  dg_op_buffers b = {.in = {dg_network_output(r->network), r->labels},
                     .out = {dg_network_d_output(r->network), r->losses, r->correct},
                     .workspace = r->loss_workspace};
  dg_error err = {0};
  must(r,
       dg_network_forward(r->network, &step, &err) &&
           r->device->calls->forward(r->loss, &b, &step, &err),
       &err);
  if (logits) read(r, dg_network_output(r->network), 0, logits, (size_t)r->batch * CLASSES);
  must(r, dg_network_backward(r->network, &step, &err), &err);
  float loss;
  read(r, r->losses, 0, &loss, 1);
  return loss;
}

/* ---- comparisons -------------------------------------------------------- */

static void compare_number(net_rig *r, const char *what, double got, double expected,
                           double scale) {
  if (!(fabs(got - expected) <= r->tolerance * scale))
    rig_fail(&r->report, "%s: got %.9g, expected %.9g", what, got, expected);
}

/** Compares a tensor with its summary, see `summary` in record_networks.py. */
static void compare_tensor(net_rig *r, const char *name, const float *x, uint32_t count,
                           const json_t *recorded) {
  char what[300];
  double sum = 0, sizes = 0, squares = 0, most = 0;
  for (uint32_t i = 0; i < count; i++) {
    sum += x[i], sizes += fabsf(x[i]), squares += (double)x[i] * x[i];
    most = fmax(most, fabsf(x[i]));
  }
  const struct {
    const char *key;
    double got, scale;
  } sums[] = {{"sum", sum, number(recorded, "abs")},
              {"abs", sizes, number(recorded, "abs")},
              {"squares", squares, number(recorded, "squares")},
              {"max", most, number(recorded, "max")}};
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
    snprintf(what, sizeof what, "%s of %s", sums[i].key, name);
    compare_number(r, what, sums[i].got, number(recorded, sums[i].key), sums[i].scale);
  }
  const json_t *samples = json_object_get(recorded, "samples");
  ck_assert_uint_eq(json_array_size(samples), SAMPLES);
  for (uint32_t k = 0; k < SAMPLES; k++) {
    uint32_t i = (uint32_t)((2 * k + 1) * (uint64_t)count / (2 * SAMPLES));
    snprintf(what, sizeof what, "%s[%u]", name, i);
    compare_number(r, what, x[i], json_number_value(json_array_get(samples, k)),
                   number(recorded, "max"));
  }
}

/** Compares `count` parameters, or their gradients, with the summaries that `recorded` finds. */
static void compare_parameters(net_rig *r, size_t count, dg_buffer *buffer, const char *of,
                               const json_t *(*recorded)(const json_t *where, uint32_t number,
                                                         const char *name),
                               const json_t *where) {
  const dg_param *params;
  ck_assert_uint_le(count, dg_network_param_list(r->network, &params));
  for (uint32_t p = 0; p < count; p++) {
    char name[256];
    snprintf(name, sizeof name, "%s%s", of, params[p].name);
    float *x = rig_alloc(params[p].count, sizeof *x);
    read(r, buffer, params[p].offset, x, params[p].count);
    compare_tensor(r, name, x, params[p].count, recorded(where, p, params[p].name));
    free(x);
  }
}

static const json_t *gradient_in(const json_t *parameters, uint32_t number_in_list,
                                 const char *name) {
  (void)name;
  return json_object_get(json_array_get(parameters, number_in_list), "gradient");
}

static const json_t *parameter_in(const json_t *parameters, uint32_t number_in_list,
                                  const char *name) {
  (void)number_in_list;
  return json_object_get(parameters, name);
}

/* ---- the tests ---------------------------------------------------------- */

/** Logits, loss and gradients of the first batch. */
static void check_gradients(net_rig *r) {
  r->tolerance = tolerances[has_batch_norms(r->network) ? DIVIDED : PLAIN];
  write_parameters(r);
  const json_t *expected = json_object_get(r->recorded, "logits");
  uint32_t count = r->batch * CLASSES;
  ck_assert_uint_eq(json_array_size(expected), count);
  float *logits = rig_alloc(count, sizeof *logits);
  double *values = rig_alloc(count, sizeof *values);
  float loss = train_step(r, 0, logits);
  for (uint32_t i = 0; i < count; i++) values[i] = json_number_value(json_array_get(expected, i));
  rig_close(&r->report, "logits", logits, values, count, r->tolerance);
  compare_number(r, "loss", loss, number(r->recorded, "loss"), number(r->recorded, "loss"));
  const json_t *parameters = json_object_get(r->recorded, "parameters");
  compare_parameters(r, json_array_size(parameters), dg_network_gradients(r->network),
                     "the gradient of ", gradient_in, parameters);
  free(logits), free(values);
}

static dg_update_desc update_of(const json_t *recipe, uint32_t count) {
  const char *type = word(recipe, "type");
  dg_update_desc d = {.kind = strncmp(type, "adam", 4) == 0   ? DG_ADAM
                              : strcmp(type, "adadelta") == 0 ? DG_ADADELTA
                              : strcmp(type, "rmsprop") == 0  ? DG_RMSPROP
                                                              : DG_SGD,
                      .count = count,
                      .decoupled = strcmp(type, "adamw") == 0,
                      .beta1 = 0.9f,
                      .beta2 = 0.999f};
  d.momentum = (float)number_or(recipe, "momentum", 0);
  d.nesterov = json_is_true(json_object_get(recipe, "nesterov"));
  d.weight_decay = (float)number_or(recipe, "weight_decay", 0);
  d.rho = (float)number_or(recipe, "rho", 0.9);
  d.eps = (float)number_or(recipe, "eps", 1e-8);
  d.alpha = (float)number_or(recipe, "alpha", 0.99);
  d.centered = json_is_true(json_object_get(recipe, "centered"));
  d.clip_norm = (float)number_or(recipe, "clip_norm", 0);
  return d;
}

/** What a network that only tests makes of parameters and running statistics as they are. */
static void check_test(net_rig *r, const json_t *expected) {
  uint32_t count = r->batch * CLASSES;
  ck_assert_uint_eq(json_array_size(expected), count);
  float *values = rig_alloc(dg_network_floats(r->network), sizeof *values);
  float *logits = rig_alloc(count, sizeof *logits);
  double *wanted = rig_alloc(count, sizeof *wanted);
  net_rig tests = *r;
  dg_step step = {.n = r->batch};
  dg_error err = {0};
  tests.network = dg_network_build(r->model, r->device, r->batch, false, &err);
  must(r, tests.network != NULL, &err);
  must(r, dg_network_read(r->network, values, &err), &err);
  must(r, dg_network_write(tests.network, values, &err), &err);
  write_batch(&tests, 0);
  must(r, dg_network_forward(tests.network, &step, &err), &err);
  read(r, dg_network_output(tests.network), 0, logits, count);
  for (uint32_t i = 0; i < count; i++) wanted[i] = json_number_value(json_array_get(expected, i));
  rig_close(&r->report, "logits of the test", logits, wanted, count, r->tolerance);
  dg_network_free(tests.network);
  free(values), free(logits), free(wanted);
}

/** Three steps of one optimizer from the initial parameters. */
static void check_run(net_rig *r, const json_t *run) {
  const json_t *recipe = json_object_get(run, "optimizer"),
               *losses = json_object_get(run, "losses");
  dg_op_desc desc = {.kind = DG_OP_UPDATE,
                     .update = update_of(recipe, dg_network_learned(r->network))};
  snprintf(r->report.what, sizeof r->report.what, "%s, %s", dg_model_name(r->model),
           word(recipe, "type"));
  bool divides =
      has_batch_norms(r->network) || desc.update.kind == DG_ADAM || desc.update.kind == DG_RMSPROP;
  r->tolerance = tolerances[divides ? DIVIDED : PLAIN];
  dg_error err = {0};
  dg_op *update = r->device->calls->prepare(r->device, &desc, r->batch, true, &err);
  must(r, update != NULL, &err);
  static const uint32_t no_fault[2] = {0, UINT32_MAX};
  uint32_t fault[2], arrays = oracle_state_arrays(&desc.update);
  dg_buffer *state = new_buffer(r, (size_t)arrays * desc.update.count * 4);
  dg_buffer *fault_buffer = new_buffer(r, sizeof fault);
  dg_buffer *workspace = new_buffer(r, update->needs.forward_workspace);
  dg_op_buffers b = {.in = {dg_network_gradients(r->network)},
                     .out = {dg_network_parameters(r->network), state, fault_buffer},
                     .workspace = workspace};
  write(r, fault_buffer, 0, no_fault, 2);
  write_parameters(r);
  for (uint32_t i = 0; i < json_array_size(losses); i++) {
    double expected = json_number_value(json_array_get(losses, i));
    compare_number(r, "loss", train_step(r, i, NULL), expected, expected);
    dg_step step = {.n = r->batch, .train = true, .step = i, .lr = (float)number(recipe, "lr")};
    must(r, r->device->calls->forward(update, &b, &step, &err), &err);
  }
  const dg_param *params;
  compare_parameters(r, dg_network_param_list(r->network, &params),
                     dg_network_parameters(r->network), "", parameter_in,
                     json_object_get(run, "parameters"));
  check_test(r, json_object_get(run, "tested"));
  read(r, fault_buffer, 0, fault, 2);
  ck_assert_mem_eq(fault, no_fault, sizeof fault);
  r->device->calls->op_free(update);
  r->device->calls->buffer_free(state), r->device->calls->buffer_free(fault_buffer);
  r->device->calls->buffer_free(workspace);
}

static const char *const networks[] = {"fcnn", "cnn",       "cnn-leaky", "conv1d-gru",
                                       "gru",  "lstm",      "m3",        "m5",
                                       "m7",   "numpy-cnn", "vanilla",   "resize"};
enum { NETWORKS = sizeof networks / sizeof *networks };

/**
 * Would this network take minutes there? A kernel form that is made for GPUs runs a hundred times
 * slower on a processor; m3 shows what m5 and m7 would.
 */
static bool takes_minutes(const rig_target *target, const char *network) {
  if (!target->options.form || strcmp(target->options.form, "group") != 0) return false;
  if (strcmp(network, "m5") != 0 && strcmp(network, "m7") != 0) return false;
  dg_device *device = rig_open(target);
  bool gpu = device->info.gpu;
  device->calls->close(device);
  if (!gpu) printf("skipped: %s: %s takes minutes there\n", target->label, network);
  return !gpu;
}

static void check_network(const rig_target *target, int number_of_network) {
  if (takes_minutes(target, networks[number_of_network])) return;
  net_rig r = rig_new(target, networks[number_of_network]);
  check_gradients(&r);
  const json_t *runs = json_object_get(r.recorded, "runs"), *run;
  size_t i;
  ck_assert_uint_gt(json_array_size(runs), 0);
  json_array_foreach(runs, i, run) check_run(&r, run);
  rig_report report = r.report;
  rig_free(&r);
  rig_conclude(&report);
}

int main(void) {
  rig_group groups[NETWORKS];
  for (int i = 0; i < NETWORKS; i++) groups[i] = (rig_group){networks[i], check_network, i};
  return rig_main("networks", groups, NETWORKS);
}
