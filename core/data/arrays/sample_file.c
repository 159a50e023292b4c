/** A .npy file of samples, read piece by piece. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/file/input.h"
#include "core/base/sized.h"
#include "core/data/arrays/numbers.h"

struct dg_sample_file {
  char *path;
  int descriptor;
  uint64_t begin; /**< of the numbers in the file */
  dg_dataset_options options;
  dg_shape shape; /**< of a sample */
  dg_numbers all; /**< with numbers only if they had to be turned into C order */
  dg_samples piece;
  uint64_t next; /**< sample */
};

static const uint64_t MOST = (uint64_t)1 << 36; /* bytes out of a pipe */
enum { HEAD = 8192 };                           /* holds each header that is read */

/** Does a file begin like one? Pipes are not looked into. */
static bool has_magic(const char *path) {
  struct stat info;
  char magic[sizeof dg_npy_magic];
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool whole = pread(file, magic, sizeof magic, 0) == sizeof magic;
  close(file);
  return whole && memcmp(magic, dg_npy_magic, sizeof magic) == 0;
}

bool dg_is_sample_file(const char *path) {
  static const char suffix[] = ".npy";
  const size_t length = strlen(path), end = sizeof suffix - 1;
  return (length > end && strcmp(path + length - end, suffix) == 0) || has_magic(path);
}

/* ---- opening ------------------------------------------------------------- */

/** Reads `size` bytes from a place of the file. */
static bool read_at(const dg_sample_file *f, uint64_t from, void *to, size_t size, dg_error *err) {
  uint8_t *bytes = to;
  for (size_t done = 0; done < size;) {
    const ssize_t got = pread(f->descriptor, bytes + done, size - done, (off_t)(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: it can't be read: %s", f->path,
                     got < 0 ? strerror(errno) : "it became shorter");
    done += (size_t)got;
  }
  return true;
}

/** Numbers of Fortran order have to be read at once to be turned. */
static bool read_all(dg_sample_file *f, uint64_t size, dg_error *err) {
  dg_mapping mapping;
  uint8_t *bytes = dg_numbers_room(&f->all, size, &mapping, err);
  if (!bytes) return false;
  dg_numbers_replace(&f->all, bytes, &mapping);
  return read_at(f, 0, bytes, (size_t)size, err) &&
         dg_numbers_from_npy(&f->all, bytes, (size_t)size, err);
}

static bool read_head(dg_sample_file *f, uint64_t size, dg_error *err) {
  unsigned char head[HEAD];
  const size_t known = size < HEAD ? (size_t)size : HEAD;
  dg_npy npy;
  if (!read_at(f, 0, head, known, err)) return false;
  if (!dg_npy_parse(&npy, head, known))
    return dg_fail(err, DG_ERR_INPUT, "%s: no sound .npy array; save it again", f->path);
  f->begin = npy.begin;
  return dg_numbers_describe(&f->all, &npy, size - npy.begin, err) &&
         (!npy.fortran || read_all(f, size, err)) &&
         dg_numbers_shape_of_sample(&f->all, &f->options, &f->shape, err);
}

dg_sample_file *dg_sample_file_open(const char *path, const dg_dataset_options *options,
                                    dg_error *err) {
  uint64_t size;
  dg_sample_file *f = calloc(1, sizeof *f);
  if (!f) return dg_fail_memory(err, sizeof *f), NULL;
  f->descriptor = -1;
  f->path = strdup(path);
  f->all = (dg_numbers){.path = f->path, .name = ""};
  if (!f->path)
    dg_fail_memory(err, strlen(path));
  else if (dg_sized_take(&f->options, sizeof f->options, options, "dg_dataset_options", err) &&
           (f->descriptor = dg_input_open(path, MOST, &size, err)) >= 0 && read_head(f, size, err))
    return f;
  dg_sample_file_close(f);
  return NULL;
}

void dg_sample_file_close(dg_sample_file *f) {
  if (!f) return;
  if (f->descriptor >= 0) close(f->descriptor);
  dg_numbers_free(&f->all);
  dg_samples_free(&f->piece);
  free(f->path);
  free(f);
}

/* ---- reading -------------------------------------------------------------- */

static dg_ndarray array_of(const dg_sample_file *f, uint32_t count, const dg_samples *piece) {
  dg_ndarray array = {.rank = f->shape.rank + 1, .dim = {count}};
  for (uint32_t i = 0; i < f->shape.rank; i++) array.dim[i + 1] = f->shape.dim[i];
  if (piece) array.type = piece->kind.type, array.numbers = piece->inputs;
  return array;
}

dg_ndarray dg_sample_file_shape(const dg_sample_file *f) {
  return array_of(f, (uint32_t)f->all.dim[0], NULL);
}

/** Reads `count` samples as they are stored. */
static bool read_piece(const dg_sample_file *f, uint64_t count, dg_numbers *piece, dg_error *err) {
  const uint64_t each = f->all.count / f->all.dim[0], unit = dg_element_size(f->all.element);
  *piece = f->all;
  piece->dim[0] = count;
  piece->count = count * each;
  piece->first = f->next * each;
  piece->bytes = dg_numbers_room(piece, piece->count * unit, &piece->mapping, err);
  if (!piece->bytes) return false;
  if (!f->all.bytes)
    return read_at(f, f->begin + piece->first * unit, piece->bytes, (size_t)(piece->count * unit),
                   err);
  memcpy(piece->bytes, f->all.bytes + piece->first * unit, (size_t)(piece->count * unit));
  return true;
}

bool dg_sample_file_next(dg_sample_file *f, uint32_t most, dg_ndarray *samples, dg_error *err) {
  const uint64_t left = f->all.dim[0] - f->next, count = left < most ? left : most;
  dg_numbers piece;
  dg_samples_free(&f->piece);
  f->piece = (dg_samples){0};
  if (count > 0) {
    const bool ok = read_piece(f, count, &piece, err) &&
                    dg_numbers_to_inputs(&piece, &f->piece, &f->options, err);
    dg_numbers_free(&piece);
    if (!ok) return false;
  }
  f->next += count;
  *samples = array_of(f, (uint32_t)count, &f->piece);
  return true;
}
