/* Settings of Keras's models: any text, whose tensors are whose, and the comparison with a model.
 */
#include <stdlib.h>
#include <string.h>

#include "core/exchange/keras/keras.h"
#include "core/model/model.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char text[] =
    "name = \"m\"; input = [1, 6, 6]; layers = ("
    "{ type = \"conv2d\"; name = \"c\"; filters = 2; kernel = 3; padding = 1; },"
    "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"leaky_relu\"; name = \"a\"; },"
    "{ type = \"conv2d\"; name = \"d\"; filters = 2; kernel = 3; padding = 1; },"
    "{ type = \"add\"; name = \"s\"; inputs = [\"a\", \"d\"]; },"
    "{ type = \"maxpool2d\"; kernel = 2; }, { type = \"rows\"; },"
    "{ type = \"gru\"; name = \"g\"; units = 3; output = \"sequence\"; },"
    "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 2; });"
    "loss = \"cross_entropy\"; train = { epochs = 1; batch = 4; optimizer = { type = \"sgd\"; "
    "lr = 0.1; }; };";

/** Tensors of names in both forms. */
static void add_arrays(dg_arrays *arrays) {
  static const char *const names[] = {"layers/dense/vars/0",
                                      "layers/conv2d/vars/1",
                                      "layers/sequential/layers/batch_normalization/vars/2",
                                      "layers/bidirectional/forward_layer/cell/vars/0",
                                      "a/kernel",
                                      "inner/inner/b/kernel",
                                      "inner/deep/c/gamma"};
  const uint64_t two = 2;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!dg_arrays_add(arrays, names[i], 1, &two, false, NULL)) abort();
}

static void ignore(void *user, const dg_difference *difference) {
  (void)user;
  fuzz_touch(difference->message, strlen(difference->message));
  if (!difference->key != !difference->theirs) abort();
}

/** Compares the network with the model, whose tensors come from one of its layers each. */
static void compare(const dg_keras_network *network) {
  dg_error err = {0};
  dg_model_graph graph;
  dg_model *model = dg_model_parse(text, "fuzz", NULL, 0, &err);
  if (!model || !dg_model_graph_make(&graph, model, &err)) abort();
  dg_arrays ours = {.path = "fuzz"};
  const uint64_t one = 1;
  for (uint32_t i = 0; i < graph.param_count; i++) {
    dg_array *array = dg_arrays_add(&ours, graph.params[i].name, 1, &one, false, NULL);
    if (!array) abort();
    array->origin = i % (network->layer_count + 1);
  }
  const dg_convert_options options = {.size = sizeof options, .differs = ignore, .strict = true};
  bool ok = dg_keras_compare(network, &graph, model, &ours, "fuzz", &options, &err);
  if (ok != (err.kind == DG_OK)) abort();
  dg_arrays_free(&ours);
  dg_model_graph_free(&graph);
  dg_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char *config = malloc(size + 1);
  if (!config) return 0;
  memcpy(config, bytes, size);
  config[size] = '\0';
  dg_keras_network network;
  dg_arrays arrays = {.path = "fuzz"};
  dg_error err = {0};
  if (dg_keras_network_read(&network, config, 3, "fuzz", &err)) {
    add_arrays(&arrays);
    if (dg_keras_place(&network, &arrays, &err) != (err.kind == DG_OK)) abort();
    for (size_t i = 0; i < arrays.count; i++)
      if (arrays.items[i].layer > strlen(arrays.items[i].name)) abort();
    compare(&network);
  }
  dg_arrays_free(&arrays);
  dg_keras_network_free(&network);
  free(config);
  return 0;
}
