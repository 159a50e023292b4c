/**
 * A disk cache for results that take long to make (compiled kernels, tuning choices). The key of a
 * result is a text with everything that it depends on. The cache never makes a run fail: a result
 * that can't be saved is made again, and a file that is damaged, truncated or of another owner is
 * ignored. Several processes may use one folder.
 *
 * The folder is $DIGITS_CACHE ("off": nothing is kept), else `digits` in $XDG_CACHE_HOME, else
 * ~/.cache/digits. It is created with the first result, accessible to its owner alone. A folder
 * that others own or may write to is not used, since its content is run as code. If all results
 * would take more than DG_CACHE_BYTES, the least recently used ones are removed.
 */
#ifndef DG_CACHE_H
#define DG_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

enum { DG_CACHE_BYTES = 256 << 20 }; /**< limit for all results */

/**
 * Gets the result of `key`: `size` bytes in new memory, which the caller frees. NULL: there is
 * none, or the cache is off.
 */
void *dg_cache_get(const char *key, size_t *size);

/** Saves `size` bytes under `key` and replaces an earlier result. false: they could not be
    saved. */
bool dg_cache_put(const char *key, const void *bytes, size_t size);

/** Can results be saved, or is that not wanted (DIGITS_CACHE=off)? Else the error says why not. */
bool dg_cache_check(dg_error *err);

/**
 * Makes a file without a name for `bytes` bytes, which the disk has kept free, in the cache's
 * folder; where that can't be used, in /var/tmp. It is gone when it is closed and no longer mapped,
 * and doesn't count as a result. Returns its descriptor, or -1 with an error, which says that
 * `path` needs it.
 */
int dg_cache_scratch(uint64_t bytes, const char *path, dg_error *err);

/** Is the cache on? Writes its folder, which need not exist yet, to `folder`. */
bool dg_cache_folder(char *folder, size_t capacity);

#endif
