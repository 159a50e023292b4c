/** Limits of a process's control groups (cgroups). */
#ifndef DG_CGROUP_H
#define DG_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { DG_CGROUP_PATH = 2 * 4096 }; /**< size of a path below a root, including a file's name */

/** The limit of a group, from the files in its folder; UINT64_MAX: none. */
typedef uint64_t dg_cgroup_limit(const char *folder);

/** A controller, and how to read its limit in version 1 and in version 2. */
typedef struct {
  const char *name; /**< "cpu", "memory" */
  dg_cgroup_limit *first, *second;
} dg_cgroup_controller;

/**
 * The smallest limit of the process's group and its parents, in version 1 or 2, read from the files
 * below `root`/proc and `root`/sys; `root` is "" except in tests. UINT64_MAX: there is none.
 */
uint64_t dg_cgroup_least(const char *root, const dg_cgroup_controller *controller);

/** Opens a file of a folder for reading; NULL if there is none. */
FILE *dg_cgroup_open(const char *folder, const char *name);

/** Reads the number in a file; false: there is none, or it is negative, which means no limit. */
bool dg_cgroup_number(const char *folder, const char *name, uint64_t *number);

#endif
