/** Samples without labels, read piece by piece: chooses their reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file/pipe.h"
#include "core/base/sized.h"
#include "core/data/arrays/npy_samples.h"
#include "core/data/arrays/npz.h"
#include "core/data/csv/table.h"
#include "core/data/idx/idx_folder.h"
#include "core/data/kinds.h"
#include "core/data/pictures/loose.h"

struct dg_sample_file {
  int kept; /**< descriptor of what came through a pipe; -1: none */
  char path[32];
  dg_dataset_options options;
  dg_npy_samples *npy;         /**< or else */
  dg_loose_pictures *pictures; /**< or else */
  dg_samples all;
  dg_samples piece; /**< of the first two */
  uint32_t next;
};

static const uint64_t MOST = (uint64_t)1 << 36; /* bytes out of a pipe */

static bool is_other_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
         (dg_data_kind_of(path) || dg_is_idx_folder(path));
}

bool dg_is_sample_file(const char *path) {
  return dg_is_npy_samples(path) || (dg_is_npz(path) && dg_npz_is_alone(path)) ||
         (dg_is_loose_pictures(path) && !is_other_folder(path));
}

bool dg_is_table(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && !S_ISDIR(info.st_mode) && !dg_is_npz(path) &&
         !dg_is_npy_samples(path) && !dg_is_loose_pictures(path) && !dg_data_kind_of(path);
}

static bool open_file(dg_sample_file *f, const char *path, dg_error *err) {
  uint64_t size;
  if (dg_pipe_is(path)) {
    f->kept = dg_pipe_keep(path, MOST, &size, err);
    if (f->kept < 0) return false;
    snprintf(f->path, sizeof f->path, "/dev/fd/%d", f->kept);
    path = f->path;
  }
  if (f->options.arrays && !dg_is_npz(path))
    return dg_fail(err, DG_ERR_INPUT, "%s: an array is named, but only .npz files hold several",
                   path);
  if (dg_is_npy_samples(path))
    return (f->npy = dg_npy_samples_open(path, &f->options, err)) != NULL;
  if (dg_is_npz(path)) return dg_npz_samples(&f->all, path, &f->options, err);
  if (dg_is_loose_pictures(path))
    return (f->pictures = dg_loose_open(path, &f->options, err)) != NULL;
  return dg_table_samples(&f->all, path, &f->options, err);
}

dg_sample_file *dg_sample_file_open(const char *path, const dg_dataset_options *options,
                                    dg_error *err) {
  dg_sample_file *f = calloc(1, sizeof *f);
  if (!f) return dg_fail_memory(err, sizeof *f), NULL;
  f->kept = -1;
  if (dg_sized_take(&f->options, sizeof f->options, options, "dg_dataset_options", err) &&
      open_file(f, path, err))
    return f;
  dg_sample_file_close(f);
  return NULL;
}

void dg_sample_file_close(dg_sample_file *f) {
  if (!f) return;
  if (f->kept >= 0) close(f->kept);
  dg_npy_samples_close(f->npy);
  dg_loose_close(f->pictures);
  dg_samples_free(&f->all);
  dg_samples_free(&f->piece);
  free(f);
}

static uint32_t count_of(const dg_sample_file *f) {
  return f->npy        ? dg_npy_samples_count(f->npy)
         : f->pictures ? dg_loose_count(f->pictures)
                       : f->all.count;
}

dg_ndarray dg_sample_file_shape(const dg_sample_file *f) {
  const dg_shape shape = f->npy        ? dg_npy_samples_shape(f->npy)
                         : f->pictures ? dg_loose_shape(f->pictures)
                                       : f->all.kind.shape;
  dg_ndarray array = {.rank = shape.rank + 1, .dim = {count_of(f)}};
  for (uint32_t i = 0; i < shape.rank; i++) array.dim[i + 1] = shape.dim[i];
  return array;
}

const char *dg_sample_file_name(const dg_sample_file *f, uint32_t index) {
  return f->pictures && index < count_of(f) ? dg_loose_name(f->pictures, index) : NULL;
}

bool dg_sample_file_next(dg_sample_file *f, uint32_t most, dg_ndarray *samples, dg_error *err) {
  const uint32_t left = count_of(f) - f->next, count = left < most ? left : most;
  *samples = dg_sample_file_shape(f);
  samples->dim[0] = count;
  if (count == 0) return true;
  dg_samples_free(&f->piece);
  if ((f->npy && !dg_npy_samples_read(f->npy, f->next, count, &f->piece, err)) ||
      (f->pictures && !dg_loose_read(f->pictures, f->next, count, &f->piece, err)))
    return false;
  const bool whole = !f->npy && !f->pictures;
  const dg_samples *from = whole ? &f->all : &f->piece;
  samples->type = from->kind.type;
  samples->numbers = from->inputs + (whole ? (size_t)f->next * dg_input_bytes(&from->kind) : 0);
  f->next += count;
  return true;
}
