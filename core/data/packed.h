/** Reads files in pieces, gzipped or not. */
#ifndef DG_PACKED_H
#define DG_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "core/base/error.h"

/** Deflate packs at most 1032 bytes into one (zlib's technical notes). */
enum { DG_MAX_INFLATION = 1032 };

/** A file that is being read. */
typedef struct {
  const char *path;
  gzFile stream;
  uint64_t size; /**< of the file on the disk */
  uint64_t read; /**< unpacked bytes read so far */
  uint64_t most; /**< limit on them; set by the reader if the format itself has no end */
  dg_error *err; /**< for all failures */
} dg_packed;

/** Opens a file, without a limit on the bytes to read; close it with dg_packed_close. `path` must
    outlive it. */
bool dg_packed_open(dg_packed *file, const char *path, dg_error *err);

/** The same for what a person names: it may be a pipe of at most 4 GB. */
bool dg_packed_open_input(dg_packed *file, const char *path, dg_error *err);

/**
 * Reads up to `count` bytes; `*got` is less only at the end of the file, where a gzipped file's
 * checksum is verified. More than `most` in all is an error.
 */
bool dg_packed_read(dg_packed *file, uint8_t *bytes, size_t count, size_t *got);

void dg_packed_close(dg_packed *file);

#endif
