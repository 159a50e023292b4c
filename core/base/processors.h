/** How many processors a process may use. */
#ifndef DG_PROCESSORS_H
#define DG_PROCESSORS_H

#include <stddef.h>

/**
 * As many as the system lets this thread run on (sched_setaffinity), but no more than its control
 * groups pay for; at least 1.
 */
size_t dg_processors(void);

/**
 * The processors whose time the control groups of this process may use, rounded up; SIZE_MAX where
 * they set no limit. That is the smallest quota on the way from the process's group to the root, of
 * either version (cpu.max, cpu.cfs_quota_us), as the files below `root`/proc and `root`/sys say;
 * `root` is "" but for tests.
 */
size_t dg_processor_quota(const char *root);

#endif
