/* Settings of Keras's layers: absent tensors, and what the model contradicts. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/common/suite.h"
#include "tests/exchange/keras.h"

static keras_told told;

/* ---- tensors that are absent -------------------------------------------- */

#define NORM(class, rest) "{'class_name': '" class "', 'config': {'name': 'n'" rest "}}"

static const struct {
  const char *content, *layers, *ours, *says[4]; /**< weight, bias, mean, variance */
} absent[] = {
    {"layers/layer_normalization/vars/0 6 =1",
     NORM("LayerNormalization", ", 'scale': false"),
     "layer_norm",
     {"1 1 1 1 1 1", "1 2 3 4 5 6"}},
    {"layers/layer_normalization/vars/0 6 =1",
     NORM("LayerNormalization", ", 'center': false"),
     "layer_norm",
     {"1 2 3 4 5 6", "0 0 0 0 0 0"}},
    {"layers/layer_normalization/vars/0 6 =1; layers/layer_normalization/vars/1 6 =9",
     NORM("LayerNormalization", ""),
     "layer_norm",
     {"1 2 3 4 5 6", "9 10 11 12 13 14"}},
    {"layers/dense/vars/0 6 2",
     NORM("LayerNormalization", ", 'center': false, 'scale': false"),
     "layer_norm",
     {"1 1 1 1 1 1", "0 0 0 0 0 0"}},
    {"layers/batch_normalization/vars/0 6 =1; layers/batch_normalization/vars/1 6 =11;"
     "layers/batch_normalization/vars/2 6 =21",
     NORM("BatchNormalization", ", 'scale': false"),
     "batch_norm",
     {"1 1 1 1 1 1", "1 2 3 4 5 6", "11 12 13 14 15 16", "21 22 23 24 25 26"}},
    {"layers/batch_normalization/vars/0 6 =1; layers/batch_normalization/vars/1 6 =11;"
     "layers/batch_normalization/vars/2 6 =21",
     NORM("BatchNormalization", ", 'center': false"),
     "batch_norm",
     {"1 2 3 4 5 6", "0 0 0 0 0 0", "11 12 13 14 15 16", "21 22 23 24 25 26"}},
    {"layers/batch_normalization/vars/0 6 =1; layers/batch_normalization/vars/1 6 =11",
     NORM("BatchNormalization", ", 'center': false, 'scale': false"),
     "batch_norm",
     {"1 1 1 1 1 1", "0 0 0 0 0 0", "1 2 3 4 5 6", "11 12 13 14 15 16"}},
};

START_TEST(settings_say_what_is_absent) {
  static const char *const names[] = {"n.weight", "n.bias", "n.running_mean", "n.running_var"};
  char layers[1000], ours[500], content[500];
  dg_error err;
  bool dense = strstr(absent[_i].content, "dense") != NULL;
  snprintf(layers, sizeof layers, "%s, " DENSE("fc", 2), absent[_i].layers);
  snprintf(ours, sizeof ours,
           FLATTEN "{ type = '%s'; name = 'n'; eps = 0.001; }, "
                   "{ type = 'linear'; name = 'fc'; units = 2; }",
           absent[_i].ours);
  snprintf(content, sizeof content, "%s; layers/dense/vars/1 2%s", absent[_i].content,
           dense ? "" : "; layers/dense/vars/0 6 2");
  keras_write(true, content, layers);
  dg_model *model = keras_model("[1, 2, 3]", ours, NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  ck_assert_msg(told.count == 0, "%s", told.text);
  for (int i = 0; i < 4 && absent[_i].says[i]; i++)
    ck_assert_str_eq(keras_numbers(names[i]), absent[_i].says[i]);
  ck_assert_str_eq(keras_numbers("fc.weight"), "1 3 5 7 9 11 2 4 6 8 10 12");
  dg_model_free(model);
}
END_TEST

/* ---- settings that the model contradicts -------------------------------- */

#define IMAGE "[1, 5, 5]"
#define CONV(rest) "{'class_name': 'Conv2D', 'config': {'name': 'c', 'filters': 2" rest "}}"
#define CONV_OURS(rest) "{ type = 'conv2d'; name = 'c'; filters = 2; kernel = 3; " rest "}, "
#define TRANSPOSE_OURS(rest)                                                                       \
  "{ type = 'conv_transpose2d'; name = 'c'; filters = 2; kernel = 2; " rest "}, "
#define C_TENSORS "c/kernel 3 3 1 2; c/bias 2; "
#define LAYER(class, rest) "{'class_name': '" class "', 'config': {'name': 'x'" rest "}}, "
#define OUT "{ type = 'global_avgpool'; }, { type = 'linear'; name = 'fc'; units = 2; }"
#define OUT_THEIRS LAYER("GlobalAveragePooling2D", "") DENSE("fc", 2)
#define OUT_TENSORS "fc/kernel 2 2; fc/bias 2;"
#define CELL(class, rest)                                                                          \
  "{'class_name': '" class "', 'config': {'name': 'g', 'units': 2" rest "}}, "
#define CELL_OURS(type, rest)                                                                      \
  "{ type = 'rows'; }, { type = '" type "'; name = 'g'; units = 2; " rest "}, "
#define END_OURS "{ type = 'linear'; name = 'fc'; units = 2; }"

/** `key`: what sets it right; NULL: nothing does. */
static const struct {
  const char *tensors, *theirs, *ours, *says, *key, *value;
} differences[] = {
    {C_TENSORS, CONV(", 'strides': [1, 1], 'padding': 'same', 'activation': 'linear'") ", ",
     CONV_OURS("padding = 1; "), NULL, NULL, NULL},
    {C_TENSORS, CONV(", 'padding': 'same'") ", ", CONV_OURS(""),
     "\"c\" (Conv2D) has padding = \"same\"; the model's layer \"c\" has padding = 0 and needs 1",
     "c.padding", "1"},
    {C_TENSORS, CONV(", 'padding': 'valid'") ", ", CONV_OURS("padding = 1; "),
     "has padding = \"valid\"", "c.padding", "0"},
    {C_TENSORS, CONV(", 'strides': [2, 1]") ", ", CONV_OURS(""), "has strides = [2,1]", "c.stride",
     "[2, 1]"},
    {C_TENSORS, CONV(", 'strides': [2, 2], 'padding': 'same'") ", ",
     CONV_OURS("stride = 2; padding = 1; "), NULL, NULL, NULL},
    {C_TENSORS, CONV(", 'dilation_rate': [2, 2]") ", ", CONV_OURS(""),
     "has dilation_rate = [2,2]; the model's layer \"c\" has dilation = 1 and needs 2",
     "c.dilation", "2"},
    {C_TENSORS, CONV(", 'dilation_rate': [2, 1]") ", ", CONV_OURS("dilation = [2, 1]; "), NULL,
     NULL, NULL},
    {C_TENSORS, CONV(", 'dilation_rate': [1, 1]") ", ", CONV_OURS("dilation = 2; "),
     "has dilation = 2 and needs 1", "c.dilation", "1"},
    {C_TENSORS, CONV("") ", ", CONV_OURS("dilation = 2; "), "has dilation = 2 and needs 1",
     "c.dilation", "1"},
    {C_TENSORS, CONV(", 'strides': 2, 'padding': 'same'") ", ",
     CONV_OURS("stride = 2; padding = 'same'; "), NULL, NULL, NULL},
    {C_TENSORS, CONV(", 'padding': 'valid'") ", ", CONV_OURS("padding = 'same'; "),
     "the model's layer \"c\" has padding = same and needs 0", "c.padding", "0"},
    {C_TENSORS "x/kernel 1 1 1 2; x/bias 2; ",
     CONV("") ", " LAYER("Conv2D", ", 'kernel_size': [1, 1], 'groups': 2"),
     CONV_OURS("") "{ type = 'conv2d'; name = 'd'; filters = 2; kernel = 1; groups = 2; }, ", NULL,
     NULL, NULL},
    {C_TENSORS, CONV(", 'dilation_rate': 2, 'padding': 'same'") ", ",
     CONV_OURS("dilation = 2; padding = 2; "), NULL, NULL, NULL},
    {"c/depthwise_kernel 3 3 1 2; c/bias 2; ",
     LAYER("DepthwiseConv2D", ", 'depth_multiplier': 2, 'padding': 'same'"),
     CONV_OURS("padding = 'same'; "), NULL, NULL, NULL},
    {"c/kernel 2 2 2 1; c/bias 2; ", LAYER("Conv2DTranspose", ", 'strides': 2, 'kernel_size': 2"),
     TRANSPOSE_OURS("stride = 2; "), NULL, NULL, NULL},
    {"c/kernel 2 2 2 1; c/bias 2; ", LAYER("Conv2DTranspose", ", 'strides': 3, 'kernel_size': 2"),
     TRANSPOSE_OURS("stride = 3; "), "has strides = 3", "c.output_padding", "1"},
    {"c/kernel 2 2 2 1; c/bias 2; ",
     LAYER("Conv2DTranspose", ", 'strides': 3, 'kernel_size': [2, 2], 'padding': 'same'"),
     TRANSPOSE_OURS("stride = 3; padding = 'same'; "), NULL, NULL, NULL},
    {"c/kernel 2 2 2 1; c/bias 2; ",
     LAYER("Conv2DTranspose", ", 'strides': 2, 'kernel_size': 2, 'output_padding': 1"),
     TRANSPOSE_OURS("stride = 2; "), "has output_padding = 1", NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("UpSampling2D", ", 'size': 2, 'interpolation': 'bilinear'"),
     CONV_OURS("") "{ type = 'upsample2d'; scale = 2; }, ", "has interpolation = \"bilinear\"",
     "upsample2d1.mode", "bilinear"},
    {C_TENSORS, CONV("") ", " LAYER("UpSampling2D", ", 'size': 2, 'interpolation': 'bilinear'"),
     CONV_OURS("") "{ type = 'upsample2d'; scale = 2; mode = 'bilinear'; }, ", NULL, NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'relu'") ", ", CONV_OURS(""),
     "the file's network has the layer \"c\" (Conv2D, relu); the model has nothing for it", NULL,
     NULL},
    {C_TENSORS, CONV("") ", ", CONV_OURS("") "{ type = 'relu'; }, ",
     "the model has the layer \"relu1\" (relu)", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'tanh'") ", ", CONV_OURS("") "{ type = 'sigmoid'; }, ",
     "(Conv2D, tanh) where the model has \"sigmoid1\" (sigmoid)", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'gelu'") ", ", CONV_OURS("") "{ type = 'relu'; }, ", "gelu",
     NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'softmax'") ", ",
     CONV_OURS("") "{ type = 'softmax'; dim = 0; }, ", NULL, NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'softmax'") ", ", CONV_OURS("") "{ type = 'softmax'; }, ",
     "(Conv2D, softmax) where the model has \"softmax1\" (softmax)", NULL, NULL},
    {C_TENSORS, CONV(", 'data_format': 'channels_last'") ", " LAYER("Softmax", ", 'axis': 1"),
     CONV_OURS("") "{ type = 'softmax'; dim = 0; }, ", "has axis = 1", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'log_softmax'") ", ",
     CONV_OURS("") "{ type = 'log_softmax'; dim = 0; }, ", NULL, NULL, NULL},
    {C_TENSORS "d/kernel 3 2; d/bias 2; ", CONV("") ", " DENSE("d", 2) ", ",
     CONV_OURS("") "{ type = 'linear'; name = 'd'; units = 2; }, ",
     "\"d\" (Dense) where the model has \"d\" (linear)", NULL, NULL},
    {C_TENSORS, CONV("") ", ", CONV_OURS("") "{ type = 'reshape'; shape = [2, 3, 3]; }, ",
     "(reshape) orders numbers as the file's network does", NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("LeakyReLU", ", 'negative_slope': 0.2"),
     CONV_OURS("") "{ type = 'leaky_relu'; }, ",
     "has negative_slope = 0.2; the model's layer \"leaky_relu1\" has slope = 0.01 and needs 0.2",
     "leaky_relu1.slope", "0.2"},
    {C_TENSORS, CONV("") ", " LAYER("LeakyReLU", ""),
     CONV_OURS("") "{ type = 'leaky_relu'; slope = 0.3; }, ", NULL, NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("ReLU", ", 'max_value': 6.0"),
     CONV_OURS("") "{ type = 'relu'; }, ", "has max_value = 6", NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("MaxPooling2D", ", 'pool_size': [3, 3], 'strides': [1, 1]"),
     CONV_OURS("") "{ type = 'maxpool2d'; kernel = 3; }, ", "has strides = [1,1]",
     "maxpool2d1.stride", "1"},
    {C_TENSORS, CONV("") ", " LAYER("AveragePooling2D", ", 'pool_size': [3, 3]"),
     CONV_OURS("") "{ type = 'maxpool2d'; kernel = 3; }, ",
     "(AveragePooling2D) where the model has", NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("AveragePooling2D", ", 'pool_size': [3, 3], 'padding': 'same'"),
     CONV_OURS(
         "") "{ type = 'avgpool2d'; kernel = 3; padding = 'same'; count_include_pad = false; }, ",
     NULL, NULL, NULL},
    {C_TENSORS,
     CONV("") ", " LAYER("AveragePooling2D", ", 'pool_size': [3, 3], 'strides': [1, 1], "
                                             "'padding': 'same'"),
     CONV_OURS("") "{ type = 'avgpool2d'; kernel = 3; stride = 1; padding = 'same'; }, ",
     "has padding = \"same\"", NULL, NULL},
    {C_TENSORS,
     CONV("") ", " LAYER("MaxPooling2D", ", 'pool_size': [2, 2], 'strides': 1, 'padding': 'same'"),
     CONV_OURS(
         "") "{ type = 'maxpool2d'; kernel = 2; stride = 1; padding = 'same'; dilation = 2; }, ",
     "has dilation = 1 by default; the model's layer \"maxpool2d1\" has dilation = 2 and needs 1",
     "maxpool2d1.dilation", "1"},
    {C_TENSORS, CONV("") ", " LAYER("AveragePooling2D", ", 'pool_size': [2, 2]"),
     CONV_OURS("") "{ type = 'avgpool2d'; kernel = 2; ceil_mode = true; }, ",
     "has ceil_mode = true and needs false", "avgpool2d1.ceil_mode", "false"},
    {C_TENSORS "x/gamma 2; x/beta 2; ",
     CONV("") ", " LAYER("GroupNormalization", ", 'groups': 2, 'epsilon': 0.001, 'axis': -1"),
     CONV_OURS("") "{ type = 'group_norm'; name = 'n'; groups = 1; eps = 0.001; }, ",
     "has groups = 1 and needs 2", "n.groups", "2"},
    {C_TENSORS "x/gamma 2; x/beta 2; ",
     CONV("") ", " LAYER("GroupNormalization", ", 'groups': -1, 'epsilon': 0.001, 'axis': -1"),
     CONV_OURS("") "{ type = 'instance_norm'; name = 'n'; affine = true; eps = 0.001; }, ", NULL,
     NULL, NULL},
    {C_TENSORS, CONV("") ", " LAYER("Lambda", ""), CONV_OURS(""), "(Lambda)", NULL, NULL},
    {C_TENSORS, LAYER("ZeroPadding2D", ", 'padding': [[1, 1], [1, 1]]") CONV("") ", ",
     CONV_OURS(""), "has padding = [[1,1],[1,1]]", "c.padding", "1"},
    {C_TENSORS, LAYER("ZeroPadding2D", ", 'padding': [[0, 1], [0, 1]]") CONV("") ", ",
     CONV_OURS(""), "\"x\" (ZeroPadding2D)", NULL, NULL},
    {C_TENSORS, LAYER("Rescaling", ", 'scale': 0.00784313725, 'offset': -1.0") CONV("") ", ",
     CONV_OURS(""), "makes mean = 0.5 and std = 0.5 of the data", NULL, NULL},
    {C_TENSORS, LAYER("Rescaling", ", 'scale': 0.00784313725, 'offset': [-1.0]") CONV("") ", ",
     CONV_OURS(""), "\"x\" (Rescaling); the model has nothing for it there", NULL, NULL},
    {C_TENSORS, LAYER("Rescaling", ", 'scale': 0.00392156862, 'offset': 0") CONV("") ", ",
     CONV_OURS(""), NULL, NULL, NULL},
    {C_TENSORS "x/moving_mean 2; x/moving_variance 2; x/gamma 2; x/beta 2; ",
     CONV("") ", " LAYER("BatchNormalization", ", 'epsilon': 0.001"),
     CONV_OURS("") "{ type = 'batch_norm'; name = 'n'; }, ",
     "\"x\" (BatchNormalization) has epsilon = 0.001; the model's layer \"n\" has eps = 1e-05 and "
     "needs 0.001",
     "n.eps", "0.001"},
    {C_TENSORS "x/moving_mean 2; x/moving_variance 2; x/gamma 2; x/beta 2; ",
     CONV("") ", " LAYER("BatchNormalization", ", 'epsilon': 0.001, 'momentum': 0.5"),
     CONV_OURS("") "{ type = 'batch_norm'; name = 'n'; eps = 0.001; }, ", NULL, NULL, NULL},
    {C_TENSORS "x/moving_mean 2; x/moving_variance 2; x/gamma 2; x/beta 2; ",
     CONV(", 'data_format': 'channels_last'") ", " LAYER("BatchNormalization", ", 'axis': 1"),
     CONV_OURS("") "{ type = 'batch_norm'; name = 'n'; eps = 0.001; }, ", "has axis = 1", NULL,
     NULL},
};

/** Kernels of groups with a filter or more for each channel, and of a transposed convolution. */
START_TEST(kernels_have_their_order) {
  dg_error err;
  keras_write(true,
              "layers/depthwise_conv2d/vars/0 1 2 2 2 =1; layers/depthwise_conv2d/vars/1 4;"
              "layers/conv2d_transpose/vars/0 1 2 2 4 =1; layers/conv2d_transpose/vars/1 2;"
              "layers/dense/vars/0 2 2; layers/dense/vars/1 2",
              LAYER("DepthwiseConv2D",
                    ", 'depth_multiplier': 2") "{'class_name': "
                                               "'Conv2DTranspose', 'config': {'name': 'y', "
                                               "'strides': 1, 'kernel_size': [1, 2]}}, " LAYER(
                                                   "GlobalAveragePooling2D", "") DENSE("fc", 2));
  dg_model *model =
      keras_model("[2, 1, 5]",
                  "{ type = 'conv2d'; name = 'd'; filters = 4; kernel = [1, 2]; groups = 2; },"
                  "{ type = 'conv_transpose2d'; name = 't'; filters = 2; kernel = [1, 2]; },"
                  "{ type = 'global_avgpool'; }, { type = 'linear'; name = 'fc'; units = 2; }",
                  NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  ck_assert_str_eq(keras_numbers("d.weight"), "1 5 2 6 3 7 4 8");
  ck_assert_str_eq(keras_numbers("t.weight"), "1 9 5 13 2 10 6 14 3 11 7 15 4 12 8 16");
  dg_model_free(model);
}
END_TEST

/** Tables of rows keep their order; the weight of an RMS norm is "scale" in Keras 3's .h5. */
START_TEST(tables_and_scales_are_found) {
  static const char numbered[] =
      "layers/embedding/vars/0 3 2 =1; layers/rms_normalization/vars/0 2 =7;"
      "layers/dense/vars/0 2 2; layers/dense/vars/1 2";
  static const char named[] =
      "x/embeddings 3 2 =1; n/scale 2 =7; fc/kernel 2 2; fc/bias 2; @/ layer_names: x n fc;"
      "@x weight_names: embeddings; @n weight_names: scale; @fc weight_names: kernel bias";
  const bool masks = _i >= 2;
  char layers[1000];
  dg_error err;
  snprintf(layers, sizeof layers,
           LAYER("Embedding", ", 'input_dim': 3, 'output_dim': 2, 'mask_zero': %s")
               NORM("RMSNormalization", ", 'epsilon': 1e-06, 'axis': -1") ", " LAYER(
                   "GlobalAveragePooling1D", "") DENSE("fc", 2),
           masks ? "true" : "false");
  keras_write(_i % 2, _i % 2 ? numbered : named, layers);
  dg_model *model = keras_model("[4]",
                                "{ type = 'embedding'; name = 'e'; words = 3; width = 2; },"
                                "{ type = 'rms_norm'; name = 'n'; eps = 1e-6; },"
                                "{ type = 'global_avgpool'; },"
                                "{ type = 'linear'; name = 'fc'; units = 2; }",
                                NULL);
  bool ok = keras_convert(model, (dg_convert_options){.strict = true}, &told, &err);
  ck_assert_msg(ok == !masks, "%s", err.message);
  if (ok) {
    ck_assert_str_eq(keras_numbers("e.weight"), "1 2 3 4 5 6");
    ck_assert_str_eq(keras_numbers("n.weight"), "7 8");
  } else {
    ck_assert_msg(strstr(err.message, "has mask_zero = true") != NULL, "%s", err.message);
  }
  dg_model_free(model);
}
END_TEST

/** A list of the layers of a .h5, and each one's weights. */
static void add_lists(const char *tensors, char *out, size_t size) {
  char words[1000], layers[200] = "";
  snprintf(out, size, "%s", tensors);
  snprintf(words, sizeof words, "%s", tensors);
  for (char *rest = words, *word; (word = strtok_r(rest, ";", &rest));) {
    char layer[50], weight[50], *slash = strchr(word, '/');
    if (!slash) continue;
    sscanf(word, " %49[^/]/%49s", layer, weight);
    char list[70];
    snprintf(list, sizeof list, "; @%s weight_names: ", layer);
    char *found = strstr(out, list);
    size_t used = strlen(out);
    if (found) {
      char tail[1000];
      found += strlen(list);
      snprintf(tail, sizeof tail, "%s", found);
      sprintf(found, "%s %s", weight, tail);
    } else {
      snprintf(out + used, size - used, "%s%s", list, weight);
      sprintf(layers + strlen(layers), " %s", layer);
    }
  }
  size_t used = strlen(out);
  snprintf(out + used, size - used, "; @/ layer_names:%s", layers);
}

START_TEST(contradictions_are_told) {
  char content[3000], tensors[1000], layers[2000], ours[1000];
  dg_error err;
  snprintf(tensors, sizeof tensors, "%s" OUT_TENSORS, differences[_i].tensors);
  add_lists(tensors, content, sizeof content);
  snprintf(layers, sizeof layers, "%s" OUT_THEIRS, differences[_i].theirs);
  snprintf(ours, sizeof ours, "%s" OUT, differences[_i].ours);
  keras_write(false, content, layers);
  dg_model *model = keras_model(IMAGE, ours, NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){0}, &told, &err), "%s", err.message);
  const char *says = differences[_i].says, *key = differences[_i].key;
  ck_assert_msg(says ? strstr(told.text, says) != NULL : told.count == 0, "expected \"%s\" in: %s",
                says ? says : "", told.text);
  ck_assert_str_eq(told.key, key ? key : strncmp(told.key, "data.", 5) == 0 ? told.key : "");
  bool strict = keras_convert(model, (dg_convert_options){.strict = true}, &told, &err);
  ck_assert_int_eq(strict, !says);
  ck_assert_int_eq(keras_converted(), !says);
  if (says) ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
  if (says) ck_assert_int_eq(err.remedy, *told.key ? DG_REMEDY_MODEL_KEY : DG_REMEDY_NONE);
  dg_model_free(model);
  if (!key) return;
  ck_assert_str_eq(told.value, differences[_i].value);
  dg_model *set = keras_model(IMAGE, ours, &(dg_override){"--set", key, told.value});
  ck_assert_msg(keras_convert(set, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  dg_model_free(set);
}
END_TEST

#define GRU "g/kernel 5 6; g/recurrent_kernel 2 6; "

static const struct {
  const char *version, *tensors, *theirs, *ours, *says;
} cells[] = {
    {"3.0.0", GRU, CELL("GRU", ", 'use_bias': false, 'reset_after': true"),
     CELL_OURS("gru", "biases = 0; "), NULL},
    {"3.0.0", GRU, CELL("GRU", ", 'use_bias': false, 'reset_after': true"),
     CELL_OURS("gru", "biases = 0; reset = 'before'; "),
     "has reset_after = true; the model's layer \"g\" has reset = before and needs after"},
    {"3.0.0", GRU, CELL("GRU", ", 'use_bias': false, 'reset_after': false"),
     CELL_OURS("gru", "biases = 0; "), "has reset = after and needs before"},
    {"3.0.0", GRU, CELL("GRU", ", 'reset_after': true, 'recurrent_activation': 'hard_sigmoid'"),
     CELL_OURS("gru", "biases = 0; gates = 'hard_sigmoid'; "),
     "has recurrent_activation = \"hard_sigmoid\", which the model's layer \"g\" (gru) can't have"},
    {"2.15.0", GRU, CELL("GRU", ", 'reset_after': true, 'recurrent_activation': 'hard_sigmoid'"),
     CELL_OURS("gru", "biases = 0; gates = 'hard_sigmoid'; "), NULL},
    {"2.15.0", GRU, CELL("GRU", ", 'reset_after': true, 'recurrent_activation': 'hard_sigmoid'"),
     CELL_OURS("gru", "biases = 0; "), "has gates = sigmoid and needs hard_sigmoid"},
    {"3.0.0", GRU, CELL("GRU", ", 'reset_after': true, 'go_backwards': true"),
     CELL_OURS("gru", "biases = 0; "), "has go_backwards = true"},
    {"3.0.0", GRU, CELL("GRU", ", 'reset_after': true, 'activation': 'relu'"),
     CELL_OURS("gru", "biases = 0; "), "has activation = \"relu\""},
    {"3.0.0", GRU, CELL("GRU", ", 'reset_after': true, 'stateful': true"),
     CELL_OURS("gru", "biases = 0; "), "has stateful = true"},
};

START_TEST(cells_are_compared) {
  char content[3000], tensors[1000], config[3000];
  dg_error err;
  snprintf(tensors, sizeof tensors, "%s" OUT_TENSORS, cells[_i].tensors);
  add_lists(tensors, content, sizeof content);
  snprintf(config, sizeof config,
           "{'class_name': 'Sequential', 'config': {'layers': [%s" DENSE("fc", 2) "]}}",
           cells[_i].theirs);
  keras_write_hdf5("w.h5", content, keras_quoted(config), cells[_i].version);
  char ours[600];
  snprintf(ours, sizeof ours, "%s" END_OURS, cells[_i].ours);
  dg_model *model = keras_model(IMAGE, ours, NULL);
  bool ok = keras_convert(model, (dg_convert_options){.strict = true}, &told, &err);
  ck_assert_msg(ok == !cells[_i].says, "%s", err.message);
  if (!ok) ck_assert_msg(strstr(err.message, cells[_i].says) != NULL, "%s", err.message);
  dg_model_free(model);
}
END_TEST

int main(void) {
  keras_start();
  TCase *tests = tcase_create("keras_settings");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, settings_say_what_is_absent, 0, sizeof absent / sizeof *absent);
  tcase_add_test(tests, kernels_have_their_order);
  tcase_add_loop_test(tests, tables_and_scales_are_found, 0, 4);
  tcase_add_loop_test(tests, contradictions_are_told, 0, sizeof differences / sizeof *differences);
  tcase_add_loop_test(tests, cells_are_compared, 0, sizeof cells / sizeof *cells);
  return suite_main("keras_settings", tests);
}
