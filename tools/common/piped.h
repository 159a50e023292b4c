/** Models and weights that come through a pipe: `/dev/stdin`, `<(command)`, a FIFO. */
#ifndef DG_PIPED_H
#define DG_PIPED_H

#include "digits/error.h"

enum { PIPED_PATH = 32 };

/**
 * If `*path` (NULL is allowed) leads to a pipe or socket, reads all of it into a temporary file
 * without a name, as a model or weights are read more than once. What leads to a descriptor then
 * leads to that file; the path of a FIFO is replaced by one in `own` [PIPED_PATH]. More than 4 GB,
 * or a FIFO that nobody writes to, is an error.
 */
bool piped(const char **path, char *own, dg_error *err);

#endif
