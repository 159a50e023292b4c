#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/data/idx.h"
#include "core/support/file.h"

enum { TYPE_UNSIGNED_BYTE = 0x08 };

static bool put(gzFile stream, const uint8_t *bytes, size_t count) {
  const size_t piece = (size_t)1 << 30; // gzwrite counts in int
  for (size_t done = 0; done < count;) {
    size_t next = count - done < piece ? count - done : piece;
    if (gzwrite(stream, bytes + done, (unsigned)next) != (int)next) return false;
    done += next;
  }
  return true;
}

static bool put_word(gzFile stream, uint32_t word) {
  uint8_t bytes[4] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
                      (uint8_t)word};
  return put(stream, bytes, sizeof bytes);
}

static bool put_array(gzFile stream, const dg_idx *array) {
  size_t count = 1;
  bool right = put_word(stream, TYPE_UNSIGNED_BYTE << 8 | array->rank);
  for (unsigned i = 0; right && i < array->rank; i++) {
    right = put_word(stream, array->dims[i]);
    count *= array->dims[i];
  }
  return right && put(stream, array->bytes, count);
}

/** Writes the array through zlib, which packs it or not, to an open file. */
static bool put_file(const dg_new_file *file, const dg_idx *array, bool gzip) {
  int descriptor = dup(fileno(file->stream));
  if (descriptor < 0) return false;
  gzFile stream = gzdopen(descriptor, gzip ? "wb9" : "wbT");
  if (!stream) {
    close(descriptor);
    return false;
  }
  bool right = put_array(stream, array);
  return gzclose_w(stream) == Z_OK && right;
}

bool dg_idx_write(const dg_idx *array, const char *path, bool gzip, dg_error *err) {
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  errno = 0;
  if (put_file(&file, array, gzip)) return dg_file_commit(&file, err);
  dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: %s", path,
          errno ? strerror(errno) : "zlib failed");
  dg_file_abandon(&file);
  return false;
}
