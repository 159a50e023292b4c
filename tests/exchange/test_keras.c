/* Files of Keras with settings: which tensor is which, and what the model contradicts. */
#define _GNU_SOURCE
#include <check.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/exchange/archive.h"
#include "core/exchange/files.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-keras-XXXXXX";
static char path[100], inner[100], output[100];

/* ---- files -------------------------------------------------------------- */

/** Text with ' for ", in one of some buffers. */
static const char *quoted(const char *text) {
  static char buffers[4][8192];
  static int next;
  char *out = buffers[next++ % 4];
  snprintf(out, sizeof buffers[0], "%s", text);
  for (char *at = out; *at; at++)
    if (*at == '\'') *at = '"';
  return out;
}

/** A tensor: "fc/kernel 6 4 =1" is [6, 4], its numbers go up from 1. */
static void write_tensor(hid_t file, hid_t with_groups, const char *word) {
  char name[100];
  hsize_t dim[4];
  int rank = 0, from = 1, used;
  sscanf(word, " %99s%n", name, &used);
  word += used;
  size_t count = 1;
  for (unsigned long long size; sscanf(word, " %llu%n", &size, &used) == 1; word += used) {
    dim[rank++] = size;
    count *= size;
  }
  sscanf(word, " =%d", &from);
  float *numbers = malloc((count + 1) * sizeof *numbers);
  for (size_t i = 0; i < count; i++) numbers[i] = (float)(from + (int)i);
  hid_t space = H5Screate_simple(rank, dim, NULL);
  hid_t set =
      H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, with_groups, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers), 0);
  H5Dclose(set);
  H5Sclose(space);
  free(numbers);
}

/** An attribute of texts of variable length: one, or a list. */
static void write_attribute(hid_t at, const char *name, hsize_t count, const char *const *texts) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Awrite(attribute, type, texts), 0);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

/** "GROUP ATTRIBUTE: a b c" is a list of names at a group. */
static void write_list(hid_t file, const char *word) {
  char group[100], attribute[50], names[500];
  const char *texts[20];
  hsize_t count = 0;
  ck_assert_int_eq(sscanf(word, " @%99s %49[^:]: %499[^\n]", group, attribute, names), 3);
  for (char *rest = names, *name; (name = strtok_r(rest, " ", &rest));) texts[count++] = name;
  hid_t at = H5Gopen2(file, group, H5P_DEFAULT);
  ck_assert_int_ge(at, 0);
  if (strcmp(attribute, "name") == 0)
    write_attribute(at, attribute, 0, texts);
  else
    write_attribute(at, attribute, count, texts);
  H5Gclose(at);
}

/** Writes an HDF5 file: parts separated by ';' are tensors, or lists that begin with '@'. */
static void write_hdf5(const char *to, const char *content, const char *config,
                       const char *version) {
  hid_t file = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t with_groups = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(with_groups, 1);
  char words[4000];
  snprintf(words, sizeof words, "%s", content);
  for (char *rest = words, *word; (word = strtok_r(rest, ";", &rest));)
    if (word[strspn(word, " ")] == '@')
      write_list(file, word);
    else
      write_tensor(file, with_groups, word);
  if (config) write_attribute(file, "model_config", 0, &config);
  if (version) write_attribute(file, "keras_version", 0, &version);
  H5Pclose(with_groups);
  ck_assert_int_ge(H5Fclose(file), 0);
}

static void write_zip(const char *content, const char *config, const char *version) {
  char metadata[100];
  static char bytes[1 << 18];
  dg_error err = {0};
  write_hdf5(inner, content, NULL, NULL);
  FILE *from = fopen(inner, "rb");
  size_t size = fread(bytes, 1, sizeof bytes, from);
  fclose(from);
  ck_assert_uint_lt(size, sizeof bytes);
  snprintf(metadata, sizeof metadata, "{\"keras_version\": \"%s\"}", version);
  const dg_archive_entry entries[] = {{"metadata.json", metadata, strlen(metadata)},
                                      {"config.json", config, strlen(config)},
                                      {"model.weights.h5", bytes, size}};
  snprintf(path, sizeof path, "%s/w.keras", folder);
  ck_assert_msg(dg_archive_write(path, entries, 3, NULL, &err), "%s", err.message);
}

/** The file in one of both forms, from its content in each. */
static void write_file(bool zip, const char *content, const char *layers) {
  char config[8000];
  snprintf(config, sizeof config, "{'class_name': 'Sequential', 'config': {'layers': [%s]}}",
           layers);
  const char *text = quoted(config);
  if (zip) {
    write_zip(content, text, "3.15.1");
  } else {
    snprintf(path, sizeof path, "%s/w.h5", folder);
    write_hdf5(path, content, text, "3.15.1");
  }
}

/* ---- converting --------------------------------------------------------- */

static dg_model *model_of(const char *input, const char *layers, const dg_override *set) {
  char text[3000], file[100];
  dg_error err = {0};
  snprintf(text, sizeof text,
           "name = 'm'; input = %s; layers = ( %s ); loss = 'cross_entropy'; train = { epochs = 1; "
           "batch = 5; optimizer = { type = 'sgd'; lr = 0.1; }; };",
           input, layers);
  snprintf(file, sizeof file, "%s/m.cfg", folder);
  FILE *to = fopen(file, "w");
  fputs(quoted(text), to);
  ck_assert_int_eq(fclose(to), 0);
  dg_model *model = dg_model_load(file, set, set ? 1 : 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

/** What was told, one line each. */
static char told[8000], last_path[200], last_value[100];
static int told_count;

static void note(void *user, const dg_difference *d) {
  (void)user;
  ck_assert_uint_eq(d->size, sizeof *d);
  ck_assert_msg((d->key != NULL) == (d->theirs != NULL), "%s", d->message);
  size_t used = strlen(told);
  snprintf(told + used, sizeof told - used, "%s\n", d->message);
  if (d->key) snprintf(last_path, sizeof last_path, "%s.%s", d->layer, d->key);
  if (d->key) snprintf(last_value, sizeof last_value, "%s", d->theirs);
  told_count++;
}

static bool convert(const dg_model *model, dg_convert_options options, dg_error *err) {
  *told = *last_path = '\0';
  told_count = 0;
  options.size = sizeof options;
  options.differs = note;
  remove(output);
  *err = (dg_error){0};
  return dg_weights_convert(path, output, model, &options, err);
}

/** The numbers of one of our tensors in the output: "1 2 3". */
static const char *numbers_of(const char *name) {
  static char text[2000];
  dg_error err = {0};
  dg_arrays arrays = {.path = output};
  ck_assert_msg(dg_read_safetensors(&arrays, &err), "%s", err.message);
  *text = '\0';
  for (size_t i = 0; i < arrays.count; i++)
    for (uint64_t k = 0; strcmp(arrays.items[i].name, name) == 0 && k < arrays.items[i].count; k++)
      sprintf(text + strlen(text), "%s%g", k ? " " : "", (double)arrays.items[i].data[k]);
  dg_arrays_free(&arrays);
  return text;
}

/* ---- tensors that are absent -------------------------------------------- */

#define DENSE(name, units)                                                                         \
  "{'class_name': 'Dense', 'config': {'name': '" name "', 'units': " #units "}}"
#define NORM(class, rest) "{'class_name': '" class "', 'config': {'name': 'n'" rest "}}"
#define FLATTEN "{ type = 'flatten'; }, "
#define LINEAR(name) "{ type = 'linear'; name = '" name "'; units = 2; }, "

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
  write_file(true, content, layers);
  dg_model *model = model_of("[1, 2, 3]", ours, NULL);
  ck_assert_msg(convert(model, (dg_convert_options){.strict = true}, &err), "%s", err.message);
  ck_assert_msg(told_count == 0, "%s", told);
  for (int i = 0; i < 4 && absent[_i].says[i]; i++)
    ck_assert_str_eq(numbers_of(names[i]), absent[_i].says[i]);
  ck_assert_str_eq(numbers_of("fc.weight"), "1 3 5 7 9 11 2 4 6 8 10 12");
  dg_model_free(model);
}
END_TEST

/* ---- settings that the model contradicts -------------------------------- */

#define IMAGE "[1, 5, 5]"
#define CONV(rest) "{'class_name': 'Conv2D', 'config': {'name': 'c', 'filters': 2" rest "}}"
#define CONV_OURS(rest) "{ type = 'conv2d'; name = 'c'; filters = 2; kernel = 3; " rest "}, "
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
     "has dilation_rate = [2,2], which the model's layer \"c\" (conv2d) can't have", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'relu'") ", ", CONV_OURS(""),
     "the file's network has the layer \"c\" (Conv2D, relu); the model has nothing for it", NULL,
     NULL},
    {C_TENSORS, CONV("") ", ", CONV_OURS("") "{ type = 'relu'; }, ",
     "the model has the layer \"relu1\" (relu)", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'tanh'") ", ", CONV_OURS("") "{ type = 'sigmoid'; }, ",
     "(Conv2D, tanh) where the model has \"sigmoid1\" (sigmoid)", NULL, NULL},
    {C_TENSORS, CONV(", 'activation': 'gelu'") ", ", CONV_OURS("") "{ type = 'relu'; }, ", "gelu",
     NULL, NULL},
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
    {C_TENSORS, CONV("") ", " LAYER("Lambda", ""), CONV_OURS(""), "(Lambda)", NULL, NULL},
    {C_TENSORS, LAYER("ZeroPadding2D", ", 'padding': [[1, 1], [1, 1]]") CONV("") ", ",
     CONV_OURS(""), "has padding = [[1,1],[1,1]]", "c.padding", "1"},
    {C_TENSORS, LAYER("ZeroPadding2D", ", 'padding': [[0, 1], [0, 1]]") CONV("") ", ",
     CONV_OURS(""), "\"x\" (ZeroPadding2D)", NULL, NULL},
    {C_TENSORS, LAYER("Rescaling", ", 'scale': 0.00784313725, 'offset': -1.0") CONV("") ", ",
     CONV_OURS(""), "makes mean = 0.5 and std = 0.5 of the data", NULL, NULL},
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
  write_file(false, content, layers);
  dg_model *model = model_of(IMAGE, ours, NULL);
  ck_assert_msg(convert(model, (dg_convert_options){0}, &err), "%s", err.message);
  const char *says = differences[_i].says, *key = differences[_i].key;
  ck_assert_msg(says ? strstr(told, says) != NULL : told_count == 0, "expected \"%s\" in: %s",
                says ? says : "", told);
  ck_assert_str_eq(last_path, key ? key : strncmp(last_path, "data.", 5) == 0 ? last_path : "");
  bool strict = convert(model, (dg_convert_options){.strict = true}, &err);
  ck_assert_int_eq(strict, !says);
  ck_assert_int_eq(access(output, F_OK) == 0, !says);
  if (says) ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
  if (says) ck_assert_int_eq(err.remedy, *last_path ? DG_REMEDY_MODEL_KEY : DG_REMEDY_NONE);
  dg_model_free(model);
  if (!key) return;
  ck_assert_str_eq(last_value, differences[_i].value);
  dg_model *set = model_of(IMAGE, ours, &(dg_override){"--set", key, last_value});
  ck_assert_msg(convert(set, (dg_convert_options){.strict = true}, &err), "%s", err.message);
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
  snprintf(path, sizeof path, "%s/w.h5", folder);
  write_hdf5(path, content, quoted(config), cells[_i].version);
  char ours[600];
  snprintf(ours, sizeof ours, "%s" END_OURS, cells[_i].ours);
  dg_model *model = model_of(IMAGE, ours, NULL);
  bool ok = convert(model, (dg_convert_options){.strict = true}, &err);
  ck_assert_msg(ok == !cells[_i].says, "%s", err.message);
  if (!ok) ck_assert_msg(strstr(err.message, cells[_i].says) != NULL, "%s", err.message);
  dg_model_free(model);
}
END_TEST

/* ---- models in models --------------------------------------------------- */

#define INNER(layers)                                                                              \
  "{'class_name': 'Sequential', 'config': {'name': 'inner', 'layers': [" layers "]}}"
#define THREE FLATTEN LINEAR("a") LINEAR("b") "{ type = 'linear'; name = 'c'; units = 2; }"
/** "q" is trained, and stands first; "p" is frozen. */
#define FROZEN                                                                                     \
  "first/kernel 2 2 =1; first/bias 2; inner/q/kernel 2 2 =21; inner/q/bias 2 =25;"                 \
  "inner/p/kernel 2 2 =11; inner/p/bias 2 =15; @first weight_names: kernel bias;"                  \
  "@inner weight_names: q/kernel q/bias p/kernel p/bias; @/ layer_names: first inner"

START_TEST(frozen_layers_keep_their_place) {
  dg_error err;
  write_file(false, FROZEN, DENSE("first", 2) ", " INNER(DENSE("p", 2) ", " DENSE("q", 2)));
  dg_model *model = model_of("[1, 1, 2]", THREE, NULL);
  ck_assert_msg(convert(model, (dg_convert_options){.strict = true}, &err), "%s", err.message);
  ck_assert_str_eq(numbers_of("a.weight"), "1 3 2 4");
  ck_assert_str_eq(numbers_of("b.weight"), "11 13 12 14");
  ck_assert_str_eq(numbers_of("c.bias"), "25 26");
  /* without settings, nothing says which is first */
  snprintf(path, sizeof path, "%s/w.h5", folder);
  write_hdf5(path, FROZEN, NULL, NULL);
  ck_assert(!convert(model, (dg_convert_options){0}, &err));
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
    write_file(forms[_i].zip, forms[_i].content, layers);
  } else {
    snprintf(path, sizeof path, "%s/%s", folder, forms[_i].name);
    write_hdf5(path, forms[_i].content, NULL, NULL);
  }
  dg_model *model = model_of("[1, 1, 2]", THREE, NULL);
  ck_assert_msg(convert(model, (dg_convert_options){.strict = true}, &err), "%s", err.message);
  ck_assert_str_eq(numbers_of("a.weight"), "1 3 2 4");
  ck_assert_str_eq(numbers_of("b.weight"), "11 13 12 14");
  ck_assert_str_eq(numbers_of("c.weight"), "21 23 22 24");
  ck_assert_int_eq(told_count, forms[_i].settings ? 0 : 1); /* that nothing is known */
  ck_assert(forms[_i].settings || strstr(told, "weights without settings"));
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
  write_file(true,
             "layers/conv2d/vars/0 1 1 1 2; layers/conv2d/vars/1 2; layers/dense/vars/0 4 1;"
             "layers/dense/vars/1 1",
             layers);
  dg_model *model = model_of("[1, 1, 2]",
                             "{ type = 'conv2d'; name = 'c'; filters = 2; kernel = 1; }, " FLATTEN
                             "{ type = 'linear'; name = 'fc'; units = 1; }",
                             NULL);
  ck_assert_msg(convert(model, (dg_convert_options){.strict = true}, &err), "%s", err.message);
  ck_assert_str_eq(numbers_of("fc.weight"), orders[_i].want);
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

/** Two branches of one shape: the file's order of layers is not ours. */
START_TEST(branches) {
  static const char *const seconds[] = {"tanh", "sigmoid"};
  char config[4000];
  dg_error err;
  snprintf(
      config, sizeof config,
      "{'class_name': 'Functional', 'config': {'layers': [" NODE(
          "InputLayer", "i", "",
          "") ", " NODE("Dense", "p", ", 'activation': 'relu'",
                        ARGS(CALL(
                            "i"))) ", " NODE("Dense", "q", ", 'activation': '%s'",
                                             ARGS(CALL(
                                                 "i"))) ", " NODE("Add", "s", "",
                                                                  ARGS("[" CALL("q") ", " CALL(
                                                                      "p") "]")) "], "
                                                                                 "'input_layers': "
                                                                                 "['i', 0, 0], "
                                                                                 "'output_layers': "
                                                                                 "['s', 0, 0]}}",
      seconds[_i]);
  write_zip("layers/dense/vars/0 2 2 =1; layers/dense/vars/1 2; layers/dense_1/vars/0 2 2 =11;"
            "layers/dense_1/vars/1 2",
            quoted(config), "3.1.0");
  dg_model *model =
      model_of("[1, 1, 2]",
               "{ type = 'flatten'; name = 'f'; }, { type = 'linear'; name = 'a'; "
               "units = 2; }, { type = 'relu'; name = 'ra'; }, { type = 'linear'; name "
               "= 'b'; units = 2; input = 'f'; }, { type = 'tanh'; name = 'rb'; }, { "
               "type = 'add'; inputs = ['ra', 'rb']; }",
               NULL);
  ck_assert_msg(convert(model, (dg_convert_options){0}, &err), "%s", err.message);
  ck_assert_str_eq(numbers_of("a.weight"), "1 3 2 4");
  ck_assert_msg((told_count == 0) == (_i == 0), "%s", told);
  /* exchanged by the caller: that is not ours to judge, but the activations are */
  const dg_name_pair swap[] = {{"p", "b"}, {"q", "a"}};
  ck_assert_msg(convert(model, (dg_convert_options){.names = swap, .name_count = 2}, &err), "%s",
                err.message);
  ck_assert_str_eq(numbers_of("b.weight"), "1 3 2 4");
  ck_assert_msg(told_count > 0, "nothing told");
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
  write_zip("layers/dense/vars/0 6 2", quoted(refused[_i].config), "3.1.0");
  dg_model *model =
      model_of("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  if (_i == 1)
    write_zip("layers/dense/vars/0 6 2; layers/dense/vars/1 2", quoted(refused[_i].config),
              "3.1.0");
  ck_assert(!convert(model, (dg_convert_options){0}, &err));
  ck_assert_msg(strstr(err.message, refused[_i].says) != NULL, "%s", err.message);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_int_ne(access(output, F_OK), 0);
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
  write_zip("layers/dense/vars/0 6 2", quoted(config), "3.1.0");
  dg_model *model =
      model_of("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  ck_assert(!convert(model, (dg_convert_options){0}, &err));
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
  dg_error err = {0};
  snprintf(path, sizeof path, "%s/w.keras", folder);
  ck_assert(dg_archive_write(path, zips[_i].entries, zips[_i].count, NULL, &err));
  dg_model *model =
      model_of("[1, 2, 3]", FLATTEN "{ type = 'linear'; name = 'fc'; units = 2; }", NULL);
  ck_assert(!convert(model, (dg_convert_options){0}, &err));
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
  snprintf(path, sizeof path, "%s/w.weights.h5", folder);
  write_hdf5(path, files[_i].content, NULL, NULL);
  snprintf(ours, sizeof ours, FLATTEN "{ type = '%s'; name = 'n'; %s }", files[_i].layer,
           strcmp(files[_i].layer, "linear") == 0 ? "units = 6;" : "");
  dg_model *model = model_of("[1, 2, 3]", ours, NULL);
  bool ok = convert(model, (dg_convert_options){0}, &err);
  ck_assert_msg(ok == files[_i].ok, "%s", err.message);
  if (!ok) ck_assert_msg(strstr(err.message, "is by its path of another kind"), "%s", err.message);
  if (!ok) ck_assert_ptr_null(strstr(err.message, "layout"));
  dg_model_free(model);
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  snprintf(output, sizeof output, "%s/out.safetensors", folder);
  snprintf(inner, sizeof inner, "%s/inner.h5", folder);
  TCase *tests = tcase_create("keras");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, settings_say_what_is_absent, 0, sizeof absent / sizeof *absent);
  tcase_add_loop_test(tests, contradictions_are_told, 0, sizeof differences / sizeof *differences);
  tcase_add_loop_test(tests, cells_are_compared, 0, sizeof cells / sizeof *cells);
  tcase_add_test(tests, frozen_layers_keep_their_place);
  tcase_add_loop_test(tests, models_in_models, 0, sizeof forms / sizeof *forms);
  tcase_add_loop_test(tests, flattened_images, 0, 3);
  tcase_add_loop_test(tests, branches, 0, 2);
  tcase_add_loop_test(tests, hostile_settings, 0, sizeof refused / sizeof *refused);
  tcase_add_test(tests, deep_settings);
  tcase_add_loop_test(tests, incomplete_zip_files, 0, 4);
  tcase_add_loop_test(tests, other_classes, 0, 4);
  return suite_main("keras", tests);
}
