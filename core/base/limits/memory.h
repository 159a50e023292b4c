/** How much memory a process may use before the system ends it. */
#ifndef DG_MEMORY_H
#define DG_MEMORY_H

#include <stdint.h>

#include "core/base/error.h"

/** What is left of a limit. */
typedef struct {
  uint64_t bytes;    /**< UINT64_MAX: there is no limit */
  const char *limit; /**< its name: "RLIMIT_AS"; NULL: there is none */
} dg_memory_left;

/**
 * What is left of the limits of the process's control groups (memory.max and memory.high, or
 * memory.limit_in_bytes; pages of files don't count, since the kernel takes them back) and of
 * RLIMIT_AS, whichever is least. `root` is "" except in tests, see dg_cgroup_least.
 */
dg_memory_left dg_memory_find_left(const char *root);

/** What is left of the limits of the control groups alone; the largest number: there is none. */
uint64_t dg_memory_of_group(const char *root);

/** Fails with DG_ERR_MEMORY if `bytes` that `what` needs are more than is left. */
bool dg_memory_check(uint64_t bytes, const char *what, dg_error *err);

#endif
