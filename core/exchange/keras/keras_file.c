/** The files .keras: settings and an HDF5 file of weights, in a zip file. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/exchange/files.h"
#include "core/exchange/hdf5/hdf5.h"
#include "core/formats/archive.h"

/**
 * Unpacks the entry `name` of at most `most` bytes, with a zero behind it. NULL without an error:
 * there is none.
 */
static char *read_entry(dg_archive *archive, const char *name, uint64_t most, size_t *size,
                        dg_error *err) {
  uint64_t count = dg_archive_count(archive), found = count;
  for (uint64_t i = 0; i < count; i++) {
    const char *other = dg_archive_name(archive, i);
    if (other && strcmp(other, name) == 0) found = i;
  }
  if (found == count) return NULL;
  unsigned char *bytes = dg_archive_read(archive, found, most, size, err);
  char *text = bytes ? realloc(bytes, *size + 1) : NULL;
  if (bytes && !text) {
    free(bytes);
    dg_fail_memory(err, *size + 1);
  }
  if (text) text[*size] = '\0';
  return text;
}

/** The version of Keras that wrote the file, 2 or 3; 0: it does not say. */
static uint32_t read_version(dg_archive *archive) {
  enum { MOST = 1 << 16 };
  size_t size;
  json_error_t wrong;
  bool starved;
  char *text = read_entry(archive, "metadata.json", MOST, &size, NULL);
  json_t *json = text ? dg_json_read(text, size, 0, &wrong, &starved) : NULL;
  const char *version = json_string_value(json_object_get(json, "keras_version"));
  uint32_t number = version ? (uint32_t)strtoul(version, NULL, 10) : 0;
  json_decref(json);
  free(text);
  return number;
}

static bool read_settings(dg_arrays *arrays, dg_archive *archive, dg_error *err) {
  size_t size = 0;
  dg_error told = {0};
  arrays->settings = read_entry(archive, "config.json", DG_SETTINGS_SIZE, &size, &told);
  arrays->keras = read_version(archive);
  if (arrays->settings && strlen(arrays->settings) == size) return true;
  if (told.kind) {
    if (err) *err = told;
    return false;
  }
  return dg_fail(err, DG_ERR_INPUT, "%s: %s", arrays->path,
                 arrays->settings ? "its config.json is no text"
                                  : "no file of Keras: the zip file has no config.json");
}

static bool read_weights(dg_arrays *arrays, dg_archive *archive, dg_error *err) {
  size_t size = 0;
  dg_error told = {0};
  char *image = read_entry(archive, "model.weights.h5", UINT64_MAX, &size, &told);
  if (!image && told.kind && err) *err = told;
  if (!image)
    return told.kind ? false
                     : dg_fail(err, DG_ERR_INPUT,
                               "%s: the zip file has no model.weights.h5; save the model with "
                               "Keras 3 and its weights in one file",
                               arrays->path);
  arrays->image = image;
  arrays->image_size = size;
  char *settings = arrays->settings; /* those of the zip file, not of the file in it */
  uint32_t version = arrays->keras;
  arrays->settings = NULL;
  bool ok = dg_hdf5_read(arrays, dg_archive_size(archive), err);
  free(arrays->settings);
  arrays->settings = settings;
  arrays->keras = version;
  arrays->layout = DG_LAYOUT_KERAS;
  arrays->image = NULL;
  arrays->image_size = 0;
  free(image);
  return ok;
}

bool dg_read_keras(dg_arrays *arrays, dg_error *err) {
  dg_archive *archive = dg_archive_open(arrays->path, err);
  if (!archive) return false;
  bool ok = read_settings(arrays, archive, err) && read_weights(arrays, archive, err);
  dg_archive_close(archive);
  return ok;
}
