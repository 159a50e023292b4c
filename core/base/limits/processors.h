/** How many processors a process may use. */
#ifndef DG_PROCESSORS_H
#define DG_PROCESSORS_H

#include <stddef.h>

/**
 * The number of processors that this thread may run on (sched_setaffinity), limited by the quota of
 * its control groups; at least 1.
 */
size_t dg_processors(void);

/**
 * The quota of this process's control groups in processors, rounded up; SIZE_MAX: no limit. It is
 * the smallest quota of the process's group and its parents, in version 1 or 2 (cpu.cfs_quota_us,
 * cpu.max), read from the files below `root`/proc and `root`/sys; `root` is "" except in tests.
 */
size_t dg_processor_quota(const char *root);

#endif
