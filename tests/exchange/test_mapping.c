/* Which layer of a file is which of the model: prefixes, orders, names that contradict them. */
#define _GNU_SOURCE
#include <check.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/exchange/arrays.h"
#include "core/exchange/numpy/npy.h"
#include "core/formats/archive.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "tests/common/suite.h"
#include "tests/exchange/pth.h"

static char folder[] = "/tmp/digits-mapping-XXXXXX";
static char path[100], output[100];

/* ---- files -------------------------------------------------------------- */

enum { UNITS = 6, MOST = 16 };

/** A tensor to write: its name and rank, [6, 6] or [6]. */
typedef struct {
  char name[64];
  uint32_t rank;
} tensor;

static uint64_t count_of(const tensor *t) {
  return t->rank == 2 ? UNITS * UNITS : t->rank == 1 ? UNITS : 1;
}

static float sign = 1;

/** Numbers that tell the tensor: all are its place in the list, and 1. */
static float *numbers_of(uint32_t place) {
  static float numbers[UNITS * UNITS];
  for (int i = 0; i < UNITS * UNITS; i++) numbers[i] = sign * (float)(place + 1);
  return numbers;
}

static void set_path(const char *extension) {
  snprintf(path, sizeof path, "%s/w%s", folder, extension);
}

static void write_npz(const tensor *tensors, uint32_t count) {
  dg_archive_entry entries[MOST];
  char names[MOST][80];
  unsigned char *bytes[MOST];
  dg_error err = {0};
  for (uint32_t i = 0; i < count; i++) {
    dg_array array = {.rank = tensors[i].rank,
                      .dim = {UNITS, UNITS},
                      .count = count_of(&tensors[i]),
                      .data = numbers_of(i)};
    size_t size;
    bytes[i] = dg_npy_make(&array, &size, &err);
    snprintf(names[i], sizeof names[i], "%s.npy", tensors[i].name);
    entries[i] = (dg_archive_entry){names[i], bytes[i], size};
  }
  set_path(".npz");
  ck_assert_msg(dg_archive_write(path, entries, count, NULL, &err), "%s", err.message);
  for (uint32_t i = 0; i < count; i++) free(bytes[i]);
}

/** A state dict in which every tensor has a storage of its own. */
static void write_pth(const tensor *tensors, uint32_t count) {
  pth_tensor pickled[MOST];
  char keys[MOST][12], names[MOST][24];
  float numbers[MOST][UNITS * UNITS];
  dg_archive_entry entries[MOST + 1];
  for (uint32_t i = 0; i < count; i++) {
    const tensor *t = &tensors[i];
    snprintf(keys[i], sizeof keys[i], "%u", i);
    snprintf(names[i], sizeof names[i], "a/data/%u", i);
    memcpy(numbers[i], numbers_of(i), sizeof numbers[i]);
    pickled[i] = (pth_tensor){.name = t->name,
                              .type = "Float",
                              .key = keys[i],
                              .numbers = (int32_t)count_of(t),
                              .rank = t->rank,
                              .dim = {UNITS, UNITS},
                              .stride = {t->rank == 2 ? UNITS : 1, 1}};
    entries[i + 1] = (dg_archive_entry){names[i], numbers[i], count_of(t) * sizeof(float)};
  }
  size_t size;
  char *pickle = pth_pickle(pickled, count, &size);
  entries[0] = (dg_archive_entry){"a/data.pkl", pickle, size};
  dg_error err = {0};
  set_path(".pth");
  ck_assert_msg(dg_archive_write(path, entries, count + 1, NULL, &err), "%s", err.message);
  free(pickle);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const dg_stored_tensor *)a)->name, ((const dg_stored_tensor *)b)->name);
}

/** Sorted by name, as safetensors' own writer does. */
static void write_safetensors(const tensor *tensors, uint32_t count) {
  dg_stored_tensor stored[MOST];
  float numbers[MOST][UNITS * UNITS];
  for (uint32_t i = 0; i < count; i++) {
    memcpy(numbers[i], numbers_of(i), sizeof numbers[i]);
    stored[i] = (dg_stored_tensor){.name = tensors[i].name,
                                   .rank = tensors[i].rank,
                                   .dim = {UNITS, UNITS},
                                   .data = numbers[i]};
  }
  qsort(stored, count, sizeof *stored, by_name);
  dg_error err = {0};
  set_path(".safetensors");
  ck_assert_msg(dg_safetensors_write(path, stored, count, NULL, 0, &err), "%s", err.message);
}

/** What stands before a '.' or '/' of a name is a group. */
static void write_hdf5(const tensor *tensors, uint32_t count) {
  set_path(".h5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t with_groups = H5Pcreate(H5P_LINK_CREATE);
  ck_assert(file >= 0 && H5Pset_create_intermediate_group(with_groups, 1) >= 0);
  for (uint32_t i = 0; i < count; i++) {
    const hsize_t dim[] = {UNITS, UNITS};
    char name[64];
    snprintf(name, sizeof name, "%s", tensors[i].name);
    for (char *at = name; *at; at++)
      if (*at == '.') *at = '/';
    hid_t space = H5Screate_simple((int)tensors[i].rank, dim, NULL);
    hid_t set =
        H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, with_groups, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers_of(i)),
                     0);
    H5Dclose(set);
    H5Sclose(space);
  }
  H5Pclose(with_groups);
  ck_assert_int_ge(H5Fclose(file), 0);
}

/* ---- converting --------------------------------------------------------- */

static const struct {
  void (*write)(const tensor *tensors, uint32_t count);
  bool ordered; /**< it keeps the order in which tensors are written */
} forms[] = {{write_pth, true}, {write_npz, true}, {write_safetensors, false}, {write_hdf5, false}};
enum { FORMS = sizeof forms / sizeof *forms };

/** "fc1.weight<-0.weight fc1.bias<-0.bias " */
static char mapped[2000];

static void note(void *user, const char *theirs, const char *ours, const char *how) {
  (void)user, (void)how;
  size_t used = strlen(mapped);
  snprintf(mapped + used, sizeof mapped - used, "%s<-%s ", ours ? ours : "", theirs ? theirs : "");
}

/** Tensors of a list "fc1 fc2": a weight and a bias of each; "=w2 -b2": one of [6, 6], one of [6];
    "+norm": a weight and a bias of [6]. */
static uint32_t read_list(const char *list, tensor *tensors) {
  uint32_t count = 0;
  char words[300], *rest = words, *word;
  snprintf(words, sizeof words, "%s", list);
  while ((word = strtok_r(rest, " ", &rest))) {
    bool lone = *word == '=' || *word == '-', norm = *word == '+';
    for (int i = 0; i < (lone ? 1 : 2); i++, count++) {
      static const char *const suffix[] = {".weight", ".bias"};
      ck_assert_uint_lt(count, MOST);
      tensors[count].rank = lone ? (*word == '=' ? 2 : 1) : i == 0 && !norm ? 2 : 1;
      snprintf(tensors[count].name, sizeof tensors[count].name, "%s%s", word + (lone || norm),
               lone ? "" : suffix[i]);
    }
  }
  return count;
}

/** A model of linear layers 6 -> 6, or of norms of 6, with these names. */
static dg_model *model_of(const char *type, const char *names) {
  char text[1000] = "name = \"m\"; input = [1, 2, 3]; layers = ( { type = \"flatten\"; }",
       words[100];
  snprintf(words, sizeof words, "%s", names);
  for (char *rest = words, *word; (word = strtok_r(rest, " ", &rest));)
    sprintf(text + strlen(text), ", { type = \"%s\"; name = \"%s\"; %s }", type, word,
            strcmp(type, "linear") == 0 ? "units = 6;" : "");
  strcat(text,
         "); loss = \"cross_entropy\"; train = { epochs = 1; batch = 50; optimizer = { type = "
         "\"sgd\"; lr = 0.1; }; };");
  dg_error err = {0};
  char file[100];
  snprintf(file, sizeof file, "%s/m.cfg", folder);
  FILE *to = fopen(file, "w");
  fputs(text, to);
  ck_assert_int_eq(fclose(to), 0);
  dg_model *model = dg_model_load(file, NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

/** Converts `path`; it must be mapped as `says`, or refused with it. */
static void check_way(const dg_model *model, const dg_convert_options *options, bool ok,
                      const char *says) {
  dg_error err = {0};
  dg_convert_options noting = *options;
  noting.mapped = note;
  *mapped = '\0';
  bool done = dg_weights_convert(path, output, model, &noting, &err);
  ck_assert_msg(done == ok, "%s: %s\n%s", path, done ? "taken" : err.message, mapped);
  ck_assert_msg(strstr(ok ? mapped : err.message, says) != NULL, "%s: expected \"%s\" in: %s", path,
                says, ok ? mapped : err.message);
  ck_assert_msg(ok || err.kind == DG_ERR_INPUT, "kind %d", err.kind);
  ck_assert_msg(ok || err.remedy == DG_REMEDY_NAMES, "asks for nothing: %s", err.message);
  ck_assert_int_eq(access(output, F_OK) == 0, ok);
  remove(output);
}

/* ---- layers ------------------------------------------------------------- */

#define OTHER "their names say another order"
#define ANY "could be any of"

/** `other`: what files say that keep no order; NULL: the same. */
static const struct {
  const char *ours, *theirs;
  bool ok, other_ok;
  const char *says, *other;
} layers[] = {
    /* prefixes, of all or of some */
    {"fc1 fc2", "model.fc2 model.fc1", true, true,
     "fc1.weight<-model?fc1?weight fc1.bias<-model?fc1?bias fc2.weight<-model?fc2?weight", NULL},
    {"fc1 fc2", "module._orig_mod.net.fc2 module._orig_mod.net.fc1", true, true,
     "fc1.weight<-module?_orig_mod?net?fc1?weight", NULL},
    {"fc1 fc2", "head.fc2 body.fc1", true, true, "fc1.weight<-body?fc1?weight", NULL},
    {"fc1 fc2", "head.fc2 fc1", true, true, "fc1.weight<-fc1?weight", NULL},
    {"fc1 fc2", "net.fc1.fc2 net.fc2.fc1", true, true, "fc1.weight<-net?fc2?fc1?weight", NULL},
    {"fc1 fc2", "model.fc2 model.fc1 ema.fc2 ema.fc1", false, false, ANY, NULL},
    {"fc1", "net.fc1", true, true, "fc1.weight<-net?fc1?weight", NULL},
    {"a b", "net.0 net.3", true, true, "a.weight<-net?0?weight", NULL},
    /* numbers */
    {"fc1 fc2", "lin2 lin1", false, true, OTHER, "fc1.weight<-lin1?weight"},
    {"fc1 fc2", "lin1 lin2", true, true, "fc1.weight<-lin1?weight", NULL},
    {"fc1 fc2", "10 2", false, true, OTHER, "fc1.weight<-2?weight"},
    {"fc1 fc2", "dense_1 dense", false, true, OTHER, "fc1.weight<-dense?weight"},
    {"fc1 fc2", "fc0 fc1", false, false, OTHER, NULL},
    {"fc1 fc2 fc3", "fc0 fc1 fc2", false, false, OTHER, NULL},
    {"fc2 fc1", "lin1 lin2", false, false, OTHER, NULL},
    {"fc1 fc2", "x.fc2.lin x.fc1.lin", false, true, OTHER, "fc1.weight<-x?fc1?lin?weight"},
    {"a b", "block1.lin block2.lin", true, true, "a.weight<-block1?lin?weight", NULL},
    {"lin a", "block1.lin block2.lin", true, true, "lin.weight<-block1?lin?weight", NULL},
    /* words */
    {"encoder decoder", "net_decoder net_encoder", false, false, OTHER, ANY},
    {"encoder decoder", "my.Decoder.lin my.Encoder.lin", false, false, OTHER, ANY},
    {"encoder decoder", "net_encoder net_decoder", true, false,
     "encoder.weight<-net_encoder?weight", ANY},
    {"encoder decoder", "p q", true, false, "encoder.weight<-p?weight", ANY},
    /* places of what has our name */
    {"fc1 fc2", "a fc1", false, true, OTHER, "fc2.weight<-a?weight"},
    {"fc1 fc2", "fc1 a", true, true, "fc2.weight<-a?weight", NULL},
    {"fc1 fc2", "fc1 head.fc1", false, false, OTHER, NULL},
    {"a b c", "x b y", true, false, "c.weight<-y?weight", ANY},
};

/** '?' in a text is what parts names in a form. */
static const char *in_form(const char *says, int form) {
  static char text[300];
  snprintf(text, sizeof text, "%s", says);
  for (char *at = text; *at; at++)
    if (*at == '?') *at = forms[form].write == write_hdf5 ? '/' : '.';
  return text;
}

START_TEST(layers_of_one_shape) {
  int form = _i % FORMS, i = _i / FORMS;
  bool other = !forms[form].ordered;
  tensor tensors[MOST];
  dg_model *model = model_of("linear", layers[i].ours);
  forms[form].write(tensors, read_list(layers[i].theirs, tensors));
  check_way(model, &(dg_convert_options){.size = sizeof(dg_convert_options)},
            other ? layers[i].other_ok : layers[i].ok,
            in_form(other && layers[i].other ? layers[i].other : layers[i].says, form));
  dg_model_free(model);
}
END_TEST

/** What the caller says beats all that names say. */
START_TEST(told_names_are_trusted) {
  static const dg_name_pair ones[] = {{"lin2", "fc1"}}, swap[] = {{"fc1", "fc2"}, {"fc2", "fc1"}},
                            rest[] = {{"ema", ""}};
  static const struct {
    const char *theirs;
    const dg_name_pair *names;
    size_t count;
    const char *says;
  } told[] = {{"lin2 lin1", ones, 1, "fc1.weight<-fc1.weight"},
              {"fc1 fc2", swap, 2, "fc1.weight<-fc1.weight"},
              {"model.fc2 model.fc1 ema.fc2 ema.fc1", rest, 1, "fc1.weight<-model.fc1.weight"}};
  tensor tensors[MOST];
  dg_model *model = model_of("linear", "fc1 fc2");
  write_pth(tensors, read_list(told[_i].theirs, tensors));
  check_way(model,
            &(dg_convert_options){.size = sizeof(dg_convert_options),
                                  .names = told[_i].names,
                                  .name_count = told[_i].count},
            true, told[_i].says);
  dg_model_free(model);
}
END_TEST

/* ---- tensors without layers --------------------------------------------- */

static const struct {
  const char *type, *ours, *theirs;
  int form;
  bool ok;
  const char *says;
} lone[] = {
    {"linear", "fc1 fc2", "=arr_0 -arr_1 =arr_2 -arr_3", 1, true, "fc2.weight<-arr_2 "},
    {"linear", "fc1 fc2", "=W1 -b1 =W2 -b2", 1, true, "fc1.weight<-W1 "},
    {"linear", "fc1 fc2", "=W2 -b2 =W1 -b1", 1, false, "\"W2\" comes before \"W1\""},
    {"linear", "fc1 fc2", "=W2 -b2 =W1 -b1", 0, false, "\"W2\" comes before \"W1\""},
    {"linear", "fc1 fc2", "=W1 -b1 =W2 -b2", 2, false, "the file keeps no order"},
    {"linear", "fc1 fc2", "=w0 -w1 =w2 -w3", 1, true, "fc1.bias<-w1 "}, /* all alike: no words */
    {"linear", "a b c d e f", "=a0 -a1 =a2 -a3 =a4 -a5 =a6 -a7 =a8 -a9 =a10 -a11", 2, true,
     "f.weight<-a10 "},            /* in the file a10 comes before a2 */
    {"linear", "in_proj out_proj", /* torch.nn.MultiheadAttention */
     "=a.in_proj_weight -a.in_proj_bias =a.out_proj.weight -a.out_proj.bias", 1, true,
     "in_proj.bias<-a.in_proj.bias out_proj.weight<-a.out_proj.weight "},
    {"linear", "in_proj out_proj",
     "-b.in_proj_bias =b.in_proj_weight -b.out_proj.bias =b.out_proj.weight", 2, true,
     "in_proj.weight<-b.in_proj.weight "},
    {"layer_norm", "n1 n2", "-gamma1 -beta1 -gamma2 -beta2", 1, true, "n1.bias<-beta1 "},
    {"layer_norm", "n1 n2", "-beta1 -gamma1 -beta2 -gamma2", 1, false, "its name says otherwise"},
    {"layer_norm", "n1 n2", "-g1 -g2 -b1 -b2", 1, false, "its name says otherwise"},
    {"layer_norm", "n1 n2", "-b1 -b2 -g1 -g2", 3, false, "the file keeps no order"},
    {"batch_norm", "n1", "-gamma -beta -mean -variance", 1, true, "n1.running_var<-variance "},
    {"batch_norm", "n1", "-gamma -beta -variance -mean", 1, false, "its name says otherwise"},
    {"batch_norm", "n1", "-beta -mean -variance", 1, false, "they are 3 where the network needs 4"},
};

START_TEST(tensors_without_layers) {
  tensor tensors[MOST];
  dg_model *model = model_of(lone[_i].type, lone[_i].ours);
  forms[lone[_i].form].write(tensors, read_list(lone[_i].theirs, tensors));
  check_way(model, &(dg_convert_options){.size = sizeof(dg_convert_options)}, lone[_i].ok,
            lone[_i].says);
  dg_model_free(model);
}
END_TEST

/** Four tensors of one shape, one of which can't be a variance. */
START_TEST(variances_are_not_below_0) {
  tensor tensors[MOST];
  dg_model *model = model_of("batch_norm", "n1");
  sign = -1;
  write_npz(tensors, read_list("-arr_0 -arr_1 -arr_2 -arr_3", tensors));
  sign = 1;
  check_way(model, &(dg_convert_options){.size = sizeof(dg_convert_options)}, false,
            "\"n1.running_var\" has numbers below 0");
  dg_model_free(model);
}
END_TEST

/* ---- norms of Keras that lack something ---------------------------------- */

#define NORM "-layers/layer_normalization/vars/0"
#define BATCH "-layers/batch_normalization/vars/0 -layers/batch_normalization/vars/1"
#define ASKS "whether its scale or its center is missing can't be told; say layers/"

static const struct {
  const char *type, *theirs;
  dg_name_pair names[3];
  size_t count;
  bool ok;
  const char *says;
} norms[] = {
    {"layer_norm", NORM, {{0}}, 0, false, ASKS "layer_normalization/vars/0=n.weight"},
    {"layer_norm",
     NORM " -layers/layer_normalization/vars/1",
     {{0}},
     0,
     true,
     "n.weight<-layers/layer_normalization/vars/0 n.bias<-layers/layer_normalization/vars/1 "},
    {"layer_norm",
     NORM,
     {{"layers/layer_normalization/vars/0", "n.bias"}},
     1,
     true,
     "n.weight<- n.bias<-n.bias "},
    {"layer_norm",
     NORM,
     {{"layers/layer_normalization/vars/0", "n.weight"}},
     1,
     true,
     "n.weight<-n.weight n.bias<- "},
    {"layer_norm",
     "-layers/n/vars/0",
     {{0}},
     0,
     false,
     "n/vars/0=n.weight or n.bias"}, /* of the same name */
    {"batch_norm",
     BATCH,
     {{0}},
     0,
     false,
     "n.weight or n.bias or n.running_mean or n.running_var, and so for each"},
    {"batch_norm", BATCH " -layers/batch_normalization/vars/2", {{0}}, 0, false, ASKS},
    {"batch_norm",
     BATCH " -layers/batch_normalization/vars/2 -layers/batch_normalization/vars/3",
     {{0}},
     0,
     true,
     "n.running_var<-layers/batch_normalization/vars/3 "},
    {"batch_norm",
     BATCH " -layers/batch_normalization/vars/2",
     {{"layers/batch_normalization/vars/0", "n.bias"},
      {"layers/batch_normalization/vars/1", "n.running_mean"},
      {"layers/batch_normalization/vars/2", "n.running_var"}},
     3,
     true,
     "n.weight<- n.bias<-n.bias n.running_mean<-n.running_mean "},
    {"batch_norm",
     "-n/beta -n/moving_mean -n/moving_variance",
     {{0}},
     0,
     true,
     "n.weight<- n.bias<-n/beta "}, /* the names say what is missing */
};

START_TEST(norms_that_lack_something) {
  tensor tensors[MOST];
  dg_model *model = model_of(norms[_i].type, "n");
  write_hdf5(tensors, read_list(norms[_i].theirs, tensors));
  check_way(model,
            &(dg_convert_options){.size = sizeof(dg_convert_options),
                                  .names = norms[_i].names,
                                  .name_count = norms[_i].count},
            norms[_i].ok, norms[_i].says);
  dg_model_free(model);
}
END_TEST

/* ---- a published GRU: [in, out], two biases ------------------------------ */

/** Its data sets, and the parameter of models/gru.cfg that each is. */
static const struct {
  const char *name, *ours;
  hsize_t dim[2]; /**< one dimension: the second is 0 */
} published[] = {{"gru/weight_x/0", "rnn.weight_ih_l0", {28, 384}},
                 {"gru/weight_h/0", "rnn.weight_hh_l0", {128, 384}},
                 {"gru/bias_x/0", "rnn.bias_ih_l0", {384, 0}},
                 {"gru/bias_h/0", "rnn.bias_hh_l0", {384, 0}},
                 {"linear/weight", "out.weight", {128, 10}},
                 {"linear/bias", "out.bias", {10, 0}}};
enum { PUBLISHED = sizeof published / sizeof *published };

/** The number at a row and a column of a data set: each is another one. */
static float published_number(size_t set, uint64_t row, uint64_t column) {
  uint64_t columns = published[set].dim[1] ? published[set].dim[1] : 1;
  return (float)(set * 65536 + row * columns + column);
}

static void write_published(void) {
  set_path(".h5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t with_groups = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(with_groups, 1);
  for (size_t i = 0; i < PUBLISHED; i++) {
    const hsize_t *dim = published[i].dim, columns = dim[1] ? dim[1] : 1;
    float *values = malloc(dim[0] * columns * sizeof *values);
    for (uint64_t k = 0; k < dim[0] * columns; k++)
      values[k] = published_number(i, k / columns, k % columns);
    hid_t space = H5Screate_simple(dim[1] ? 2 : 1, dim, NULL);
    hid_t set = H5Dcreate2(file, published[i].name, H5T_NATIVE_FLOAT, space, with_groups,
                           H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(set);
    H5Sclose(space);
    free(values);
  }
  H5Pclose(with_groups);
  ck_assert_int_ge(H5Fclose(file), 0);
}

START_TEST(a_published_gru_is_read) {
  dg_error err = {0};
  dg_name_pair names[4];
  for (size_t i = 0; i < 4; i++) names[i] = (dg_name_pair){published[i].name, published[i].ours};
  dg_model *model = dg_model_load(DIGITS_SOURCE_DIR "/models/gru.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  write_published();
  const dg_convert_options options = {
      .size = sizeof options, .names = names, .name_count = 4, .mapped = note};
  *mapped = '\0';
  ck_assert_msg(dg_weights_convert(path, output, model, &options, &err), "%s", err.message);
  dg_safetensors file;
  ck_assert_msg(dg_safetensors_read(&file, output, &err), "%s", err.message);
  for (size_t i = 0; i < PUBLISHED; i++) {
    const hsize_t *dim = published[i].dim, columns = dim[1] ? dim[1] : 1;
    const dg_stored_tensor *ours = dg_safetensors_find(&file, published[i].ours);
    ck_assert_msg(ours && ours->dim[0] == (dim[1] ? dim[1] : dim[0]), "%s", published[i].ours);
    for (uint64_t k = 0; k < dim[0] * columns; k++) {
      float number;
      memcpy(&number, (const char *)ours->data + k * sizeof number, sizeof number);
      ck_assert_float_eq(number, dim[1] ? published_number(i, k % dim[0], k / dim[0])
                                        : published_number(i, k, 0));
    }
  }
  dg_safetensors_free(&file);
  remove(output);
  dg_model_free(model);
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  snprintf(output, sizeof output, "%s/out.safetensors", folder);
  TCase *tests = tcase_create("mapping");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, layers_of_one_shape, 0, FORMS * (sizeof layers / sizeof *layers));
  tcase_add_loop_test(tests, told_names_are_trusted, 0, 3);
  tcase_add_loop_test(tests, tensors_without_layers, 0, sizeof lone / sizeof *lone);
  tcase_add_test(tests, variances_are_not_below_0);
  tcase_add_test(tests, a_published_gru_is_read);
  tcase_add_loop_test(tests, norms_that_lack_something, 0, sizeof norms / sizeof *norms);
  return suite_main("mapping", tests);
}
