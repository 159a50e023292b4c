/** A file that is written in place, where it can't be renamed over. */
#ifndef DG_OVERWRITE_H
#define DG_OVERWRITE_H

#include <stdint.h>

/**
 * Writes the `size` bytes of an open file over the file at `path`, of which a copy is kept beside
 * `stem` until they are all there. Returns 0 or an errno. On failure the old bytes are put back;
 * where that fails too the name of the copy goes to `copy`, in new memory, else NULL does.
 */
int dg_overwrite(int from, uint64_t size, const char *path, const char *stem, char **copy);

#endif
