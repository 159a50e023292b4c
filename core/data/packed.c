#include "core/data/packed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/file/input.h"

/** Takes an open file. */
static bool begin(dg_packed *file, int descriptor, dg_error *err) {
  if (descriptor < 0) return false;
  file->stream = gzdopen(descriptor, "rb");
  if (file->stream) return true;
  close(descriptor);
  return dg_fail_memory(err, sizeof *file);
}

bool dg_packed_open(dg_packed *file, const char *path, dg_error *err) {
  *file = (dg_packed){.path = path, .most = UINT64_MAX, .err = err};
  return begin(file, dg_file_open(path, &file->size, err), err);
}

bool dg_packed_open_input(dg_packed *file, const char *path, dg_error *err) {
  const uint64_t most = (uint64_t)4 << 30;
  *file = (dg_packed){.path = path, .most = UINT64_MAX, .err = err};
  return begin(file, dg_input_open(path, most, &file->size, err), err);
}

/** zlib's message on the last read. */
static bool fail_reading(dg_packed *file) {
  int code;
  const char *reason = gzerror(file->stream, &code);
  if (code == Z_ERRNO)
    return dg_fail(file->err, DG_ERR_INPUT, "%s: cannot be read (%s); check the file and its disk",
                   file->path, strerror(errno));
  return dg_fail(file->err, DG_ERR_INPUT, "%s: its gzip stream is damaged (%s); download it again",
                 file->path, reason);
}

static bool fail_inflated(dg_packed *file) {
  return dg_fail(file->err, DG_ERR_INPUT,
                 "%s: its %llu gzipped bytes are more than %llu when they are unpacked, as nothing "
                 "in use is; unpack it by gunzip if it is right",
                 file->path, (unsigned long long)file->size, (unsigned long long)file->most);
}

static bool ends_well(dg_packed *file) {
  int code;
  gzerror(file->stream, &code);
  return code == Z_OK || code == Z_STREAM_END;
}

bool dg_packed_read(dg_packed *file, uint8_t *bytes, size_t count, size_t *got) {
  const size_t piece = (size_t)1 << 30; // gzread counts in int
  *got = 0;
  while (*got < count) {
    size_t wanted = count - *got < piece ? count - *got : piece;
    int n = gzread(file->stream, bytes + *got, (unsigned)wanted);
    if (n < 0 || (n == 0 && !ends_well(file))) return fail_reading(file);
    if (n == 0) break;
    *got += (size_t)n;
    file->read += (uint64_t)n;
    if (file->read > file->most) return fail_inflated(file);
  }
  return true;
}

void dg_packed_close(dg_packed *file) {
  gzclose_r(file->stream);
}
