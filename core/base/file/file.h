/** Files: read whole, and written so that they are the old one or the new one, never half of it. */
#ifndef DG_FILE_H
#define DG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/error.h"

/* ---- reading ------------------------------------------------------------ */

/**
 * Opens a file for reading; `size` is its length in bytes. Returns its descriptor, which the
 * caller closes, or -1. What is no regular file is an error: a pipe would wait, a folder or device
 * has no size.
 */
int dg_file_open(const char *path, uint64_t *size, dg_error *err);

enum { DG_FILE_SPARE = 8 }; /**< zero bytes behind what dg_file_read read */

/**
 * Reads a whole file of at most `most` bytes into new memory, which the caller frees; `size` bytes,
 * then DG_FILE_SPARE zeros. NULL on failure.
 */
char *dg_file_read(const char *path, uint64_t most, size_t *size, dg_error *err);

/* ---- writing ------------------------------------------------------------ */

/** A file on its way to `path`. */
typedef struct {
  int descriptor;  /**< of what is written to */
  int reason;      /**< errno of the first write that failed */
  bool in_place;   /**< `path` can't be renamed over: it is written over in the end */
  uint64_t size;   /**< bytes that were written */
  uint32_t sum;    /**< CRC-32 of them */
  char *path;      /**< links followed */
  char *stem;      /**< beside which it stands until then; NULL: a device or pipe is written to */
  char *temporary; /**< its own name; NULL: it has none yet */
  unsigned char *buffer;
  size_t used;
} dg_new_file;

/**
 * Opens a temporary file beside `path`, nameless where the system can, which gets the mode (and,
 * for root, the owner) of the one that is there. A file that can't be renamed over, as one that is
 * mounted, one of another user in a sticky folder, or one in a folder that can't be written to, is
 * written in place once the new one is whole. On failure nothing is left behind.
 */
bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err);

/** Writes `size` bytes; what fails is told by dg_file_commit. */
void dg_file_write(dg_new_file *file, const void *bytes, size_t size);

/**
 * Flushes it to the disk, reads it back and renames it to `path`; on failure removes it and keeps
 * the old one. Where `path` is written in place, a copy of the old one stands beside it
 * (FILE.….old) until the new one is whole.
 */
bool dg_file_commit(dg_new_file *file, dg_error *err);

/** Looks at what was written, `size` bytes; returns NULL, or what is wrong with it. */
typedef const char *dg_file_look(int descriptor, uint64_t size, const void *expected);

/** dg_file_commit for a file that is looked at, too, before it takes the place of the old one. */
bool dg_file_commit_seen(dg_new_file *file, dg_file_look *look, const void *expected,
                         dg_error *err);

/** Removes it and keeps the old one. */
void dg_file_abandon(dg_new_file *file);

/** Can a file be written there? For a look before hours of work; leaves what is there alone. */
bool dg_file_check(const char *path, dg_error *err);

#endif
