/** Writes a file in place that can't be replaced by renaming. */
#ifndef DG_OVERWRITE_H
#define DG_OVERWRITE_H

#include <stdint.h>

/**
 * Writes the `size` bytes of an open file over the file at `path`. Until that is done, a copy of
 * the old file is kept beside `stem`. Returns 0 or an errno. On failure the old bytes are restored;
 * if that fails too, `copy` gets the name of the copy in new memory, else NULL.
 */
int dg_overwrite(int from, uint64_t size, const char *path, const char *stem, char **copy);

#endif
