#include "core/base/limits/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/limits/cgroup.h"
#include "core/base/size.h"

static uint64_t minus(uint64_t a, uint64_t b) {
  return a > b ? a - b : 0;
}

/** The sum of two lines "KEY BYTES" of a group's memory.stat. */
static uint64_t sum_stat(const char *folder, const char *one, const char *other) {
  char key[64];
  uint64_t bytes, sum = 0;
  FILE *file = dg_cgroup_open(folder, "memory.stat");
  if (!file) return 0;
  while (fscanf(file, "%63s %" SCNu64, key, &bytes) == 2)
    if (strcmp(key, one) == 0 || strcmp(key, other) == 0) sum += bytes;
  fclose(file);
  return sum;
}

static uint64_t left_2(const char *folder) {
  uint64_t most = UINT64_MAX, high, used = 0;
  if (!dg_cgroup_number(folder, "memory.max", &most)) most = UINT64_MAX;
  if (dg_cgroup_number(folder, "memory.high", &high) && high < most) most = high;
  if (most == UINT64_MAX) return UINT64_MAX;
  dg_cgroup_number(folder, "memory.current", &used);
  return minus(most, minus(used, sum_stat(folder, "inactive_file", "active_file")));
}

static uint64_t left_1(const char *folder) {
  const uint64_t unlimited = (uint64_t)1 << 60; /* the kernel rounds "none" down to pages */
  uint64_t most, used = 0;
  if (!dg_cgroup_number(folder, "memory.limit_in_bytes", &most) || most > unlimited)
    return UINT64_MAX;
  dg_cgroup_number(folder, "memory.usage_in_bytes", &used);
  return minus(most, minus(used, sum_stat(folder, "total_inactive_file", "total_active_file")));
}

/** What is left of the address space. */
static uint64_t left_of_addresses(void) {
  struct rlimit limit;
  uint64_t pages = 0;
  const long page = sysconf(_SC_PAGESIZE);
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  dg_cgroup_number("/proc/self", "statm", &pages);
  return minus(limit.rlim_cur, page > 0 ? pages * (uint64_t)page : 0);
}

uint64_t dg_memory_of_group(const char *root) {
  static const dg_cgroup_controller memory = {"memory", left_1, left_2};
  return dg_cgroup_least(root, &memory);
}

dg_memory_left dg_memory_find_left(const char *root) {
  const uint64_t group = dg_memory_of_group(root), addresses = left_of_addresses();
  if (group == UINT64_MAX && addresses == UINT64_MAX) return (dg_memory_left){UINT64_MAX, NULL};
  return group < addresses ? (dg_memory_left){group, "the control group"}
                           : (dg_memory_left){addresses, "RLIMIT_AS (ulimit -v)"};
}

bool dg_memory_check(uint64_t bytes, const char *what, dg_error *err) {
  const dg_memory_left left = dg_memory_find_left("");
  return bytes <= left.bytes ||
         dg_fail(err, DG_ERR_MEMORY,
                 "%s needs %" PRIu64 " MB; the memory limit of %s leaves %" PRIu64 " MB", what,
                 dg_size_megabytes(bytes), left.limit, left.bytes >> 20);
}
