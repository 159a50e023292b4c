#define _GNU_SOURCE /* sched_getaffinity */
#include "core/base/processors.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Size of a path below a root folder, including a file's name. */
enum { PATH_SIZE = 2 * PATH_MAX };

/** Where a version of control groups has its files, and how to read them. */
typedef struct {
  const char *folder;
  size_t (*quota)(const char *folder);
} version;

static FILE *open_in(const char *folder, const char *name) {
  char path[PATH_SIZE + 64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return fopen(path, "re");
}

/** Converts processor time per period, both in microseconds, to a number of processors. */
static size_t processors_of(unsigned long long quota, unsigned long long period) {
  if (period == 0) return SIZE_MAX;
  unsigned long long whole = quota / period + (quota % period != 0);
  return whole > SIZE_MAX ? SIZE_MAX : whole ? (size_t)whole : 1;
}

/** Reads "QUOTA PERIOD" or "max PERIOD". */
static size_t quota_2(const char *folder) {
  unsigned long long quota, period;
  FILE *file = open_in(folder, "cpu.max");
  if (!file) return SIZE_MAX;
  bool limited = fscanf(file, "%llu %llu", &quota, &period) == 2;
  fclose(file);
  return limited ? processors_of(quota, period) : SIZE_MAX;
}

/** Reads a number; false: there is none, or it is negative, which means no limit. */
static bool read_number(const char *folder, const char *name, unsigned long long *number) {
  long long read = -1;
  FILE *file = open_in(folder, name);
  if (!file) return false;
  bool found = fscanf(file, "%lld", &read) == 1 && read >= 0;
  fclose(file);
  *number = found ? (unsigned long long)read : 0;
  return found;
}

static size_t quota_1(const char *folder) {
  unsigned long long quota, period;
  bool limited = read_number(folder, "cpu.cfs_quota_us", &quota) &&
                 read_number(folder, "cpu.cfs_period_us", &period);
  return limited ? processors_of(quota, period) : SIZE_MAX;
}

/** Is `controller` in a comma-separated list? */
static bool lists(const char *list, const char *controller) {
  for (size_t length; *list; list += length + (list[length] == ',')) {
    length = strcspn(list, ",");
    if (length == strlen(controller) && strncmp(list, controller, length) == 0) return true;
  }
  return false;
}

/** The smallest quota of a group and its parents. In a container, the path may be the one outside,
    while the group is mounted as the root. */
static size_t quota_on_way(const char *root, const version *v, const char *group) {
  char path[PATH_SIZE];
  size_t least = SIZE_MAX, top = strlen(root) + strlen(v->folder);
  int length = snprintf(path, sizeof path, "%s%s%s", root, v->folder, group);
  if (length < 0 || (size_t)length >= sizeof path) return SIZE_MAX;
  while (true) {
    size_t quota = v->quota(path);
    if (quota < least) least = quota;
    if (strlen(path) <= top) return least;
    *strrchr(path, '/') = '\0';
  }
}

/** The quota of a line of /proc/self/cgroup, "ID:CONTROLLERS:PATH"; version 2 names no
    controllers. */
static size_t quota_of_line(const char *root, char *line) {
  static const version first = {"/sys/fs/cgroup/cpu", quota_1},
                       second = {"/sys/fs/cgroup", quota_2};
  char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!path || path[1] != '/') return SIZE_MAX;
  *controllers++ = *path++ = '\0';
  path[strcspn(path, "\n")] = '\0';
  if (!*controllers) return quota_on_way(root, &second, path);
  return lists(controllers, "cpu") ? quota_on_way(root, &first, path) : SIZE_MAX;
}

size_t dg_processor_quota(const char *root) {
  char line[PATH_MAX + 256];
  size_t least = SIZE_MAX;
  FILE *file = open_in(root, "proc/self/cgroup");
  if (!file) return SIZE_MAX;
  while (fgets(line, sizeof line, file)) {
    size_t quota = quota_of_line(root, line);
    if (quota < least) least = quota;
  }
  fclose(file);
  return least;
}

/** The processors that this thread may run on. */
static size_t allowed(void) {
  enum { SETS = 16 }; /* of 1024 processors each: more than Linux knows */
  cpu_set_t sets[SETS];
  if (sched_getaffinity(0, sizeof sets, sets) == 0) return (size_t)CPU_COUNT_S(sizeof sets, sets);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (size_t)online : 1;
}

size_t dg_processors(void) {
  size_t most = allowed(), quota = dg_processor_quota("");
  return quota < most ? quota : most;
}
