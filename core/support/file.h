/** Files that are either the old one or the new one, never half of it. */
#ifndef DG_FILE_H
#define DG_FILE_H

#include <stdio.h>

#include "core/support/error.h"

/** A file on its way to `path`. */
typedef struct {
  FILE *stream; /**< write here */
  char *path, *temporary;
  bool named; /**< `temporary` exists */
} dg_new_file;

/** Opens a temporary file beside `path`, without a name where the system can. On failure nothing is
 * left behind. */
bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err);

/** Flushes it to the disk and renames it to `path`; on failure removes it and keeps the old one. */
bool dg_file_commit(dg_new_file *file, dg_error *err);

/** Removes it and keeps the old one. */
void dg_file_abandon(dg_new_file *file);

#endif
