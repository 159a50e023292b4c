/** Models and weights that come through a pipe: `/dev/stdin`, `<(command)`, a FIFO. */
#ifndef DG_PIPED_H
#define DG_PIPED_H

#include "digits/error.h"

enum { PIPED_PATH = 32 };

/**
 * If `*path` (NULL is allowed) leads to a pipe, keeps what comes through it (dg_pipe_keep, at most
 * 4 GB), as a model or weights are read more than once. A path that names a descriptor then leads
 * to what is kept; that of a FIFO is replaced by one in `own` [PIPED_PATH].
 */
bool piped(const char **path, char *own, dg_error *err);

#endif
