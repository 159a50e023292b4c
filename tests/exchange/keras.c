#define _GNU_SOURCE
#include "tests/exchange/keras.h"

#include <check.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/exchange/files.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-keras-XXXXXX";
static char path[100], inner[100], output[100];

void keras_start(void) {
  suite_new_folder(folder);
  snprintf(output, sizeof output, "%s/out.safetensors", folder);
  snprintf(inner, sizeof inner, "%s/inner.h5", folder);
}

/* ---- files -------------------------------------------------------------- */

const char *keras_quoted(const char *text) {
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

void keras_write_hdf5(const char *name, const char *content, const char *config,
                      const char *version) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  write_hdf5(path, content, config, version);
}

void keras_write_entries(const dg_archive_entry *entries, size_t count) {
  dg_error err = {0};
  snprintf(path, sizeof path, "%s/w.keras", folder);
  ck_assert_msg(dg_archive_write(path, entries, count, NULL, &err), "%s", err.message);
}

void keras_write_zip(const char *content, const char *config, const char *version) {
  char metadata[100];
  static char bytes[1 << 18];
  write_hdf5(inner, content, NULL, NULL);
  FILE *from = fopen(inner, "rb");
  size_t size = fread(bytes, 1, sizeof bytes, from);
  fclose(from);
  ck_assert_uint_lt(size, sizeof bytes);
  snprintf(metadata, sizeof metadata, "{\"keras_version\": \"%s\"}", version);
  const dg_archive_entry entries[] = {{"metadata.json", metadata, strlen(metadata)},
                                      {"config.json", config, strlen(config)},
                                      {"model.weights.h5", bytes, size}};
  keras_write_entries(entries, 3);
}

void keras_write(bool zip, const char *content, const char *layers) {
  char config[8000];
  snprintf(config, sizeof config, "{'class_name': 'Sequential', 'config': {'layers': [%s]}}",
           layers);
  const char *text = keras_quoted(config);
  if (zip)
    keras_write_zip(content, text, "3.15.1");
  else
    keras_write_hdf5("w.h5", content, text, "3.15.1");
}

/* ---- converting --------------------------------------------------------- */

dg_model *keras_model(const char *input, const char *layers, const dg_override *set) {
  char text[3000], file[100];
  dg_error err = {0};
  snprintf(text, sizeof text,
           "name = 'm'; input = %s; layers = ( %s ); loss = 'cross_entropy'; train = { epochs = 1; "
           "batch = 5; optimizer = { type = 'sgd'; lr = 0.1; }; };",
           input, layers);
  snprintf(file, sizeof file, "%s/m.cfg", folder);
  FILE *to = fopen(file, "w");
  fputs(keras_quoted(text), to);
  ck_assert_int_eq(fclose(to), 0);
  dg_model *model = dg_model_load(file, set, set ? 1 : 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

static void note(void *user, const dg_difference *d) {
  keras_told *told = user;
  ck_assert_uint_eq(d->size, sizeof *d);
  ck_assert_msg((d->key != NULL) == (d->theirs != NULL), "%s", d->message);
  size_t used = strlen(told->text);
  snprintf(told->text + used, sizeof told->text - used, "%s\n", d->message);
  if (d->key) snprintf(told->key, sizeof told->key, "%s.%s", d->layer, d->key);
  if (d->key) snprintf(told->value, sizeof told->value, "%s", d->theirs);
  told->count++;
}

bool keras_convert(const dg_model *model, dg_convert_options options, keras_told *told,
                   dg_error *err) {
  *told = (keras_told){0};
  options.size = sizeof options;
  options.user = told;
  options.differs = note;
  remove(output);
  *err = (dg_error){0};
  return dg_weights_convert(path, output, model, &options, err);
}

bool keras_converted(void) {
  return access(output, F_OK) == 0;
}

const char *keras_numbers(const char *name) {
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
