/** numpy's .npz as a set. */
#include "core/data/arrays/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/file/input.h"

bool dg_is_npz(const char *path) {
  static const char suffix[] = ".npz", zip[] = "PK\3\4";
  const size_t length = strlen(path), end = sizeof suffix - 1;
  struct stat info;
  if (strncmp(path, "/dev/", 5) == 0) return dg_input_begins(path, zip, sizeof zip - 1);
  return length > end && strcasecmp(path + length - end, suffix) == 0 && stat(path, &info) == 0 &&
         S_ISREG(info.st_mode);
}

#ifdef DIGITS_HAVE_LIBZIP
#include "core/data/arrays/set.h"
#include "core/formats/archive.h"

/** The number of the entry with an array; the count of entries: there is none. */
static uint64_t find_entry(const dg_archive *archive, const char *name) {
  const size_t length = strlen(name);
  uint64_t i = 0;
  for (; i < dg_archive_count(archive); i++) {
    const char *entry = dg_archive_name(archive, i);
    if (entry && strncmp(entry, name, length) == 0 && strcmp(entry + length, ".npy") == 0) break;
  }
  return i;
}

static bool has_array(const void *archive, const char *name) {
  return find_entry(archive, name) < dg_archive_count(archive);
}

static bool has_any(const dg_archive *archive, const char *const *names, const char **found) {
  for (; *names; names++)
    if (has_array(archive, *names)) return *found = *names, true;
  return false;
}

static const char *const input_names[] = {"x_test",  "X_test",  "test_images",  "X", "x",
                                          "x_train", "X_train", "train_images", NULL};
static const char *const target_names[] = {"y_train",      "y_test",      "y",
                                           "train_labels", "test_labels", NULL};

bool dg_npz_is_alone(const char *path) {
  const char *name;
  dg_archive *archive = dg_archive_open(path, NULL);
  const bool alone =
      archive && has_any(archive, input_names, &name) && !has_any(archive, target_names, &name);
  dg_archive_close(archive);
  return alone;
}

static bool read_array(dg_numbers *numbers, dg_archive *archive, dg_error *err) {
  const uint64_t entry = find_entry(archive, numbers->name);
  uint64_t size;
  dg_mapping mapping;
  if (!dg_archive_check(archive, entry, &size, err)) return false;
  uint8_t *bytes = dg_numbers_room(numbers, size, &mapping, err);
  if (!bytes) return false;
  dg_numbers_replace(numbers, bytes, &mapping);
  return dg_archive_unpack(archive, entry, bytes, size, err) &&
         dg_numbers_from_npy(numbers, bytes, (size_t)size, err);
}

/** Finds the array that options name, or one with a usual name. */
static bool find_inputs(const dg_archive *archive, const char **name, const char *path,
                        const dg_dataset_options *options, dg_error *err) {
  *name = options->arrays;
  if (*name)
    return has_array(archive, *name) ||
           dg_fail(err, DG_ERR_INPUT, "%s: there is no array \"%.80s\" in it", path, *name);
  return has_any(archive, input_names, name) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: no array x_test, X_test, test_images, X or x is in it; tell the name of the "
                 "inputs",
                 path);
}

bool dg_npz_samples(dg_samples *samples, const char *path, const dg_dataset_options *options,
                    dg_error *err) {
  dg_numbers inputs = {.path = path};
  dg_archive *archive = dg_archive_open(path, err);
  const bool ok = archive && find_inputs(archive, &inputs.name, path, options, err) &&
                  read_array(&inputs, archive, err) &&
                  dg_numbers_to_inputs(&inputs, samples, options, err);
  dg_numbers_free(&inputs);
  dg_archive_close(archive);
  return ok;
}

static bool read_set(dg_dataset *set, dg_archive *archive, const char *path,
                     const dg_dataset_options *options, dg_error *err) {
  dg_array_names names;
  dg_numbers arrays[DG_ARRAYS] = {0};
  bool ok = dg_arrays_find(&names, options, has_array, archive, path, err);
  for (unsigned i = 0; ok && i < DG_ARRAYS; i++) {
    arrays[i] = (dg_numbers){.path = path, .name = names.name[i], .in_memory = options->in_memory};
    if (*names.name[i]) ok = read_array(&arrays[i], archive, err);
  }
  ok = ok && dg_arrays_take(set, arrays, options, err);
  for (unsigned i = 0; i < DG_ARRAYS; i++) dg_numbers_free(&arrays[i]);
  return ok;
}

dg_dataset *dg_dataset_from_npz(const char *path, const dg_dataset_options *options,
                                dg_error *err) {
  dg_dataset *set = dg_dataset_new(path, err);
  dg_archive *archive = set ? dg_archive_open(path, err) : NULL;
  bool ok = archive && read_set(set, archive, path, options, err);
  dg_archive_close(archive);
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}
#else
static bool fail_no_libzip(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_UNSUPPORTED,
                 "%s: digits was built without libzip, which reads .npz files; install libzip-dev "
                 "(Debian's name) and build it again",
                 path);
}

bool dg_npz_is_alone(const char *path) {
  (void)path;
  return false;
}

bool dg_npz_samples(dg_samples *samples, const char *path, const dg_dataset_options *options,
                    dg_error *err) {
  (void)samples, (void)options;
  return fail_no_libzip(path, err);
}

dg_dataset *dg_dataset_from_npz(const char *path, const dg_dataset_options *options,
                                dg_error *err) {
  (void)options;
  fail_no_libzip(path, err);
  return NULL;
}
#endif
