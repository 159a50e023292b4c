/** The layers of Keras: what they compute, and which of their settings change it. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/exchange/keras/op.h"

/** What is known while the ops of a layer are made. */
typedef struct {
  dg_keras_network *network;
  uint32_t layer;
  const json_t *config;
  dg_error *err;
} making;

/* ---- activations -------------------------------------------------------- */

static const struct {
  const char *keras, *type;
} activations[] = {{"relu", "relu"},
                   {"sigmoid", "sigmoid"},
                   {"tanh", "tanh"},
                   {"softmax", "softmax"},
                   {"log_softmax", "log_softmax"},
                   {"glu", "glu"},
                   {"linear", ""},
                   {"leaky_relu", "leaky_relu"},
                   {"silu", "silu"},
                   {"swish", "silu"},
                   {"selu", "selu"},
                   {"softsign", "softsign"},
                   {"mish", "mish"},
                   {"hard_silu", "hard_swish"},
                   {"hard_swish", "hard_swish"}};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

/** Leaky ReLU's slope has other names and defaults in each version and place. */
static void leaky(dg_keras_op *op, const json_t *config, double standard) {
  const char *key = json_object_get(config, "alpha") ? "alpha" : "negative_slope";
  dg_keras_set_number(op, config, key, "slope", standard);
}

/** ReLU, which may be leaky or have other bounds. */
static void relu(dg_keras_op *op, const json_t *config) {
  op->type = "relu";
  if (dg_keras_number(json_object_get(config, "negative_slope")) > 0) {
    op->type = "leaky_relu";
    leaky(op, config, 0);
  }
  const json_t *most = json_object_get(config, "max_value");
  if (most && !json_is_null(most)) dg_keras_set_else(op, "max_value", most);
  dg_keras_need(op, config, "threshold", 0);
}

/** The op of an activation that is given by a name, a function or a layer; NULL is none. */
static bool add_activation(const making *m, const json_t *given, uint32_t in) {
  static const char *const layers[] = {"ReLU", "LeakyReLU", "Softmax"};
  const json_t *config = json_object_get(given, "config");
  const char *word = json_string_value(given), *class_name = dg_keras_word(given, "class_name");
  if (!given || json_is_null(given)) word = "linear";
  if (!word && json_is_string(config)) word = json_string_value(config);
  bool is_layer = false;
  for (size_t i = 0; i < sizeof layers / sizeof *layers && !word; i++)
    is_layer |= strcmp(layers[i], class_name) == 0;
  if (word && strcmp(word, "linear") == 0) return true;
  dg_keras_op *op = dg_keras_add_op(m->network, m->layer, word ? word : class_name, in, m->err);
  if (!op) return false;
  for (size_t i = 0; i < ACTIVATIONS && word; i++)
    if (strcmp(activations[i].keras, word) == 0) op->type = activations[i].type;
  if (word && strcmp(word, "leaky_relu") == 0) leaky(op, NULL, 0.2);
  if (is_layer && strcmp(class_name, "ReLU") == 0) relu(op, config);
  if (is_layer && strcmp(class_name, "LeakyReLU") == 0)
    op->type = "leaky_relu", leaky(op, config, 0.3);
  if (is_layer && strcmp(class_name, "Softmax") == 0) op->type = "softmax";
  return true;
}

/* ---- windows ------------------------------------------------------------ */

static void set_word(dg_keras_op *op, const json_t *config, const char *theirs, const char *key,
                     const char *word) {
  dg_keras_set(op, &(dg_keras_setting){.kind = DG_KERAS_WORD,
                                       .theirs = theirs,
                                       .key = key,
                                       .word = word,
                                       .json = json_object_get(config, theirs)});
}

static void padding(dg_keras_op *op, const json_t *config) {
  const json_t *json = json_object_get(config, "padding");
  const char *word = dg_keras_word(config, "padding");
  dg_keras_setting setting = {.theirs = "padding", .key = "padding", .json = json};
  setting.kind = strcmp(word, "same") == 0             ? DG_KERAS_SAME
                 : !json || strcmp(word, "valid") == 0 ? DG_KERAS_PAIR
                                                       : DG_KERAS_ELSE;
  dg_keras_set(op, &setting);
}

static void dilation(dg_keras_op *op, const json_t *config) {
  if (json_is_array(json_object_get(config, "dilation_rate")))
    dg_keras_set_pair(op, config, "dilation_rate", "dilation");
  else
    dg_keras_set_number(op, config, "dilation_rate", "dilation", 1);
}

static void window(dg_keras_op *op, const json_t *config) {
  dg_keras_set_pair(op, config, "strides", "stride");
  padding(op, config);
  dilation(op, config);
}

/** Of depthwise layers, the kernel's shape says how many groups there are (layout.c). */
static void conv(dg_keras_op *op, const json_t *config) {
  window(op, config);
  dg_keras_set_number(op, config, "groups", "groups", 1);
}

/** Without padding, Keras's output is as large as the stride at least, where the kernel is smaller;
    an output padding that it is told isn't the same as ours. */
static void transposed(dg_keras_op *op, const json_t *config) {
  const json_t *told = json_object_get(config, "output_padding");
  const dg_keras_setting *s = &op->settings[0];
  window(op, config);
  dg_keras_set_pair(op, config, "kernel_size", "kernel");
  dg_keras_setting extra = {
      .kind = DG_KERAS_PAIR, .theirs = "strides", .key = "output_padding", .json = s->json};
  if (told && !json_is_null(told)) dg_keras_set_else(op, "output_padding", told);
  if (strcmp(dg_keras_word(config, "padding"), "same") == 0 || op->setting_count == 0) return;
  const dg_keras_setting *kernel = &op->settings[op->setting_count - 1];
  if (strcmp(s->theirs, "strides") != 0 || strcmp(kernel->theirs, "kernel_size") != 0) return;
  for (int i = 0; i < 2; i++) extra.value[i] = fmax(s->value[i] - kernel->value[i], 0);
  if (op->setting_count < DG_KERAS_SETTINGS) op->settings[op->setting_count++] = extra;
}

static void pool(dg_keras_op *op, const json_t *config) {
  const json_t *strides = json_object_get(config, "strides");
  dg_keras_set_pair(op, config, "pool_size", "kernel");
  if (strides && !json_is_null(strides))
    dg_keras_set_pair(op, config, "strides", "stride");
  else
    dg_keras_set_pair(op, config, "pool_size", "stride");
  padding(op, config);
}

/** Keras has neither dilated windows nor a last one that reaches beyond the edge. */
static void pool2d(dg_keras_op *op, const json_t *config) {
  pool(op, config);
  set_word(op, config, "ceil_mode", "ceil_mode", "false");
  if (dg_keras_is(op, "maxpool2d")) dg_keras_set_number(op, config, "dilation", "dilation", 1);
}

static void upsample(dg_keras_op *op, const json_t *config) {
  dg_keras_set_pair(op, config, "size", "scale");
  const char *word = dg_keras_word(config, "interpolation");
  if (!*word) word = "nearest";
  set_word(op, config, "interpolation", "mode", word);
}

/* ---- norms -------------------------------------------------------------- */

static void norm(dg_keras_op *op, const json_t *config) {
  dg_keras_set_number(op, config, "epsilon", "eps", 1e-3);
  dg_keras_need(op, config, "rms_scaling", 0);
  dg_keras_need(op, config, "renorm", 0);
}

static void rms_norm(dg_keras_op *op, const json_t *config) {
  dg_keras_set_number(op, config, "epsilon", "eps", 1e-6);
}

/** -1 groups are as many as channels. */
static void group_norm(dg_keras_op *op, const json_t *config) {
  dg_keras_set_number(op, config, "epsilon", "eps", 1e-3);
  if (dg_keras_number(json_object_get(config, "groups")) == -1)
    op->type = "instance_norm";
  else
    dg_keras_set_number(op, config, "groups", "groups", 32);
}

/** (byte / 255 - mean) / std: the order settles where it may stand. */
static void rescale(dg_keras_op *op, const json_t *config) {
  dg_keras_set_number(op, config, "scale", NULL, 1);
  dg_keras_set_number(op, config, "offset", NULL, 0);
}

/** We have no masks: steps of the word 0 are like all others. */
static void embedding(dg_keras_op *op, const json_t *config) {
  dg_keras_need(op, config, "mask_zero", 0);
}

static void permute(dg_keras_op *op, const json_t *config) {
  const json_t *dims = json_object_get(config, "dims");
  bool swap = json_array_size(dims) == 2 && json_integer_value(json_array_get(dims, 0)) == 2 &&
              json_integer_value(json_array_get(dims, 1)) == 1;
  if (!swap) op->type = NULL;
}

/* ---- recurrent layers --------------------------------------------------- */

static void cell(dg_keras_op *op, const json_t *config) {
  dg_keras_need_word(op, config, "activation", "tanh");
  dg_keras_need(op, config, "stateful", 0);
  dg_keras_need(op, config, "time_major", 0);
  bool all = json_is_true(json_object_get(config, "return_sequences"));
  set_word(op, config, "return_sequences", "output", all ? "sequence" : "last");
}

/** Keras 2's hard sigmoid is ours; that of Keras 3 is clip(x / 6 + 0.5, 0, 1). */
static void gates(dg_keras_op *op, const json_t *config, uint32_t version) {
  const char *word = dg_keras_word(config, "recurrent_activation");
  bool hard = strcmp(word, "hard_sigmoid") == 0 && version < 3;
  if (!*word) return;
  if (hard || strcmp(word, "sigmoid") == 0)
    set_word(op, config, "recurrent_activation", "gates", hard ? "hard_sigmoid" : "sigmoid");
  else
    dg_keras_set_else(op, "recurrent_activation", json_object_get(config, "recurrent_activation"));
}

/** Sets the type too, since a bidirectional layer has that of the layers in it. */
static void recurrent(dg_keras_op *op, const json_t *config, const char *class_name,
                      uint32_t version) {
  bool gru = strcmp(class_name, "GRU") == 0, lstm = strcmp(class_name, "LSTM") == 0;
  op->type = gru ? "gru" : lstm ? "lstm" : strcmp(class_name, "SimpleRNN") == 0 ? "rnn" : NULL;
  cell(op, config);
  if (gru || lstm) gates(op, config, version);
  const json_t *after = json_object_get(config, "reset_after");
  if (gru) set_word(op, config, "reset_after", "reset", json_is_true(after) ? "after" : "before");
}

static void bidirectional(dg_keras_op *op, const json_t *config, uint32_t version) {
  static const char *const sides[] = {"layer", "backward_layer"};
  dg_keras_need_word(op, config, "merge_mode", "concat");
  for (int i = 0; i < 2; i++) {
    const json_t *side = json_object_get(config, sides[i]);
    const json_t *inner = json_object_get(side, "config");
    if (!inner) continue;
    recurrent(op, inner, dg_keras_word(side, "class_name"), version);
    dg_keras_need(op, inner, "go_backwards", i);
  }
  dg_keras_set(op, &(dg_keras_setting){.kind = DG_KERAS_WORD,
                                       .theirs = "Bidirectional",
                                       .key = "bidirectional",
                                       .word = "true"});
}

/* ---- all ---------------------------------------------------------------- */

static const struct {
  const char *class_name, *type;
  void (*settings)(dg_keras_op *op, const json_t *config);
} classes[] = {
    {"Dense", "linear", NULL},
    {"Conv2D", "conv2d", conv},
    {"Conv1D", "conv1d", conv},
    {"DepthwiseConv2D", "conv2d", window},
    {"DepthwiseConv1D", "conv1d", window},
    {"Conv2DTranspose", "conv_transpose2d", transposed},
    {"Conv1DTranspose", "conv_transpose1d", transposed},
    {"MaxPooling2D", "maxpool2d", pool2d},
    {"AveragePooling2D", "avgpool2d", pool2d},
    {"MaxPooling1D", "maxpool1d", pool},
    {"AveragePooling1D", "avgpool1d", pool},
    {"GlobalMaxPooling2D", "global_maxpool", NULL},
    {"GlobalMaxPooling1D", "global_maxpool", NULL},
    {"GlobalAveragePooling2D", "global_avgpool", NULL},
    {"GlobalAveragePooling1D", "global_avgpool", NULL},
    {"UpSampling2D", "upsample2d", upsample},
    {"BatchNormalization", "batch_norm", norm},
    {"LayerNormalization", "layer_norm", norm},
    {"GroupNormalization", "group_norm", group_norm},
    {"RMSNormalization", "rms_norm", rms_norm},
    {"Embedding", "embedding", embedding},
    {"Add", "add", NULL},
    {"Multiply", "multiply", NULL},
    {"Subtract", "subtract", NULL},
    {"Concatenate", "concat", NULL},
    {"Rescaling", "rescale", rescale},
    {"ZeroPadding2D", "zero_pad", NULL},
    {"ZeroPadding1D", "zero_pad", NULL},
    {"Flatten", "", NULL},
    {"Reshape", "", NULL},
    {"Permute", "columns", permute},
    {"InputLayer", "", NULL},
    {"Activation", "", NULL},
    {"ReLU", "relu", relu},
    {"Softmax", "softmax", NULL},
    {"Relu", "relu", NULL}, /* functions of keras.ops */
    {"Sigmoid", "sigmoid", NULL},
    {"Tanh", "tanh", NULL},
    /* which pass on what they read, but in training */
    {"Dropout", "", NULL},
    {"SpatialDropout1D", "", NULL},
    {"SpatialDropout2D", "", NULL},
    {"AlphaDropout", "", NULL},
    {"GaussianDropout", "", NULL},
    {"GaussianNoise", "", NULL},
    {"ActivityRegularization", "", NULL},
    {"Identity", "", NULL},
    {"RandomContrast", "", NULL},
    {"RandomBrightness", "", NULL},
    {"RandomFlip", "", NULL},
    {"RandomRotation", "", NULL},
    {"RandomTranslation", "", NULL},
    {"RandomZoom", "", NULL},
};
enum { CLASSES = sizeof classes / sizeof *classes };

static void set_all(const making *m, dg_keras_op *op, const char *class_name) {
  uint32_t version = m->network->version;
  for (size_t i = 0; i < CLASSES; i++) {
    if (strcmp(classes[i].class_name, class_name) != 0) continue;
    op->type = classes[i].type;
    if (classes[i].settings) classes[i].settings(op, m->config);
  }
  if (strcmp(class_name, "LeakyReLU") == 0) {
    op->type = "leaky_relu";
    leaky(op, m->config, 0.3);
  } else if (strcmp(class_name, "Bidirectional") == 0) {
    bidirectional(op, m->config, version);
  } else if (!op->type) {
    recurrent(op, m->config, class_name, version);
    dg_keras_need(op, m->config, "go_backwards", 0);
    if (!op->type) op->setting_count = 0;
  }
}

bool dg_keras_add_layer_ops(dg_keras_network *network, uint32_t layer, uint32_t in, dg_error *err) {
  dg_keras_layer *l = &network->layers[layer];
  const making m = {network, layer, l->config, err};
  dg_keras_op *op = dg_keras_add_op(network, layer, l->class_name, in, err);
  if (!op) return false;
  set_all(&m, op, l->class_name);
  l->first = network->op_count - 1;
  const json_t *activation = json_object_get(l->config, "activation");
  if (op->type && !dg_keras_is_recurrent(op) && !add_activation(&m, activation, l->first))
    return false;
  l->last = network->op_count - 1;
  return true;
}

/* ---- classes in paths --------------------------------------------------- */

/** The classes that have tensors, as paths spell them. Some look like others: they have none of our
    types. */
static const struct {
  const char *word, *type;
} paths[] = {
    {"dense", "linear"},
    {"conv2d", "conv2d"},
    {"conv1d", "conv1d"},
    {"batch_normalization", "batch_norm"},
    {"layer_normalization", "layer_norm"},
    {"gru", "gru"},
    {"lstm", "lstm"},
    {"simple_rnn", "rnn"},
    {"conv2d_transpose", "conv_transpose2d"},
    {"conv1d_transpose", "conv_transpose1d"},
    {"conv3d", ""},
    {"depthwise_conv1d", "conv1d"},
    {"depthwise_conv2d", "conv2d"},
    {"einsum_dense", ""},
    {"embedding", "embedding"},
    {"group_normalization", "group_norm"},
    {"group_query_attention", ""},
    {"multi_head_attention", ""},
    {"normalization", ""},
    {"p_re_lu", ""},
    {"rms_normalization", "rms_norm"},
    {"separable_conv1d", ""},
    {"separable_conv2d", ""},
    {"spectral_normalization", ""},
};

bool dg_keras_class_fits(const char *word, size_t length, const char *type) {
  while (length > 0 && isdigit((unsigned char)word[length - 1])) length--;
  size_t bare = length > 0 && word[length - 1] == '_' ? length - 1 : strcspn(word, "/");
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (strlen(paths[i].word) == bare && memcmp(paths[i].word, word, bare) == 0)
      return strcmp(paths[i].type, type) == 0;
  return true;
}
