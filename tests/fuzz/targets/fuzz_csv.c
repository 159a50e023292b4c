/* The readers of tables, plain and gzipped: of pixels, and of numbers in every way to read them. */
#include <stdlib.h>
#include <string.h>

#include "core/data/columns.h"
#include "core/data/csv/csv.h"
#include "core/data/dataset.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void touch(const dg_samples *samples) {
  if (samples->inputs) fuzz_touch(samples->inputs, samples->count * dg_input_bytes(&samples->kind));
  if (samples->labels) fuzz_touch(samples->labels, samples->count);
  if (samples->targets)
    fuzz_touch(samples->targets, samples->count * dg_target_bytes(&samples->kind));
}

static void read_pixels(const char *path) {
  dg_samples samples;
  dg_error err = {0};
  bool ok = dg_csv_read(&samples, path, &err);
  if (ok != (err.kind == DG_OK) || ok != (samples.inputs != NULL)) abort();
  if (ok) touch(&samples);
  dg_samples_free(&samples);
}

static dg_dataset *open_set(const char *path, const dg_dataset_options *options) {
  dg_error err = {0};
  dg_dataset *set = dg_dataset_open_with(path, options, &err);
  if ((set != NULL) != (err.kind == DG_OK)) abort();
  if (!set) return NULL;
  touch(&set->train);
  touch(&set->test);
  return set;
}

/** What goes with weights must be read as it was written. */
static void check_columns(const dg_columns *columns) {
  dg_error err = {0};
  char *text = dg_columns_text(columns, &err);
  dg_columns *again = text ? dg_columns_parse(text, "columns", &err) : NULL;
  char *second = again ? dg_columns_text(again, &err) : NULL;
  if (err.kind != DG_ERR_MEMORY && (!second || strcmp(text, second) != 0)) abort();
  dg_columns_free(again);
  free(text);
  free(second);
}

/** A table is like itself. */
static void read_again(const char *path, dg_dataset_options options, const dg_dataset *set) {
  options.like = set;
  dg_error err = {0};
  dg_dataset *same = dg_dataset_open_with(path, &options, &err);
  if (!same && err.kind != DG_ERR_MEMORY) abort();
  dg_dataset_close(same);
}

/** Reads the samples alone, all of them at once. */
static bool read_samples(const char *path, const dg_dataset_options *options, dg_error *err) {
  dg_ndarray piece;
  dg_sample_file *file = dg_sample_file_open(path, options, err);
  const bool ok = file && dg_sample_file_next(file, UINT32_MAX, &piece, err);
  size_t size = ok && piece.type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
  for (uint32_t i = 0; ok && i < piece.rank; i++) size *= piece.dim[i];
  if (ok && size) fuzz_touch(piece.numbers, size);
  if (ok != (err->kind == DG_OK)) abort();
  dg_sample_file_close(file);
  return ok;
}

/** What a table gave is read from it by its columns, with and without labels. */
static void read_by_columns(const char *path, dg_dataset_options options, const dg_dataset *set) {
  dg_error err = {0};
  options.columns = set->columns;
  if (!read_samples(path, &options, &err) && err.kind != DG_ERR_MEMORY) abort();
  dg_dataset_close(open_set(path, &options));
}

/** The first line is columns from a stranger, the rest a table. */
static void read_by_strangers(char *text, dg_dataset_options options) {
  dg_error err = {0};
  char *end = strchr(text, '\n');
  if (!end) return;
  *end = '\0';
  dg_columns *columns = dg_columns_parse(text, "columns", &err);
  options.columns = columns;
  const char *path = columns ? fuzz_file((const uint8_t *)end + 1, strlen(end + 1)) : NULL;
  if (path) dg_dataset_close(open_set(path, &options));
  if (path) read_samples(path, &options, &err);
  dg_columns_free(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const char *path = fuzz_file(bytes, size);
  static const char *const columns[] = {NULL, "label", "a", "b"};
  const unsigned how = size ? bytes[size - 1] : 0; /* a line feed mostly: no options */
  dg_dataset_options options = {.size = sizeof options};
  if (how & 128) {
    options.targets = how & 64 ? "a,b" : "b";
  } else {
    options.label = columns[how & 3];
  }
  options.missing = how & 16 ? DG_MISSING_MEAN : DG_MISSING_ERROR;
  options.decimal_comma = how & 32;
  options.keep_all = how & 4;
  read_pixels(path);
  dg_dataset *set = open_set(path, &options);
  if (set && set->columns) {
    check_columns(set->columns);
    read_again(path, options, set);
    read_by_columns(path, options, set);
  }
  dg_dataset_close(set);
  dg_error err = {0};
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, bytes, size);
  text[size] = '\0';
  dg_columns_free(dg_columns_parse(text, "columns", &err));
  err = (dg_error){0};
  options.label = options.targets = NULL;
  read_samples(path, &options, &err);
  read_by_strangers(text, options);
  free(text);
  return 0;
}
