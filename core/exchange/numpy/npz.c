/** numpy's .npz: a zip file of .npy arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/files.h"
#include "core/exchange/numpy/npy.h"
#include "core/formats/archive.h"

static const char suffix[] = ".npy";
/* The beginning of a comment that contains a model file. */
static const char model_mark[] = "digits.model\n";

/** Reads the model from the comment, where digits stores it. */
static bool read_model(dg_arrays *arrays, const dg_archive *archive, dg_error *err) {
  size_t length, ahead = sizeof model_mark - 1;
  const char *comment = dg_archive_comment(archive, &length);
  if (!comment || length < ahead || memcmp(comment, model_mark, ahead) != 0) return true;
  arrays->model = strndup(comment + ahead, length - ahead);
  return arrays->model || dg_fail_memory(err, length);
}

/** Reads one entry as the array of its name without ".npy". */
static bool read_entry(dg_arrays *arrays, dg_archive *archive, uint64_t entry, dg_error *err) {
  const char *full = dg_archive_name(archive, entry);
  size_t length = full ? strlen(full) : 0, end = sizeof suffix - 1;
  if (length <= end || strcmp(full + length - end, suffix) != 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: no file of numpy.savez: \"%.100s\" in it is no .npy",
                   arrays->path, full ? full : "");
  char *name = strndup(full, length - end);
  size_t size;
  unsigned char *bytes = dg_archive_read(archive, entry, UINT64_MAX, &size, err);
  bool ok =
      bytes && (name || dg_fail_memory(err, length)) && dg_npy_read(arrays, name, bytes, size, err);
  free(bytes);
  free(name);
  return ok;
}

bool dg_read_npz(dg_arrays *arrays, dg_error *err) {
  dg_archive *archive = dg_archive_open(arrays->path, err);
  if (!archive) return false;
  dg_arrays_bound(arrays, dg_archive_size(archive));
  bool ok = read_model(arrays, archive, err);
  for (uint64_t i = 0; ok && i < dg_archive_count(archive); i++)
    ok = read_entry(arrays, archive, i, err);
  arrays->ordered = true;
  dg_archive_close(archive);
  return ok;
}

/** The memory of one entry. */
typedef struct {
  char *name;
  unsigned char *bytes;
} entry_parts;

static bool make_entry(const dg_array *array, entry_parts *parts, dg_archive_entry *entry,
                       dg_error *err) {
  size_t length = strlen(array->name) + sizeof suffix, size;
  parts->name = malloc(length);
  parts->bytes = parts->name ? dg_npy_make(array, &size, err) : NULL;
  if (!parts->name) return dg_fail_memory(err, length);
  if (!parts->bytes) return false;
  snprintf(parts->name, length, "%s%s", array->name, suffix);
  *entry = (dg_archive_entry){parts->name, parts->bytes, size};
  return true;
}

bool dg_write_npz(const char *path, const dg_model *model, const dg_model_graph *graph,
                  const dg_arrays *arrays, dg_error *err) {
  (void)graph;
  size_t length = strlen(model->text) + sizeof model_mark;
  entry_parts *parts = calloc(arrays->count, sizeof *parts);
  dg_archive_entry *entries = calloc(arrays->count, sizeof *entries);
  char *comment = malloc(length);
  bool ok = (parts && entries && comment) || dg_fail_memory(err, length);
  if (ok) snprintf(comment, length, "%s%s", model_mark, model->text);
  for (size_t i = 0; ok && i < arrays->count; i++)
    ok = make_entry(&arrays->items[i], &parts[i], &entries[i], err);
  ok = ok && dg_archive_write(path, entries, arrays->count, comment, err);
  for (size_t i = 0; parts && i < arrays->count; i++) {
    free(parts[i].name);
    free(parts[i].bytes);
  }
  free(comment);
  free(entries);
  free(parts);
  return ok;
}
