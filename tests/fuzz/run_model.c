#include "tests/fuzz/run_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/data/dataset.h"
#include "core/exec/network.h"
#include "digits/train.h"

/* ---- memory ------------------------------------------------------------- */

enum { MAX_BYTES = 128 << 20 };

static dg_buffer *(*plain_buffer_new)(dg_device *device, size_t bytes, dg_error *err);

static dg_buffer *small_buffer_new(dg_device *device, size_t bytes, dg_error *err) {
  if (bytes <= MAX_BYTES) return plain_buffer_new(device, bytes, err);
  dg_fail(err, DG_ERR_MEMORY, "too large for this test");
  return NULL;
}

void fuzz_limit(dg_device *device) {
  static dg_device_calls calls;
  calls = *device->calls;
  plain_buffer_new = calls.buffer_new;
  calls.buffer_new = small_buffer_new;
  device->calls = &calls;
}

/* ---- sizes -------------------------------------------------------------- */

static double count_of(const dg_layer_info *layer) {
  double count = 1;
  for (uint32_t i = 0; i < layer->rank; i++) count *= layer->dim[i];
  return count;
}

static bool is_one_of(const char *type, const char *const *types) {
  while (*types && strcmp(type, *types) != 0) types++;
  return *types;
}

/** What a layer gives beside what it reads, counted without wrapping. */
static void check_counts(const dg_layer_info *all, const dg_layer_info *layer) {
  static const char *const same[] = {"relu",       "leaky_relu", "sigmoid", "tanh", "dropout",
                                     "batch_norm", "layer_norm", "flatten", "rows", "columns",
                                     "reshape",    "transpose",  "softmax", NULL};
  static const char *const broadcast[] = {"add", "multiply", "subtract", "divide", NULL};
  double sum = 0, largest = 0, out = count_of(layer);
  for (uint32_t i = 0; i < layer->inputs; i++) {
    const double in = count_of(&all[layer->in[i]]);
    sum += in;
    if (in > largest) largest = in;
  }
  const bool wrong = (strcmp(layer->type, "concat") == 0 && sum != out) ||
                     (is_one_of(layer->type, same) && sum != out) ||
                     (is_one_of(layer->type, broadcast) &&
                      (layer->inputs == 2 ? largest > out : sum != out * layer->inputs));
  if (!wrong) return;
  fprintf(stderr, "layer %s (%s) reads %.0f numbers and gives %.0f\n", layer->name, layer->type,
          sum, out);
  abort();
}

/** Do the layers fit each other, and is the whole small? */
static bool is_small(const dg_model *model, uint32_t n, const fuzz_limits *limits) {
  dg_error err = {0};
  size_t count;
  double numbers = 0, parameters = 0;
  dg_layer_info *all = calloc(model->layer_count + 1, sizeof *all);
  if (!all) abort();
  bool ok =
      dg_model_layers(model, all, sizeof(dg_layer_info), model->layer_count + 1, &count, &err);
  for (size_t i = 0; ok && i < count; i++) {
    if (i) check_counts(all, &all[i]);
    numbers += count_of(&all[i]);
    parameters += (double)all[i].parameters;
  }
  free(all);
  return ok && numbers * n <= limits->numbers && parameters <= limits->parameters;
}

static double operations_of(const dg_network *network) {
  double operations = 0;
  for (uint32_t i = 0; i < dg_network_ops(network); i++) {
    dg_node_cost cost = dg_network_cost(network, i);
    operations += cost.forward_operations + cost.backward_operations;
  }
  return operations;
}

/* ---- a network by itself ------------------------------------------------ */

/** Random numbers in a buffer [count]; NULL is allowed. */
static bool fill(dg_device *device, dg_buffer *buffer, size_t count, dg_error *err) {
  float *values = buffer ? malloc(count * sizeof *values) : NULL;
  if (!values) return !buffer;
  dg_random random = dg_random_start(1, 0, (uint32_t)count, 0);
  for (size_t i = 0; i < count; i++) values[i] = dg_random_uniform(&random) - 0.5f;
  bool ok = device->calls->write(buffer, 0, values, count * sizeof *values, err);
  free(values);
  return ok;
}

/** Lengths of all kinds, if the model has any: none, too long, between two numbers. */
static bool fill_lengths(dg_device *device, const dg_network_io *io, const dg_model *model,
                         uint32_t n, dg_error *err) {
  float *values = io->lengths ? malloc(n * sizeof *values) : NULL;
  if (!values) return !io->lengths;
  for (uint32_t i = 0; i < n; i++)
    values[i] = (float)(i % 5) * 0.3f * (float)model->input.dim[0] - (float)(i == 4);
  bool ok = device->calls->write(io->lengths, 0, values, n * sizeof *values, err);
  free(values);
  return ok;
}

static bool run_network(dg_network *network, dg_device *device, const dg_model *model,
                        const dg_step *step, dg_error *err) {
  size_t in = (size_t)dg_shape_count(&model->input), outputs = dg_network_outputs(network);
  const dg_network_io io = dg_network_io_of(network, 0);
  float *logits = malloc(step->n * outputs * sizeof *logits);
  bool ok = logits && fill(device, dg_network_input(network), step->n * in, err) &&
            fill_lengths(device, &io, model, step->n, err) &&
            dg_network_forward(network, step, err) &&
            fill(device, dg_network_d_output(network), step->n * outputs, err) &&
            (!step->train || dg_network_backward(network, step, err)) &&
            device->calls->read(dg_network_output(network), 0, logits,
                                step->n * outputs * sizeof *logits, err);
  free(logits);
  return ok;
}

/** Forward and, in training, backward: full batches and one of a single sample. */
static bool try_network(const dg_model *model, dg_device *device, uint32_t n, bool train,
                        const fuzz_limits *limits, bool *quick) {
  dg_error err = {0};
  dg_network *network = dg_network_build(model, device, n, train, &err);
  if ((network == NULL) != (err.kind != DG_OK)) abort();
  *quick = network && operations_of(network) <= limits->operations;
  const dg_step full = {.n = n, .train = train, .seed = 1}, one = {.n = 1, .train = train};
  bool ok = *quick && dg_network_initialize(network, 1, &err) &&
            run_network(network, device, model, &full, &err) &&
            run_network(network, device, model, &one, &err) && device->calls->finish(device, &err);
  dg_network_free(network);
  return ok;
}

/* ---- with a trainer ----------------------------------------------------- */

static bool make_samples(dg_samples *samples, uint32_t count, uint32_t height, uint32_t width) {
  size_t bytes = (size_t)count * height * width;
  *samples = (dg_samples){.count = count,
                          .kind = dg_gray_kind(height, width),
                          .inputs = malloc(bytes),
                          .labels = malloc(count)};
  if (!samples->inputs || !samples->labels) return false;
  dg_random random = dg_random_start(2, 0, count, 0);
  for (size_t i = 0; i < bytes; i++) samples->inputs[i] = (uint8_t)dg_random_word(&random);
  for (uint32_t i = 0; i < count; i++) samples->labels[i] = (uint8_t)(i % 2);
  return true;
}

/** Two steps of training, an optimizer's each, and a test; for models of gray images alone. */
static bool try_trainer(dg_model *model, dg_device *device, uint32_t n) {
  dg_error err = {0};
  const dg_trainer_options options = {.size = sizeof(dg_trainer_options), .seed = 1};
  dg_dataset *data = dg_dataset_new("random", &err);
  if (!data || !make_samples(&data->train, 2 * n + 1, model->input.dim[1], model->input.dim[2]) ||
      !make_samples(&data->test, n + 1, model->input.dim[1], model->input.dim[2]))
    abort();
  dg_dataset_count_classes(data);
  model->data.validation = 1;
  dg_trainer *trainer = dg_trainer_new(model, device, data, &options, &err);
  dg_score score;
  bool ok =
      trainer && dg_trainer_train(trainer, &err) && dg_trainer_test(trainer, NULL, &score, &err);
  dg_trainer_free(trainer);
  dg_dataset_close(data);
  return ok || err.kind == DG_ERR_RUNTIME; /* it may diverge */
}

static bool takes_images(const dg_model *model) {
  return model->input.rank == 3 && model->input.dim[0] == 1;
}

bool fuzz_run_model(const char *text, dg_device *device, uint32_t n, const fuzz_limits *limits) {
  dg_error err = {0};
  dg_model *model = dg_model_parse(text, "fuzz", NULL, 0, &err);
  bool quick = false, ok = false;
  if (model && is_small(model, n, limits)) {
    model->train.batch = n;
    model->train.epochs = 1;
    model->train.steps = 0;
    ok = try_network(model, device, n, true, limits, &quick);
    if (quick) ok &= try_network(model, device, n, false, limits, &quick);
    if (quick && takes_images(model)) ok &= try_trainer(model, device, n);
  }
  dg_model_free(model);
  return ok;
}
