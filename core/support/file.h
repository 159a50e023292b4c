/** Files: read whole, and written so that they are the old one or the new one, never half of it. */
#ifndef DG_FILE_H
#define DG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/support/error.h"

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
  FILE *stream;
  int reason; /**< errno of the first write that failed */
  char *path, *temporary;
  bool named; /**< `temporary` exists */
} dg_new_file;

/** Opens a temporary file beside `path`, nameless where the system can. On failure nothing is left
    behind. */
bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err);

/** Writes `size` bytes; what fails is told by dg_file_commit. */
void dg_file_write(dg_new_file *file, const void *bytes, size_t size);

/** Flushes it to the disk and renames it to `path`; on failure removes it and keeps the old one. */
bool dg_file_commit(dg_new_file *file, dg_error *err);

/** Removes it and keeps the old one. */
void dg_file_abandon(dg_new_file *file);

/** Can a file be written there? For a look before hours of work; leaves what is there alone. */
bool dg_file_check(const char *path, dg_error *err);

#endif
