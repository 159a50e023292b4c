#define _GNU_SOURCE /* sched_getaffinity */
#include "core/base/limits/processors.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/limits/cgroup.h"

/** Converts processor time per period, both in microseconds, to a number of processors. */
static uint64_t processors_of(uint64_t quota, uint64_t period) {
  if (period == 0) return UINT64_MAX;
  const uint64_t whole = quota / period + (quota % period != 0);
  return whole ? whole : 1;
}

/** Reads "QUOTA PERIOD" or "max PERIOD". */
static uint64_t quota_2(const char *folder) {
  unsigned long long quota, period;
  FILE *file = dg_cgroup_open(folder, "cpu.max");
  if (!file) return UINT64_MAX;
  bool limited = fscanf(file, "%llu %llu", &quota, &period) == 2;
  fclose(file);
  return limited ? processors_of(quota, period) : UINT64_MAX;
}

static uint64_t quota_1(const char *folder) {
  uint64_t quota, period;
  bool limited = dg_cgroup_number(folder, "cpu.cfs_quota_us", &quota) &&
                 dg_cgroup_number(folder, "cpu.cfs_period_us", &period);
  return limited ? processors_of(quota, period) : UINT64_MAX;
}

size_t dg_processor_quota(const char *root) {
  static const dg_cgroup_controller cpu = {"cpu", quota_1, quota_2};
  const uint64_t least = dg_cgroup_least(root, &cpu);
  return least < SIZE_MAX ? (size_t)least : SIZE_MAX;
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
