/** Pipes, of which what comes is kept in a file without a name, or in memory. */
#ifndef DG_PIPE_H
#define DG_PIPE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** Does a path lead to a pipe or socket: a FIFO, /dev/stdin, <(...)? */
bool dg_pipe_is(const char *path);

/** The open descriptor that a path names, such as /dev/stdin or /dev/fd/63; -1: none. */
int dg_pipe_descriptor(const char *path);

/**
 * Copies all that comes through a pipe, at most `most` bytes, into a file without a name. Returns
 * its descriptor, which the caller closes, at its begin, or -1. A FIFO that nobody opens to write
 * within five seconds is an error; a writer may take any time.
 */
int dg_pipe_keep(const char *path, uint64_t most, uint64_t *size, dg_error *err);

/** Reads all that comes to new memory, like dg_file_read. Of a path that names a descriptor, such
   as /dev/stdin, reads what comes from there on, whatever it leads to. */
char *dg_pipe_read(const char *path, uint64_t most, size_t *size, dg_error *err);

#endif
