#include "core/data/arrays/npy_samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/file/input.h"
#include "core/data/arrays/numbers.h"

struct dg_npy_samples {
  char *path;
  int descriptor;
  uint64_t begin; /**< of the numbers in the file */
  const dg_dataset_options *options;
  dg_shape shape; /**< of a sample */
  dg_numbers all; /**< with numbers only if they had to be turned into C order */
};

enum { HEAD = 8192 }; /* holds each header that is read */

bool dg_is_npy_samples(const char *path) {
  static const char suffix[] = ".npy";
  const size_t length = strlen(path), end = sizeof suffix - 1;
  return (length > end && strcmp(path + length - end, suffix) == 0) ||
         dg_input_begins(path, dg_npy_magic, sizeof dg_npy_magic);
}

/* ---- opening ------------------------------------------------------------- */

/** Reads `size` bytes from a place of the file. */
static bool read_at(const dg_npy_samples *f, uint64_t from, void *to, size_t size, dg_error *err) {
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
static bool read_all(dg_npy_samples *f, uint64_t size, dg_error *err) {
  dg_mapping mapping;
  uint8_t *bytes = dg_numbers_room(&f->all, size, &mapping, err);
  if (!bytes) return false;
  dg_numbers_replace(&f->all, bytes, &mapping);
  return read_at(f, 0, bytes, (size_t)size, err) &&
         dg_numbers_from_npy(&f->all, bytes, (size_t)size, err);
}

static bool read_head(dg_npy_samples *f, uint64_t size, dg_error *err) {
  unsigned char head[HEAD];
  const size_t known = size < HEAD ? (size_t)size : HEAD;
  dg_npy npy;
  if (!read_at(f, 0, head, known, err)) return false;
  if (!dg_npy_parse(&npy, head, known))
    return dg_fail(err, DG_ERR_INPUT, "%s: no sound .npy array; save it again", f->path);
  f->begin = npy.begin;
  return dg_numbers_describe(&f->all, &npy, size - npy.begin, err) &&
         (!npy.fortran || read_all(f, size, err)) &&
         dg_numbers_shape_of_sample(&f->all, f->options, &f->shape, err);
}

dg_npy_samples *dg_npy_samples_open(const char *path, const dg_dataset_options *options,
                                    dg_error *err) {
  uint64_t size;
  dg_npy_samples *f = calloc(1, sizeof *f);
  if (!f) return dg_fail_memory(err, sizeof *f), NULL;
  f->descriptor = -1;
  f->options = options;
  f->path = strdup(path);
  f->all = (dg_numbers){.path = f->path, .name = ""};
  if (!f->path)
    dg_fail_memory(err, strlen(path));
  else if ((f->descriptor = dg_file_open(path, &size, err)) >= 0 && read_head(f, size, err))
    return f;
  dg_npy_samples_close(f);
  return NULL;
}

void dg_npy_samples_close(dg_npy_samples *f) {
  if (!f) return;
  if (f->descriptor >= 0) close(f->descriptor);
  dg_numbers_free(&f->all);
  free(f->path);
  free(f);
}

/* ---- reading -------------------------------------------------------------- */

uint32_t dg_npy_samples_count(const dg_npy_samples *f) {
  return (uint32_t)f->all.dim[0];
}

dg_shape dg_npy_samples_shape(const dg_npy_samples *f) {
  return f->shape;
}

/** Reads `count` samples as they are stored. */
static bool read_piece(const dg_npy_samples *f, uint64_t first, uint64_t count, dg_numbers *piece,
                       dg_error *err) {
  const uint64_t each = f->all.count / f->all.dim[0], unit = dg_element_size(f->all.element);
  *piece = f->all;
  piece->dim[0] = count;
  piece->count = count * each;
  piece->first = first * each;
  piece->bytes = dg_numbers_room(piece, piece->count * unit, &piece->mapping, err);
  if (!piece->bytes) return false;
  if (!f->all.bytes)
    return read_at(f, f->begin + piece->first * unit, piece->bytes, (size_t)(piece->count * unit),
                   err);
  memcpy(piece->bytes, f->all.bytes + piece->first * unit, (size_t)(piece->count * unit));
  return true;
}

bool dg_npy_samples_read(const dg_npy_samples *f, uint32_t first, uint32_t count,
                         dg_samples *samples, dg_error *err) {
  dg_numbers piece;
  const bool ok = read_piece(f, first, count, &piece, err) &&
                  dg_numbers_to_inputs(&piece, samples, f->options, err);
  dg_numbers_free(&piece);
  return ok;
}
