/** What a person names to be read: a file, or a pipe, which is waited for. */
#ifndef DG_INPUT_H
#define DG_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/**
 * dg_file_open that also opens pipes, of at most `most` bytes (dg_pipe_keep). Don't use it for what
 * was found in a folder: a pipe may have no writer.
 */
int dg_input_open(const char *path, uint64_t most, uint64_t *size, dg_error *err);

/** dg_file_read that also reads pipes. */
char *dg_input_read(const char *path, uint64_t most, size_t *size, dg_error *err);

/** Reads the first bytes of a regular file, at most `size`; returns how many. Pipes are not looked
    into. */
size_t dg_input_head(const char *path, void *bytes, size_t size);

/** Does a regular file begin with these bytes, at most 16? Pipes are not looked into. */
bool dg_input_begins(const char *path, const void *bytes, size_t size);

#endif
