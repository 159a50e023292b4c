/* Files of Keras with and without settings: which tensor is which, and what is refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/common/suite.h"
#include "tests/exchange/keras.h"

static keras_told told;

/* ---- models in models --------------------------------------------------- */

#define INNER(layers)                                                                              \
  "{'class_name': 'Sequential', 'config': {'name': 'inner', 'layers': [" layers "]}}"
#define LINEAR(name) "{ type = 'linear'; name = '" name "'; units = 2; }, "
#define THREE FLATTEN LINEAR("a") LINEAR("b") "{ type = 'linear'; name = 'c'; units = 2; }"
/** "q" is trained, and stands first; "p" is frozen. */
#define FROZEN                                                                                     \
  "first/kernel 2 2 =1; first/bias 2; inner/q/kernel 2 2 =21; inner/q/bias 2 =25;"                 \
  "inner/p/kernel 2 2 =11; inner/p/bias 2 =15; @first weight_names: kernel bias;"                  \
  "@inner weight_names: q/kernel q/bias p/kernel p/bias; @/ layer_names: first inner"

START_TEST(frozen_layers_keep_their_place) {
  dg_error err;
  keras_write(false, FROZEN, DENSE("first", 2) ", " INNER(DENSE("p", 2) ", " DENSE("q", 2)));
  dg_model *model = keras_model("[1, 1, 2]", THREE, NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  ck_assert_str_eq(keras_numbers("a.weight"), "1 3 2 4");
  ck_assert_str_eq(keras_numbers("b.weight"), "11 13 12 14");
  ck_assert_str_eq(keras_numbers("c.bias"), "25 26");
  /* without settings, nothing says which is first */
  keras_write_hdf5("w.h5", FROZEN, NULL, NULL);
  ck_assert(!keras_convert(model, (dg_convert_options){0}, &told, &err));
  ck_assert_msg(strstr(err.message, "could be any of") != NULL, "%s", err.message);
  ck_assert_int_eq(err.remedy, DG_REMEDY_NAMES);
  dg_model_free(model);
}
END_TEST

/** The same network in each form of file; layers have our names, in another order in the file. */
static const struct {
  const char *name, *content;
  bool settings, zip;
} forms[] = {
    {"w.keras",
     "layers/dense/vars/0 2 2 =1; layers/dense/vars/1 2; layers/sequential/layers/dense/vars/0 2 2 "
     "=11; layers/sequential/layers/dense/vars/1 2; layers/sequential/layers/dense_1/vars/0 2 2 "
     "=21; layers/sequential/layers/dense_1/vars/1 2",
     true, true},
    {"w.keras", /* of Keras 2.13 */
     "_layer_checkpoint_dependencies/dense/vars/0 2 2 =1; "
     "_layer_checkpoint_dependencies/dense/vars/1 2; "
     "_layer_checkpoint_dependencies/sequential/_layer_checkpoint_dependencies/dense/vars/0 2 2 "
     "=11; _layer_checkpoint_dependencies/sequential/_layer_checkpoint_dependencies/dense/vars/1 2;"
     "_layer_checkpoint_dependencies/sequential/_layer_checkpoint_dependencies/dense_1/vars/0 2 2 "
     "=21; _layer_checkpoint_dependencies/sequential/_layer_checkpoint_dependencies/dense_1/vars/1 "
     "2",
     true, true},
    {"w.h5",
     "a/kernel 2 2 =1; a/bias 2; inner/inner/b/kernel 2 2 =11; inner/inner/b/bias 2;"
     "inner/inner/c/kernel 2 2 =21; inner/inner/c/bias 2; @a weight_names: kernel bias;"
     "@inner weight_names: inner/b/kernel inner/b/bias inner/c/kernel inner/c/bias;"
     "@/ layer_names: a inner",
     true, false},
    {"w.h5",
     "a/kernel 2 2 =1; a/bias 2; inner/b/kernel:0 2 2 =11; inner/b/bias:0 2;"
     "inner/c/kernel:0 2 2 =21; inner/c/bias:0 2; @a weight_names: kernel bias;"
     "@inner weight_names0: b/kernel:0 b/bias:0; @inner weight_names1: c/kernel:0 c/bias:0;"
     "@/ layer_names: a inner",
     false, false},
    {"w.weights.h5",
     "layers/dense/vars/0 2 2 =1; layers/dense/vars/1 2; layers/sequential/layers/dense/vars/0 2 2 "
     "=11; layers/sequential/layers/dense/vars/1 2; layers/sequential/layers/dense_1/vars/0 2 2 "
     "=21; layers/sequential/layers/dense_1/vars/1 2; @layers/dense/vars name: a;"
     "@layers/sequential/layers/dense/vars name: b; @layers/sequential/layers/dense_1/vars name: c",
     false, false},
};

START_TEST(models_in_models) {
  dg_error err;
  const char *layers = DENSE("a", 2) ", " INNER(DENSE("b", 2) ", " DENSE("c", 2));
  if (forms[_i].settings) {
    keras_write(forms[_i].zip, forms[_i].content, layers);
  } else {
    keras_write_hdf5(forms[_i].name, forms[_i].content, NULL, NULL);
  }
  dg_model *model = keras_model("[1, 1, 2]", THREE, NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  ck_assert_str_eq(keras_numbers("a.weight"), "1 3 2 4");
  ck_assert_str_eq(keras_numbers("b.weight"), "11 13 12 14");
  ck_assert_str_eq(keras_numbers("c.weight"), "21 23 22 24");
  ck_assert_int_eq(told.count, forms[_i].settings ? 0 : 1); /* that nothing is known */
  ck_assert(forms[_i].settings || strstr(told.text, "weights without settings"));
  dg_model_free(model);
}
END_TEST

/* ---- orders of images --------------------------------------------------- */

/** A convolution with two channels [2, 1, 1] of an image of 1 x 1, then of 1 x 2, is flattened. */
START_TEST(flattened_images) {
  static const struct {
    const char *conv, *flatten, *want;
  } orders[] = {{"channels_last", "channels_last", "1 3 2 4"},
                {"channels_first", "channels_first", "1 3 2 4"},
                {"channels_first", "channels_last", "1 2 3 4"}};
  char layers[1000];
  dg_error err;
  snprintf(layers, sizeof layers,
           "{'class_name': 'Conv2D', 'config': {'name': 'c', 'data_format': '%s'}}, {'class_name': "
           "'Flatten', 'config': {'name': 'f', 'data_format': '%s'}}, " DENSE("fc", 1),
           orders[_i].conv, orders[_i].flatten);
  keras_write(true,
              "layers/conv2d/vars/0 1 1 1 2; layers/conv2d/vars/1 2; layers/dense/vars/0 4 1;"
              "layers/dense/vars/1 1",
              layers);
  dg_model *model =
      keras_model("[1, 1, 2]",
                  "{ type = 'conv2d'; name = 'c'; filters = 2; kernel = 1; }, " FLATTEN
                  "{ type = 'linear'; name = 'fc'; units = 1; }",
                  NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){.strict = true}, &told, &err), "%s",
                err.message);
  ck_assert_str_eq(keras_numbers("fc.weight"), orders[_i].want);
  dg_model_free(model);
}
END_TEST

/* ---- networks with branches --------------------------------------------- */

#define CALL(name)                                                                                 \
  "{'class_name': '__keras_tensor__', 'config': {'keras_history': ['" name "', 0, 0]}}"
#define NODE(class, name, rest, calls)                                                             \
  "{'class_name': '" class "', 'name': '" name "', 'config': {'name': '" name "'" rest             \
                           "}, 'inbound_nodes': [" calls "]}"
#define ARGS(calls) "{'args': [" calls "], 'kwargs': {}}"

#define ADD(first, second) NODE("Add", "s", "", ARGS("[" CALL(first) ", " CALL(second) "]"))

/** Settings of a model with the input "i", some layers and the output "s". */
static const char *functional(const char *layers, const char *sum) {
  char config[4000];
  snprintf(config, sizeof config,
           "{'class_name': 'Functional', 'config': {'layers': [%s, %s, %s], 'input_layers': "
           "['i', 0, 0], 'output_layers': ['s', 0, 0]}}",
           NODE("InputLayer", "i", "", ""), layers, sum);
  return keras_quoted(config);
}

/** Two branches of one shape: the file's order of layers is not ours. */
START_TEST(branches) {
  static const char *const seconds[] = {
      NODE("Dense", "q", ", 'activation': 'tanh'", ARGS(CALL("i"))),
      NODE("Dense", "q", ", 'activation': 'sigmoid'", ARGS(CALL("i")))};
  char layers[2000];
  dg_error err;
  snprintf(layers, sizeof layers, "%s, %s",
           NODE("Dense", "p", ", 'activation': 'relu'", ARGS(CALL("i"))), seconds[_i]);
  keras_write_zip("layers/dense/vars/0 2 2 =1; layers/dense/vars/1 2; layers/dense_1/vars/0 2 2 "
                  "=11; layers/dense_1/vars/1 2",
                  functional(layers, ADD("q", "p")), "3.1.0");
  dg_model *model =
      keras_model("[1, 1, 2]",
                  "{ type = 'flatten'; name = 'f'; }, { type = 'linear'; name = 'a'; "
                  "units = 2; }, { type = 'relu'; name = 'ra'; }, { type = 'linear'; name "
                  "= 'b'; units = 2; input = 'f'; }, { type = 'tanh'; name = 'rb'; }, { "
                  "type = 'add'; inputs = ['ra', 'rb']; }",
                  NULL);
  ck_assert_msg(keras_convert(model, (dg_convert_options){0}, &told, &err), "%s", err.message);
  ck_assert_str_eq(keras_numbers("a.weight"), "1 3 2 4");
  ck_assert_msg((told.count == 0) == (_i == 0), "%s", told.text);
  /* exchanged by the caller: that is not ours to judge, but the activations are */
  const dg_name_pair swap[] = {{"p", "b"}, {"q", "a"}};
  ck_assert_msg(
      keras_convert(model, (dg_convert_options){.names = swap, .name_count = 2}, &told, &err), "%s",
      err.message);
  ck_assert_str_eq(keras_numbers("b.weight"), "1 3 2 4");
  ck_assert_msg(told.count > 0, "nothing told");
  dg_model_free(model);
}
END_TEST

/** Two layers that our model has as one, and an output that no layer of ours has. */
static const struct {
  const char *second, *says; /**< which is added to a leaky ReLU of the same */
} twice[] = {
    {NODE("LeakyReLU", "v", ", 'negative_slope': 0.1", ARGS(CALL("p"))), NULL},
    {NODE("LeakyReLU", "v", ", 'negative_slope': 0.3", ARGS(CALL("p"))),
     "\"v\" (LeakyReLU) has negative_slope = 0.3; the model's layer \"l\" has slope = 0.1"},
    {NODE("Tanh", "t", "", ARGS(CALL("p"))) ", " NODE("LeakyReLU", "v", ", 'negative_slope': 0.1",
                                                      ARGS(CALL("t"))),
     "\"v\" (LeakyReLU) where the model has \"l\" (leaky_relu)"},
    {NODE("LeakyReLU", "v", ", 'negative_slope': 0.1",
          ARGS("{'class_name': '__keras_tensor__', 'config': {'keras_history': ['p', 0, 1]}}")),
     "\"v\" (LeakyReLU) has input = [\"p\",0,1], which the model's layer \"l\" (leaky_relu)"},
};

START_TEST(layers_that_we_have_once) {
  char layers[2000];
  dg_error err;
  snprintf(layers, sizeof layers, "%s, %s, %s", NODE("Dense", "p", "", ARGS(CALL("i"))),
           NODE("LeakyReLU", "u", ", 'negative_slope': 0.1", ARGS(CALL("p"))), twice[_i].second);
  keras_write_zip("layers/dense/vars/0 2 2 =1; layers/dense/vars/1 2",
                  functional(layers, ADD("u", "v")), "3.1.0");
  dg_model *model = keras_model("[1, 1, 2]",
                                FLATTEN "{ type = 'linear'; name = 'a'; units = 2; }, "
                                        "{ type = 'leaky_relu'; name = 'l'; slope = 0.1; }, "
                                        "{ type = 'dropout'; name = 'd'; rate = 0.5; }, "
                                        "{ type = 'add'; inputs = ['l', 'd']; }",
                                NULL);
  const char *says = twice[_i].says;
  ck_assert_msg(keras_convert(model, (dg_convert_options){0}, &told, &err), "%s", err.message);
  ck_assert_msg(says ? strstr(told.text, says) != NULL : told.count == 0, "%s", told.text);
  dg_model_free(model);
}
END_TEST

/* ---- what is refused ---------------------------------------------------- */

#define LOOP                                                                                       \
  "{'class_name': 'Functional', 'config': {'layers': [" NODE(                                      \
      "Dropout", "x", "",                                                                          \
      ARGS(CALL(                                                                                   \
          "y"))) ", " NODE("Dropout", "y", "",                                                     \
                           ARGS(CALL(                                                              \
                               "x"))) ", " NODE("Dense", "fc", "",                                 \
                                                ARGS(CALL(                                         \
                                                    "x"))) "], 'output_layers': [['fc', 0, 0]]}}"

static const struct {
  const char *config, *says;
} refused[] = {
    {"{'class_name': ", "the settings of its network are no sound JSON"},
    {LOOP, "lead round in a circle"},
    {"{'class_name': 'Functional', 'config': {'layers': [], 'output_layers': [['z', 0, 0]]}}",
     "its settings name no output"},
    {"{'class_name': 'Mine', 'config': {}}", "nothing for \"fc.bias\""}, /* as without settings */
};

START_TEST(hostile_settings) {
  dg_error err;
  keras_write_zip("layers/dense/vars/0 6 2", keras_quoted(refused[_i].config), "3.1.0");
  dg_model *model =
      keras_model("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  if (_i == 1)
    keras_write_zip("layers/dense/vars/0 6 2; layers/dense/vars/1 2",
                    keras_quoted(refused[_i].config), "3.1.0");
  ck_assert(!keras_convert(model, (dg_convert_options){0}, &told, &err));
  ck_assert_msg(strstr(err.message, refused[_i].says) != NULL, "%s", err.message);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert(!keras_converted());
  dg_model_free(model);
}
END_TEST

/** Models within models within models, more than real ones. */
START_TEST(deep_settings) {
  static char config[8000];
  dg_error err;
  *config = '\0';
  for (int i = 0; i < 40; i++)
    strcat(config, "{'class_name': 'Sequential', 'config': {'layers': [");
  for (int i = 0; i < 40; i++) strcat(config, "]}}");
  keras_write_zip("layers/dense/vars/0 6 2", keras_quoted(config), "3.1.0");
  dg_model *model =
      keras_model("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  ck_assert(!keras_convert(model, (dg_convert_options){0}, &told, &err));
  ck_assert_msg(strstr(err.message, "models within more than") != NULL, "%s", err.message);
  dg_model_free(model);
}
END_TEST

/** Zip files that lack something. */
START_TEST(incomplete_zip_files) {
  static const struct {
    dg_archive_entry entries[2];
    size_t count;
    const char *says;
  } zips[] = {{{{"model.weights.h5", "x", 1}}, 1, "no file of Keras: the zip file has no config"},
              {{{"config.json", "{}", 2}}, 1, "the zip file has no model.weights.h5"},
              {{{"config.json", "{}\0{}", 5}, {"model.weights.h5", "x", 1}}, 2, "is no text"},
              {{{"config.json", "{}", 2}, {"model.weights.h5", "x", 1}}, 2, "no sound HDF5 file"}};
  dg_error err;
  keras_write_entries(zips[_i].entries, zips[_i].count);
  dg_model *model =
      keras_model("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  ck_assert(!keras_convert(model, (dg_convert_options){0}, &told, &err));
  ck_assert_msg(strstr(err.message, zips[_i].says) != NULL, "%s", err.message);
  dg_model_free(model);
}
END_TEST

/** Kinds of Keras's that only look like ours, in a file without settings. */
START_TEST(other_classes) {
  static const struct {
    const char *content, *layer;
    bool ok;
  } files[] = {
      {"layers/group_normalization/vars/0 6; layers/group_normalization/vars/1 6", "layer_norm", 0},
      {"layers/layer_normalization_2/vars/0 6; layers/layer_normalization_2/vars/1 6", "layer_norm",
       1},
      {"mine/vars/0 6; mine/vars/1 6", "layer_norm", 1},
      {"layers/einsum_dense/vars/0 6 6; layers/einsum_dense/vars/1 6", "linear", 0},
  };
  char ours[300];
  dg_error err;
  keras_write_hdf5("w.weights.h5", files[_i].content, NULL, NULL);
  snprintf(ours, sizeof ours, FLATTEN "{ type = '%s'; name = 'n'; %s }", files[_i].layer,
           strcmp(files[_i].layer, "linear") == 0 ? "units = 6;" : "");
  dg_model *model = keras_model("[1, 2, 3]", ours, NULL);
  bool ok = keras_convert(model, (dg_convert_options){0}, &told, &err);
  ck_assert_msg(ok == files[_i].ok, "%s", err.message);
  if (!ok) ck_assert_msg(strstr(err.message, "is by its path of another kind"), "%s", err.message);
  if (!ok) ck_assert_ptr_null(strstr(err.message, "layout"));
  dg_model_free(model);
}
END_TEST

int main(void) {
  keras_start();
  TCase *tests = tcase_create("keras_files");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, frozen_layers_keep_their_place);
  tcase_add_loop_test(tests, models_in_models, 0, sizeof forms / sizeof *forms);
  tcase_add_loop_test(tests, flattened_images, 0, 3);
  tcase_add_loop_test(tests, branches, 0, 2);
  tcase_add_loop_test(tests, layers_that_we_have_once, 0, sizeof twice / sizeof *twice);
  tcase_add_loop_test(tests, hostile_settings, 0, sizeof refused / sizeof *refused);
  tcase_add_test(tests, deep_settings);
  tcase_add_loop_test(tests, incomplete_zip_files, 0, 4);
  tcase_add_loop_test(tests, other_classes, 0, 4);
  return suite_main("keras_files", tests);
}
