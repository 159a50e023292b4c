#include <string.h>
#include <zlib.h>

#include "core/base/file/file.h"
#include "core/data/idx/idx.h"

enum { TYPE_UNSIGNED_BYTE = 0x08, PIECE = 1 << 16, GZIP = 16, BEST = 9, MEMORY = 8 };

/** A file that is being written, packed by zlib or not. */
typedef struct {
  dg_new_file file;
  bool packed, failed; /**< failed: zlib ran out of memory */
  z_stream zlib;
  uint8_t bytes[PIECE];
} output;

static bool output_open(output *out, const char *path, bool gzip, dg_error *err) {
  *out = (output){.packed = gzip};
  if (gzip && deflateInit2(&out->zlib, BEST, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY,
                           Z_DEFAULT_STRATEGY) != Z_OK)
    return dg_fail_memory(err, sizeof out->zlib);
  if (dg_file_begin(&out->file, path, err)) return true;
  if (gzip) deflateEnd(&out->zlib);
  return false;
}

/** Packs zlib's input; at the end, also flushes what zlib has buffered. */
static void pack(output *out, int mode) {
  int state = Z_OK;
  do {
    out->zlib.next_out = out->bytes;
    out->zlib.avail_out = PIECE;
    state = deflate(&out->zlib, mode);
    dg_file_write(&out->file, out->bytes, PIECE - out->zlib.avail_out);
  } while (state == Z_OK && out->zlib.avail_out == 0);
  out->failed |= mode == Z_FINISH ? state != Z_STREAM_END : state != Z_OK && state != Z_BUF_ERROR;
}

static void put(output *out, const uint8_t *bytes, size_t count) {
  const size_t most = (size_t)1 << 30; /* zlib counts in unsigned int */
  if (!out->packed) dg_file_write(&out->file, bytes, count);
  for (size_t done = 0; out->packed && !out->failed && done < count;) {
    size_t next = count - done < most ? count - done : most;
    out->zlib.next_in = (uint8_t *)bytes + done;
    out->zlib.avail_in = (unsigned)next;
    pack(out, Z_NO_FLUSH);
    done += next;
  }
}

static void put_word(output *out, uint32_t word) {
  uint8_t bytes[4] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
                      (uint8_t)word};
  put(out, bytes, sizeof bytes);
}

/** Writes floats with their high bytes first. */
static void put_floats(output *out, const uint8_t *bytes, size_t count) {
  enum { AT_ONCE = 4096 };
  uint8_t turned[AT_ONCE * sizeof(float)];
  for (size_t done = 0; done < count;) {
    const size_t next = count - done < AT_ONCE ? count - done : AT_ONCE;
    for (size_t i = 0; i < next; i++) {
      uint32_t bits;
      memcpy(&bits, bytes + (done + i) * sizeof bits, sizeof bits);
      for (unsigned b = 0; b < sizeof bits; b++)
        turned[i * sizeof bits + b] = (uint8_t)(bits >> (24 - 8 * b));
    }
    put(out, turned, next * sizeof(float));
    done += next;
  }
}

static void put_array(output *out, const dg_idx *array) {
  size_t count = 1;
  put_word(out, (array->type ? array->type : TYPE_UNSIGNED_BYTE) << 8 | array->rank);
  for (unsigned i = 0; i < array->rank; i++) {
    put_word(out, array->dims[i]);
    count *= array->dims[i];
  }
  if (array->type == DG_IDX_FLOAT)
    put_floats(out, array->bytes, count);
  else
    put(out, array->bytes, count);
}

bool dg_idx_write(const dg_idx *array, const char *path, bool gzip, dg_error *err) {
  output out;
  if (!output_open(&out, path, gzip, err)) return false;
  put_array(&out, array);
  if (gzip && !out.failed) pack(&out, Z_FINISH);
  if (gzip) deflateEnd(&out.zlib);
  if (!out.failed) return dg_file_commit(&out.file, err);
  dg_file_abandon(&out.file);
  return dg_fail(err, DG_ERR_MEMORY, "%s could not be written: out of memory while it was packed",
                 path);
}
