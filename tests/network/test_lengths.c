/*
 * Sequences of unequal length: a network with `lengths = true` answers for a sample, and learns
 * from it, as the same network does whose input has just the steps of that sample; whatever is
 * beyond them, and whatever else is in the batch.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/model.h"
#include "core/training/trainer.h"
#include "digits/predict.h"
#include "tests/common/rig.h"

enum { STEPS = 20, FEATURES = 3, SAMPLES = 6, CLASSES = 4, SAMPLE = STEPS * FEATURES };
static const uint32_t lengths[SAMPLES] = {20, 13, 7, 20, 8, 19};

static const struct {
  const char *name, *layers;
  bool joined; /**< its parameters depend on the steps of the input */
} networks[] = {
    {"gru", "{ type = \"gru\"; units = 5; }", false},
    {"rnn of a sequence",
     "{ type = \"rnn\"; units = 5; output = \"sequence\"; }, { type = \"lstm\"; units = 4; }",
     false},
    {"lstm, averaged",
     "{ type = \"lstm\"; units = 5; output = \"sequence\"; }, { type = \"global_avgpool\"; }",
     false},
    {"both directions", "{ type = \"lstm\"; units = 5; bidirectional = true; biases = 1; }", false},
    {"convolutions",
     "{ type = \"conv1d\"; filters = 5; kernel = 3; }, { type = \"relu\"; },"
     "{ type = \"maxpool1d\"; kernel = 2; }, { type = \"conv1d\"; filters = 4; kernel = 2; },"
     "{ type = \"tanh\"; }, { type = \"global_avgpool\"; }",
     false},
    {"padded convolutions",
     "{ type = \"conv1d\"; filters = 5; kernel = 5; padding = 2; stride = 2; },"
     "{ type = \"sigmoid\"; }, { type = \"conv1d\"; filters = 17; kernel = 3; padding = 1; },"
     "{ type = \"leaky_relu\"; }, { type = \"global_avgpool\"; }",
     false},
    {"dilated convolutions in groups",
     "{ type = \"conv1d\"; filters = 6; kernel = 3; dilation = 2; padding = [4, 0]; groups = 3; },"
     "{ type = \"tanh\"; }, { type = \"conv1d\"; filters = 4; kernel = 4; padding = \"same\"; },"
     "{ type = \"conv1d\"; filters = 4; kernel = 2; padding = [0, 1]; }, { type = \"gru\"; units = "
     "4; }",
     false},
    {"both directions in a row",
     "{ type = \"gru\"; units = 5; bidirectional = true; output = \"sequence\"; },"
     "{ type = \"gru\"; units = 4; bidirectional = true; }",
     false},
    {"padded maxima",
     "{ type = \"maxpool1d\"; kernel = 3; stride = 1; padding = 1; },"
     "{ type = \"conv1d\"; filters = 4; kernel = 3; padding = 1; },"
     "{ type = \"maxpool1d\"; kernel = 2; padding = 1; }, { type = \"gru\"; units = 4; }",
     false},
    {"branches",
     "{ type = \"conv1d\"; name = \"a\"; filters = 3; kernel = 3; padding = 1; },"
     "{ type = \"add\"; name = \"b\"; inputs = [\"a\", \"input\"]; }, { type = \"layer_norm\"; },"
     "{ type = \"dropout\"; name = \"c\"; rate = 0.3; },"
     "{ type = \"conv1d\"; name = \"d\"; filters = 2; kernel = 2; inputs = [\"c\"]; },"
     "{ type = \"conv1d\"; name = \"e\"; filters = 2; kernel = 4; padding = 1; inputs = [\"c\"]; },"
     "{ type = \"concat\"; inputs = [\"d\", \"e\"]; }, { type = \"gru\"; units = 4; }",
     false},
    {"one row",
     "{ type = \"conv1d\"; filters = 5; kernel = 3; padding = 1; }, { type = \"relu\"; },"
     "{ type = \"maxpool1d\"; kernel = 2; }, { type = \"flatten\"; }",
     true},
    {"one row of the input", "{ type = \"relu\"; }, { type = \"flatten\"; }", true},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

#define RECIPE                                                                                     \
  "data = { mean = 0.1; std = 0.5; }; loss = \"cross_entropy\"; train = { epochs = 1; batch = 6; " \
  "slices = %u; optimizer = { type = \"sgd\"; lr = 1.0; }; };"

/** The network for inputs of so many steps, which have lengths or not. */
static dg_model *model_of(int number, uint32_t steps, bool unequal, uint32_t slices) {
  char text[4000];
  dg_error err = {0};
  snprintf(text, sizeof text,
           "name = \"t\"; input = [%u, %d]; lengths = %s; layers = (%s, "
           "{ type = \"linear\"; name = \"out\"; units = %d; });" RECIPE,
           steps, FEATURES, unequal ? "true" : "false", networks[number].layers, CLASSES, slices);
  dg_model *model = dg_model_parse(text, "t", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s: %s", networks[number].name, err.message);
  return model;
}

/** Random samples, beyond whose lengths is `beyond`. */
static void fill(float x[SAMPLES * SAMPLE], float beyond) {
  rig_random(x, SAMPLES * SAMPLE, 7);
  for (uint32_t s = 0; s < SAMPLES; s++)
    for (uint32_t i = lengths[s] * FEATURES; i < SAMPLE; i++) x[s * SAMPLE + i] = beyond;
}

static dg_ndarray array_of(const float *x, uint32_t samples, uint32_t steps) {
  return (dg_ndarray){
      .rank = 3, .dim = {samples, steps, FEATURES}, .type = DG_NUMBERS_FLOATS, .numbers = x};
}

/** The answers of the network for samples; `own` NULL: they are whole. */
static void answer(const dg_model *model, dg_device *device, const float *x, uint32_t samples,
                   uint32_t steps, const uint32_t *own, float *answers) {
  dg_error err = {0};
  const dg_predictor_options options = {.size = sizeof options, .batch = 4};
  const dg_ndarray inputs = array_of(x, samples, steps);
  dg_predictor *p = dg_predictor_new(model, device, &options, &err);
  ck_assert_msg(p && dg_predictor_run_sequences(p, &inputs, own, answers, &err), "%s", err.message);
  dg_predictor_free(p);
}

static void compare(const char *what, int number, const float *got, const float *expected,
                    size_t count, double tolerance) {
  for (size_t i = 0; i < count; i++)
    ck_assert_msg(fabs((double)got[i] - (double)expected[i]) <= tolerance,
                  "%s, %s: number %zu is %.9g, expected %.9g", networks[number].name, what, i,
                  (double)got[i], (double)expected[i]);
}

static void check_answers(const rig_target *target, int number) {
  dg_device *device = rig_open(target);
  dg_model *model = model_of(number, STEPS, true, 0);
  float x[SAMPLES * SAMPLE], together[SAMPLES * CLASSES], other[SAMPLES * CLASSES];
  fill(x, 0);
  answer(model, device, x, SAMPLES, STEPS, lengths, together);
  fill(x, NAN);
  answer(model, device, x, SAMPLES, STEPS, lengths, other);
  ck_assert_mem_eq(together, other, sizeof other);
  for (uint32_t s = 0; s < SAMPLES; s++) {
    const float *own = together + s * CLASSES;
    answer(model, device, x + s * SAMPLE, 1, STEPS, &lengths[s], other);
    compare("alone", number, other, own, CLASSES, 1e-6);
    if (networks[number].joined) continue;
    dg_model *shorter = model_of(number, lengths[s], false, 0);
    answer(shorter, device, x + s * SAMPLE, 1, lengths[s], NULL, other);
    compare("as long as its input", number, other, own, CLASSES, 1e-6);
    dg_model_free(shorter);
  }
  dg_model_free(model);
  device->calls->close(device);
}

/** The parameters after a training step; the caller frees them. */
static float *learn(const dg_model *model, dg_device *device, const float *x, uint32_t samples,
                    uint32_t steps, const uint32_t *own, uint32_t *count) {
  static const uint8_t labels[SAMPLES] = {0, 3, 1, 2, 3, 0};
  const dg_trainer_options options = {.size = sizeof options, .seed = 3};
  const dg_sample_arrays arrays = {.size = sizeof arrays,
                                   .inputs = array_of(x, samples, steps),
                                   .labels = labels,
                                   .lengths = own};
  const dg_batch batch = {
      .size = sizeof batch, .count = samples, .inputs = x, .labels = labels, .lengths = own};
  dg_error err = {0};
  dg_dataset *data = dg_dataset_from_arrays(&arrays, NULL, true, &err);
  dg_trainer *t = data ? dg_trainer_new(model, device, data, &options, &err) : NULL;
  ck_assert_msg(t && dg_trainer_step(t, &batch, NULL, &err), "%s", err.message);
  *count = dg_network_floats(t->network);
  float *parameters = rig_alloc(*count, sizeof *parameters);
  ck_assert_msg(dg_network_read(t->network, parameters, &err), "%s", err.message);
  dg_trainer_free(t);
  dg_dataset_close(data);
  return parameters;
}

/** Learning from samples of unequal length is the same, too, also if the batch comes in slices. */
static void check_learning(const rig_target *target, int number) {
  dg_device *device = rig_open(target);
  dg_model *model = model_of(number, STEPS, true, 0), *sliced = model_of(number, STEPS, true, 4);
  float x[SAMPLES * SAMPLE];
  uint32_t count, other_count;
  fill(x, NAN);
  float *whole = learn(model, device, x, SAMPLES, STEPS, lengths, &count);
  float *slices = learn(sliced, device, x, SAMPLES, STEPS, lengths, &other_count);
  ck_assert_uint_eq(count, other_count);
  compare("in slices", number, slices, whole, count, 2e-6);
  for (uint32_t s = 1; s < 3 && !networks[number].joined; s++) {
    dg_model *shorter = model_of(number, lengths[s], false, 0);
    float *own = learn(model, device, x + s * SAMPLE, 1, STEPS, &lengths[s], &count);
    float *expected = learn(shorter, device, x + s * SAMPLE, 1, lengths[s], NULL, &other_count);
    ck_assert_uint_eq(count, other_count);
    compare("learned alone", number, own, expected, count, 2e-6);
    free(own), free(expected);
    dg_model_free(shorter);
  }
  free(whole), free(slices);
  dg_model_free(model), dg_model_free(sliced);
  device->calls->close(device);
}

static bool is_cpu(const rig_target *target) {
  return strcmp(target->backend->name, "cpu") == 0;
}

/** Drivers compile the kernels of each shape anew: there, the last networks show all ops. */
static void check_network(const rig_target *target, int number) {
  enum { LAST = 5 };
  if (!is_cpu(target) && number < NETWORKS - LAST) return;
  check_answers(target, number);
  check_learning(target, number);
}

/* ---- as PyTorch computes it ----------------------------------------------- */

/* Of record_lengths.py. */
enum { R_STEPS = 9, R_SAMPLES = 4, R_CLASSES = 3, R_INPUT = 1000, R_SAMPLE = R_STEPS * FEATURES };

static float uniform(uint32_t tensor, uint32_t i) {
  uint32_t x = i + 0x9e3779b9u * (tensor + 1);
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  x ^= x >> 16;
  return (float)(x >> 8) * 0x1p-24f;
}

static void must(bool ok, const dg_error *err) {
  ck_assert_msg(ok, "%s", err->message);
}

static dg_network *recorded_network(const json_t *recorded, dg_device *device, dg_model **model) {
  char text[600];
  dg_error err = {0};
  snprintf(text, sizeof text,
           "name = \"r\"; input = [%d, %d]; lengths = true; layers = ({ type = \"%s\"; name = "
           "\"rnn\"; units = 5; bidirectional = %s; }, { type = \"linear\"; name = \"out\"; "
           "units = %d; });",
           R_STEPS, FEATURES, json_string_value(json_object_get(recorded, "type")),
           json_is_true(json_object_get(recorded, "bidirectional")) ? "true" : "false", R_CLASSES);
  *model = dg_model_parse(text, "r", NULL, 0, &err);
  dg_network *network = *model ? dg_network_build(*model, device, R_SAMPLES, true, &err) : NULL;
  must(network, &err);
  const dg_param *params;
  const uint32_t count = dg_network_param_list(network, &params);
  float *values = rig_alloc(dg_network_floats(network), sizeof *values);
  for (uint32_t p = 0; p < count; p++)
    for (uint32_t i = 0; i < params[p].count; i++)
      values[params[p].offset + i] = uniform(p, i) - 0.5f;
  must(dg_network_write(network, values, &err), &err);
  free(values);
  return network;
}

/** The gradient of the mean cross-entropy. */
static void derive(const float *logits, float *d_logits) {
  static const int labels[R_SAMPLES] = {0, 2, 1, 0};
  for (int s = 0; s < R_SAMPLES; s++) {
    double sum = 0;
    for (int c = 0; c < R_CLASSES; c++) sum += exp((double)logits[s * R_CLASSES + c]);
    for (int c = 0; c < R_CLASSES; c++)
      d_logits[s * R_CLASSES + c] =
          (float)((exp((double)logits[s * R_CLASSES + c]) / sum - (c == labels[s])) / R_SAMPLES);
  }
}

static void compare_recorded(rig_report *report, const char *name, const float *got,
                             const json_t *expected) {
  const size_t count = json_array_size(expected);
  double *numbers = rig_alloc(count, sizeof *numbers);
  ck_assert_uint_gt(count, 0);
  for (size_t i = 0; i < count; i++) numbers[i] = json_number_value(json_array_get(expected, i));
  rig_close(report, name, got, numbers, count, 2e-5);
  free(numbers);
}

static void check_recorded_network(rig_report *report, const json_t *recorded, dg_device *device) {
  static const float own[R_SAMPLES] = {9, 1, 4, 7};
  const dg_device_calls *calls = device->calls;
  const dg_step step = {.n = R_SAMPLES, .train = true};
  float x[R_SAMPLES * R_SAMPLE], logits[R_SAMPLES * R_CLASSES], d_logits[R_SAMPLES * R_CLASSES];
  dg_model *model;
  dg_error err = {0};
  dg_network *network = recorded_network(recorded, device, &model);
  const dg_network_io io = dg_network_io_of(network, 0);
  for (uint32_t i = 0; i < R_SAMPLES * R_SAMPLE; i++) x[i] = 2 * uniform(R_INPUT, i) - 1;
  must(calls->write(io.input, 0, x, sizeof x, &err) &&
           calls->write(io.lengths, 0, own, sizeof own, &err) &&
           dg_network_forward(network, &step, &err) &&
           calls->read(io.output, 0, logits, sizeof logits, &err),
       &err);
  for (int s = 0; s < R_SAMPLES; s++)
    compare_recorded(report, "logits", logits + s * R_CLASSES,
                     json_array_get(json_object_get(recorded, "logits"), (size_t)s));
  derive(logits, d_logits);
  const uint32_t floats = dg_network_learned(network);
  float *gradients = rig_alloc(floats, sizeof *gradients);
  must(calls->write(io.d_output, 0, d_logits, sizeof d_logits, &err) &&
           dg_network_backward(network, &step, &err) &&
           calls->read(dg_network_gradients(network), 0, gradients, floats * sizeof *gradients,
                       &err),
       &err);
  const dg_param *params;
  const uint32_t count = dg_network_param_list(network, &params);
  for (uint32_t p = 0; p < count; p++)
    compare_recorded(report, params[p].name, gradients + params[p].offset,
                     json_object_get(json_object_get(recorded, "gradients"), params[p].name));
  free(gradients);
  dg_network_free(network);
  dg_model_free(model);
}

/** Recurrent layers over packed sequences (torch.nn.utils.rnn.pack_padded_sequence). */
static void check_recorded(const rig_target *target, int number) {
  json_error_t fault;
  json_t *root = json_load_file(DIGITS_SOURCE_DIR "/tests/network/data/lengths.json", 0, &fault);
  const json_t *networks_of = json_object_get(root, "networks"), *recorded;
  size_t i;
  rig_report report = {.target = target};
  (void)number;
  ck_assert_msg(root != NULL, "%s", fault.text);
  ck_assert_uint_eq(json_array_size(networks_of), 6);
  dg_device *device = rig_open(target);
  json_array_foreach(networks_of, i, recorded) {
    snprintf(report.what, sizeof report.what, "recorded network %zu", i);
    report.cases++;
    check_recorded_network(&report, recorded, device);
  }
  device->calls->close(device);
  json_decref(root);
  rig_conclude(&report);
}

/* ---- what is refused ---------------------------------------------------- */

#define OUT "{ type = \"linear\"; name = \"out\"; units = 4; }"
static const struct {
  const char *model, *says;
} refused[] = {
    {"input = [4, 5]; lengths = true; layers = ({ type = \"batch_norm\"; name = \"n\"; }, "
     "{ type = \"gru\"; units = 3; }, " OUT ");",
     "layer \"n\" (batch_norm): it can't take sequences of unequal length"},
    {"input = [9, 5]; lengths = true; layers = ("
     "{ type = \"conv1d\"; name = \"a\"; filters = 5; kernel = 3; stride = 2; padding = 1; },"
     "{ type = \"conv1d\"; name = \"b\"; filters = 5; kernel = 2; stride = 2; inputs = "
     "[\"input\"]; padding = 1; }, { type = \"add\"; inputs = [\"a\", \"b\"]; }, "
     "{ type = \"flatten\"; }, " OUT ");",
     "layer \"add1\" (add): the sequences of its inputs have other lengths"},
    {"input = [1, 4, 5]; lengths = true; layers = ({ type = \"flatten\"; }, " OUT ");",
     "lengths = true needs input = [steps, features], not [1, 4, 5]"},
    {"input = [4, 5]; lengths = true; loss = \"mse\"; target = \"input\"; layers = ("
     "{ type = \"flatten\"; }, " OUT ");",
     "target = \"input\" and lengths = true exclude each other"},
    {"input = [16777217, 1]; lengths = true; layers = ({ type = \"gru\"; units = 1; }, " OUT ");",
     "lengths = true allows at most 16777216 steps"},
    {"input = [9000, 1]; lengths = true; layers = ("
     "{ type = \"conv1d\"; filters = 1; kernel = 1; stride = 4096; padding = 4096; },"
     "{ type = \"conv1d\"; filters = 1; kernel = 1; stride = 1; padding = 4096; },"
     "{ type = \"conv1d\"; filters = 1; kernel = 1; stride = 4096; },"
     "{ type = \"conv1d\"; filters = 1; kernel = 1; stride = 4096; padding = 4096; },"
     "{ type = \"gru\"; units = 1; }, " OUT ");",
     "its windows and those before it span more than 16777216 steps"},
};

static void check_refused(const rig_target *target, int number) {
  char text[2000];
  if (!is_cpu(target)) return;
  (void)number;
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    dg_error err = {0};
    snprintf(text, sizeof text, "name = \"t\"; %s", refused[i].model);
    dg_model *model = dg_model_parse(text, "t", NULL, 0, &err);
    dg_network *network = model ? dg_network_build(model, device, 2, true, &err) : NULL;
    ck_assert_msg(!network && strstr(err.message, refused[i].says), "no \"%s\" in \"%s\"",
                  refused[i].says, err.message);
    dg_model_free(model);
  }
  device->calls->close(device);
}

/** A predictor must refuse lengths, with this message. */
static void refuse_lengths(const dg_model *model, dg_device *device, const uint32_t *own,
                           const char *says) {
  float x[SAMPLES * SAMPLE], answers[SAMPLES * CLASSES];
  dg_error err = {0};
  const dg_ndarray inputs = array_of(x, SAMPLES, STEPS);
  dg_predictor *p = dg_predictor_new(model, device, NULL, &err);
  fill(x, 0);
  ck_assert(p && !dg_predictor_run_sequences(p, &inputs, own, answers, &err));
  ck_assert_msg(strstr(err.message, says), "no \"%s\" in \"%s\"", says, err.message);
  dg_predictor_free(p);
}

/** What fits neither the model nor its windows is refused where samples are taken. */
static void check_misfits(const rig_target *target, int number) {
  enum { CONVOLUTIONS = 4 };
  const uint32_t short_ones[] = {20, 3, 7, 20, 8, 19}, long_ones[] = {20, 7, 7, 21, 8, 19};
  static const uint8_t labels[SAMPLES];
  float x[SAMPLES * SAMPLE];
  if (!is_cpu(target)) return;
  (void)number;
  dg_error err = {0};
  dg_device *device = rig_open(target);
  dg_model *model = model_of(CONVOLUTIONS, STEPS, true, 0),
           *whole = model_of(CONVOLUTIONS, STEPS, false, 0);
  refuse_lengths(whole, device, lengths, "the network takes whole sequences, not lengths");
  refuse_lengths(model, device, short_ones,
                 "sample 1 (the first is 0) has 3 steps, of which the windows of layer "
                 "\"conv1d2\" (conv1d) leave nothing; at least 6 are needed");
  refuse_lengths(model, device, long_ones, "sample 3 (the first is 0) has a length of 21 steps");
  fill(x, 0);
  dg_sample_arrays arrays = {.size = sizeof arrays,
                             .inputs = array_of(x, SAMPLES, STEPS),
                             .labels = labels,
                             .lengths = lengths};
  dg_dataset *data = dg_dataset_from_arrays(&arrays, NULL, true, &err);
  ck_assert_ptr_null(dg_trainer_new(whole, device, data, NULL, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "sequences of unequal length, but the model takes all "
                                            "of their steps: lengths=true would fit"));
  dg_dataset_close(data);
  arrays.lengths = short_ones;
  data = dg_dataset_from_arrays(&arrays, NULL, true, &err);
  ck_assert_ptr_null(dg_trainer_new(model, device, data, NULL, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "sample 1 (the first is 0) has 3 steps, of which"));
  dg_dataset_close(data);
  dg_model_free(model), dg_model_free(whole);
  device->calls->close(device);
}

/** Means and deviations are those of the steps that are there. */
static void check_measured(const rig_target *target, int number) {
  static const float x[] = {1, 3, NAN, 5, NAN, NAN};
  static const uint32_t own[] = {2, 1};
  static const uint8_t labels[] = {0, 1};
  if (!is_cpu(target)) return;
  (void)number;
  dg_error err = {0};
  const dg_sample_arrays arrays = {
      .size = sizeof arrays,
      .inputs = {.rank = 3, .dim = {2, 3, 1}, .type = DG_NUMBERS_FLOATS, .numbers = x},
      .labels = labels,
      .lengths = own};
  dg_device *device = rig_open(target);
  dg_model *model = dg_model_parse(
      "name = \"t\"; input = [3, 1]; lengths = true; data = { mean = \"measure\"; std = "
      "\"measure\"; }; layers = ({ type = \"gru\"; units = 2; }, " OUT ");",
      "t", NULL, 0, &err);
  dg_dataset *data = dg_dataset_from_arrays(&arrays, &arrays, true, &err);
  dg_trainer *t = dg_trainer_new(model, device, data, NULL, &err);
  ck_assert_msg(t != NULL, "%s", err.message);
  ck_assert_double_eq(t->model->data.mean.values[0], 3);
  ck_assert_double_eq_tol(t->model->data.std.values[0], sqrt(8.0 / 3), 1e-8);
  dg_trainer_free(t);
  dg_dataset_close(data);
  dg_model_free(model);
  device->calls->close(device);
}

int main(void) {
  rig_group groups[NETWORKS + 4];
  for (int i = 0; i < NETWORKS; i++) groups[i] = (rig_group){networks[i].name, check_network, i};
  groups[NETWORKS] = (rig_group){"refused", check_refused, 0};
  groups[NETWORKS + 1] = (rig_group){"misfits", check_misfits, 0};
  groups[NETWORKS + 2] = (rig_group){"measured", check_measured, 0};
  groups[NETWORKS + 3] = (rig_group){"recorded", check_recorded, 0};
  return rig_main("lengths", groups, NETWORKS + 4);
}
