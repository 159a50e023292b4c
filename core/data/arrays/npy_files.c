#include "core/data/arrays/npy_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/file/entries.h"
#include "core/base/file/file.h"
#include "core/base/file/target.h"
#include "core/data/arrays/set.h"

static const char suffix[] = ".npy";

/** `folder`/`name`.npy in new memory. */
static char *file_path(const char *folder, const char *name, dg_error *err) {
  char file[DG_ARRAY_NAME + sizeof suffix];
  snprintf(file, sizeof file, "%s%s", name, suffix);
  return dg_path_join(folder, file, err);
}

static bool has_file(const void *folder, const char *name) {
  struct stat info;
  char *path = strchr(name, '/') ? NULL : file_path(folder, name, NULL);
  const bool there = path && stat(path, &info) == 0;
  free(path);
  return there;
}

bool dg_is_npy_folder(const char *folder) {
  dg_array_names names;
  static const char *const inputs[] = {"x_train", "X_train", "train_images", "X", "x"};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
    if (dg_arrays_known(&names, inputs[i]) && has_file(folder, inputs[i])) return true;
  return false;
}

/** The folder that a path is, or that the file is in, in new memory. `inputs` gets the name of the
    file without its end, or "". */
static char *folder_of(const char *path, char inputs[DG_ARRAY_NAME], dg_error *err) {
  struct stat info;
  const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  inputs[0] = '\0';
  if (!folder) {
    snprintf(inputs, DG_ARRAY_NAME, "%s", dg_last_name(path));
    char *end = strrchr(inputs, '.');
    if (end) *end = '\0';
  }
  char *found = folder ? strdup(path) : dg_folder_of(path);
  if (!found) dg_fail_memory(err, strlen(path));
  return found;
}

/** Finds the files by the name of the first one. */
static bool find_beside(dg_array_names *names, const char *inputs, const char *folder,
                        const dg_dataset_options *options, dg_error *err) {
  dg_dataset_options named = *options;
  char all[4 * DG_ARRAY_NAME + 4];
  if (options->arrays || !*inputs)
    return dg_arrays_find(names, options, has_file, folder, folder, err);
  if (!dg_arrays_known(names, inputs))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s/%s.npy: targets belong to inputs, and only beside x_train.npy, X_train.npy, "
                   "train_images.npy, X.npy and x.npy are they known; rename the file, or tell the "
                   "names of both",
                   folder, inputs);
  const bool tests = *names->name[2] && has_file(folder, names->name[2]);
  snprintf(all, sizeof all, tests ? "%s,%s,%s,%s" : "%s,%s", names->name[0], names->name[1],
           names->name[2], names->name[3]);
  named.arrays = all;
  return dg_arrays_find(names, &named, has_file, folder, folder, err);
}

/** Reads the file of an array, or maps it if it is large. */
static bool read_array(dg_numbers *numbers, dg_error *err) {
  struct stat info;
  uint64_t mapped;
  size_t size;
  if (stat(numbers->path, &info) == 0 && dg_maps_file((uint64_t)info.st_size, numbers->in_memory)) {
    if (!dg_map_file(&numbers->mapping, numbers->path, &mapped, err)) return false;
    numbers->read_only = true;
    return dg_numbers_from_npy(numbers, numbers->mapping.at, (size_t)mapped, err);
  }
  char *bytes = dg_file_read(numbers->path, UINT64_MAX, &size, err);
  return bytes && dg_numbers_from_npy(numbers, (uint8_t *)bytes, size, err);
}

static bool read_set(dg_dataset *set, const dg_array_names *names, const char *folder,
                     const dg_dataset_options *options, dg_error *err) {
  dg_numbers arrays[DG_ARRAYS] = {0};
  char *paths[DG_ARRAYS] = {0};
  bool ok = true;
  for (unsigned i = 0; ok && i < DG_ARRAYS; i++) {
    if (!*names->name[i]) continue;
    paths[i] = file_path(folder, names->name[i], err);
    arrays[i] = (dg_numbers){.path = paths[i], .name = "", .in_memory = options->in_memory};
    ok = paths[i] && read_array(&arrays[i], err);
  }
  ok = ok && dg_arrays_take(set, arrays, options, err);
  for (unsigned i = 0; i < DG_ARRAYS; i++) {
    dg_numbers_free(&arrays[i]);
    free(paths[i]);
  }
  return ok;
}

dg_dataset *dg_dataset_from_npy(const char *path, const dg_dataset_options *options,
                                dg_error *err) {
  dg_array_names names;
  char inputs[DG_ARRAY_NAME];
  dg_dataset *set = dg_dataset_new(path, err);
  char *folder = set ? folder_of(path, inputs, err) : NULL;
  const bool ok = folder && find_beside(&names, inputs, folder, options, err) &&
                  read_set(set, &names, folder, options, err);
  free(folder);
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}

bool dg_npy_files(const char *path, dg_dataset_file *file, void *user, dg_error *err) {
  static const char *const ends[] = {suffix, NULL};
  char inputs[DG_ARRAY_NAME];
  dg_entries files = {0};
  char *folder = folder_of(path, inputs, err);
  bool ok = folder && dg_list_files(&files, folder, ends, err);
  for (size_t i = 0; ok && i < files.count; i++) {
    char *name = dg_path_join(folder, files.name[i], err);
    ok = name && file(user, name, err);
    free(name);
  }
  dg_entries_free(&files);
  free(folder);
  return ok;
}
