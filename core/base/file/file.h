/** Files are read whole, and written atomically: either the old or the new file is there. */
#ifndef DG_FILE_H
#define DG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/error.h"

/* ---- reading ------------------------------------------------------------ */

/**
 * Opens a file for reading; `size` is its length in bytes. Returns its descriptor, which the caller
 * closes, or -1. Anything but a regular file is an error: a pipe would block, a folder or device
 * has no size.
 */
int dg_file_open(const char *path, uint64_t *size, dg_error *err);

enum { DG_FILE_SPARE = 8 }; /**< zero bytes after the content that dg_file_read returns */

/**
 * Reads a whole file of at most `most` bytes into new memory, which the caller frees: `size` bytes
 * and then DG_FILE_SPARE zeros. NULL on failure.
 */
char *dg_file_read(const char *path, uint64_t most, size_t *size, dg_error *err);

/* ---- writing ------------------------------------------------------------ */

/** A file that is being written to `path`. */
typedef struct {
  int descriptor; /**< of the file that is written to */
  int reason;     /**< errno of the first write that failed */
  bool in_place;  /**< `path` can't be replaced by renaming: it is overwritten at the end */
  uint64_t size;  /**< bytes written so far */
  uint32_t sum;   /**< CRC-32 of them */
  char *path;     /**< after following links */
  char *stem; /**< the temporary file is beside this path; NULL: a device or pipe is written to */
  char *temporary; /**< name of the temporary file; NULL: it has none yet */
  unsigned char *buffer;
  size_t used;
} dg_new_file;

/**
 * Opens a temporary file beside `path`, without a name if the system supports that. It gets the
 * mode (and, for root, the owner) of the existing file. A file that can't be replaced by renaming
 * (it is a mount point, belongs to another user in a sticky folder, or its folder is not writable)
 * is written in place once the new one is complete. On failure nothing is left behind.
 */
bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err);

/** Writes `size` bytes; dg_file_commit reports failures. */
void dg_file_write(dg_new_file *file, const void *bytes, size_t size);

/**
 * Flushes the new file to the disk, reads it back and renames it to `path`; on failure removes it
 * and keeps the old one. If `path` is written in place, a copy of the old file is beside it
 * (FILE.….old) until the new one is complete.
 */
bool dg_file_commit(dg_new_file *file, dg_error *err);

/** Checks what was written, `size` bytes; returns NULL, or what is wrong with it. */
typedef const char *dg_file_look(int descriptor, uint64_t size, const void *expected);

/** dg_file_commit that also checks the new file before it replaces the old one. */
bool dg_file_commit_seen(dg_new_file *file, dg_file_look *look, const void *expected,
                         dg_error *err);

/** Removes the new file and keeps the old one. */
void dg_file_abandon(dg_new_file *file);

/** Can a file be written there? To find an error before hours of work; an existing file is not
    changed. */
bool dg_file_check(const char *path, dg_error *err);

#endif
