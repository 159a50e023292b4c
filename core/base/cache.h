/**
 * Results that took long to make (compiled kernels, measured choices), kept on disk from run to
 * run. A result is found by its key: a text that says all it depends on. Nothing here can fail a
 * run: what can't be kept is made again, and a file that is damaged, cut or another's is as good as
 * none. Several processes may use one folder.
 *
 * The folder is $DIGITS_CACHE ("off": nothing is kept), else `digits` in $XDG_CACHE_HOME, else
 * ~/.cache/digits. It is made with the first result, for its owner alone; one that others own or
 * may write to is left alone, since what lies there is run as code. Only results that were not used
 * for longest are removed, where all would take more than DG_CACHE_BYTES.
 */
#ifndef DG_CACHE_H
#define DG_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DG_CACHE_BYTES = 256 << 20 }; /**< that all results may take */

/**
 * What was kept under `key`: `size` bytes in new memory, which the caller frees. NULL: nothing
 * was, or the cache is off.
 */
void *dg_cache_get(const char *key, size_t *size);

/** Keeps `size` bytes under `key`, in place of what was kept there. false: they were not kept. */
bool dg_cache_put(const char *key, const void *bytes, size_t size);

/** Is there a cache at all? Its folder, which need not exist yet, goes to `folder`. */
bool dg_cache_folder(char *folder, size_t capacity);

#endif
