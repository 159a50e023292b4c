/* How many processors and how much memory a process may use, by files of /proc and /sys as they may
 * be. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits/memory.h"
#include "core/base/limits/processors.h"
#include "tests/common/suite.h"

enum { MAX_FILES = 6 };

/** A file below the root. */
typedef struct {
  const char *path, *text;
} made_file;

/** What is there, and what follows from it. */
typedef struct {
  const char *what;
  size_t quota;
  made_file files[MAX_FILES];
} tree;

#define GROUP "proc/self/cgroup"
#define V1 "sys/fs/cgroup/cpu/"
#define V2 "sys/fs/cgroup/"

static const tree trees[] = {
    {"nothing", SIZE_MAX, {{0}}},
    {"no group's folder", SIZE_MAX, {{GROUP, "0::/a\n"}}},
    {"no limit", SIZE_MAX, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "max 100000\n"}}},
    {"whole", 2, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "200000 100000\n"}}},
    {"rounded up", 3, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "200001 100000\n"}}},
    {"at least one", 1, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "1000 100000\n"}}},
    {"of a group above",
     4,
     {{GROUP, "0::/a/b/c\n"},
      {V2 "a/b/c/cpu.max", "max 100000\n"},
      {V2 "a/b/cpu.max", "800000 100000\n"},
      {V2 "a/cpu.max", "200000 50000\n"},
      {V2 "cpu.max", "900000 100000\n"}}},
    {"of a neighbour", SIZE_MAX, {{GROUP, "0::/a\n"}, {V2 "ab/cpu.max", "100000 100000\n"}}},
    {"of the root", 5, {{GROUP, "0::/\n"}, {V2 "cpu.max", "500000 100000\n"}}},
    {"path from outside", 6, {{GROUP, "0::/../x\n"}, {V2 "cpu.max", "600000 100000\n"}}},
    {"no period", SIZE_MAX, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "200000 0\n"}}},
    {"no numbers", SIZE_MAX, {{GROUP, "0::/a\n"}, {V2 "a/cpu.max", "many\n"}}},
    {"no lines of groups", SIZE_MAX, {{GROUP, "0\n:\n\n0::a\n"}, {V2 "cpu.max", "1 1\n"}}},
    {"a path without a root", SIZE_MAX, {{GROUP, "0::x/a\n"}, {"sys/fs/cpu.max", "1 1\n"}}},
    {"version 1",
     3,
     {{GROUP, "7:memory:/m\n4:cpu,cpuacct:/a\n0::/\n"},
      {V1 "a/cpu.cfs_quota_us", "250000\n"},
      {V1 "a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, no limit",
     SIZE_MAX,
     {{GROUP, "4:cpu:/a\n"},
      {V1 "a/cpu.cfs_quota_us", "-1\n"},
      {V1 "a/cpu.cfs_period_us", "100000\n"}}},
    {"version 1, path from outside",
     2,
     {{GROUP, "4:cpuacct,cpu:/docker/a\n"},
      {V1 "cpu.cfs_quota_us", "100001\n"},
      {V1 "cpu.cfs_period_us", "100000\n"}}},
    {"another controller",
     SIZE_MAX,
     {{GROUP, "4:cpuset,cpuacct:/a\n"},
      {V1 "a/cpu.cfs_quota_us", "100000\n"},
      {V1 "a/cpu.cfs_period_us", "100000\n"}}},
    {"both versions",
     2,
     {{GROUP, "4:cpu:/a\n0::/b\n"},
      {V1 "a/cpu.cfs_quota_us", "300000\n"},
      {V1 "a/cpu.cfs_period_us", "100000\n"},
      {V2 "b/cpu.max", "200000 100000\n"}}},
};
enum { TREES = sizeof trees / sizeof *trees };

#define M1 "sys/fs/cgroup/memory/"
#define STAT "anon 1\nfile 900\ninactive_file 30\nactive_file 20\n"

/** Bytes that are left; pages of files don't count. */
static const tree memories[] = {
    {"nothing", SIZE_MAX, {{0}}},
    {"no limit", SIZE_MAX, {{GROUP, "0::/a\n"}, {V2 "a/memory.max", "max\n"}}},
    {"all of it", 1000, {{GROUP, "0::/a\n"}, {V2 "a/memory.max", "1000\n"}}},
    {"some is used",
     700,
     {{GROUP, "0::/a\n"}, {V2 "a/memory.max", "1000\n"}, {V2 "a/memory.current", "300\n"}}},
    {"files are given back",
     750,
     {{GROUP, "0::/a\n"},
      {V2 "a/memory.max", "1000\n"},
      {V2 "a/memory.current", "300\n"},
      {V2 "a/memory.stat", STAT}}},
    {"nothing is left",
     0,
     {{GROUP, "0::/a\n"}, {V2 "a/memory.max", "100\n"}, {V2 "a/memory.current", "300\n"}}},
    {"where it becomes slow",
     500,
     {{GROUP, "0::/a\n"},
      {V2 "a/memory.max", "1000\n"},
      {V2 "a/memory.high", "800\n"},
      {V2 "a/memory.current", "300\n"}}},
    {"high alone",
     800,
     {{GROUP, "0::/a\n"}, {V2 "a/memory.max", "max\n"}, {V2 "a/memory.high", "800\n"}}},
    {"of a group above",
     100,
     {{GROUP, "0::/a/b\n"},
      {V2 "a/b/memory.max", "1000\n"},
      {V2 "a/memory.max", "2000\n"},
      {V2 "a/memory.current", "1900\n"}}},
    {"path from outside", 600, {{GROUP, "0::/../x\n"}, {V2 "memory.max", "600\n"}}},
    {"version 1",
     350,
     {{GROUP, "7:memory:/m\n4:cpu:/a\n0::/\n"},
      {M1 "m/memory.limit_in_bytes", "400\n"},
      {M1 "m/memory.usage_in_bytes", "100\n"},
      {M1 "m/memory.stat", "cache 60\ntotal_inactive_file 40\ntotal_active_file 10\n"}}},
    {"version 1, no limit",
     SIZE_MAX,
     {{GROUP, "7:memory:/m\n"}, {M1 "m/memory.limit_in_bytes", "9223372036854771712\n"}}},
    {"version 1, another controller",
     SIZE_MAX,
     {{GROUP, "7:cpu:/m\n"}, {M1 "m/memory.limit_in_bytes", "400\n"}}},
};
enum { MEMORIES = sizeof memories / sizeof *memories };

static char root[] = "/tmp/digits-processors-XXXXXX";

static void make_root(void) {
  strcpy(strrchr(root, '-'), "-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void) {
  char command[100];
  snprintf(command, sizeof command, "rm -r '%s'", root);
  ck_assert_int_eq(system(command), 0);
}

/** Makes a file, and the folders on the way to it. */
static void make_file(const made_file *f) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", root, f->path);
  for (char *c = path + strlen(root) + 1; (c = strchr(c, '/')); *c++ = '/') {
    *c = '\0';
    mkdir(path, 0700);
  }
  FILE *file = fopen(path, "w");
  ck_assert_msg(file && fputs(f->text, file) >= 0 && fclose(file) == 0, "%s", path);
}

START_TEST(memory_is_read) {
  const tree *t = &memories[_i];
  for (int i = 0; i < MAX_FILES && t->files[i].path; i++) make_file(&t->files[i]);
  const dg_memory_left left = dg_memory_find_left(root);
  ck_assert_msg(left.bytes == t->quota, "%s: %llu", t->what, (unsigned long long)left.bytes);
  ck_assert_int_eq(left.limit == NULL, t->quota == SIZE_MAX);
}
END_TEST

#ifndef DIGITS_TEST_SANITIZED /* sanitizers take more addresses than there are */
/** A limit of addresses is seen before it is met. */
START_TEST(a_limit_of_addresses_is_told) {
  enum { MEGABYTES = 64 };
  dg_error err = {0};
  struct rlimit before, now;
  ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
  ck_assert(dg_memory_check((uint64_t)1 << 20, "this", &err));
  now = (struct rlimit){(rlim_t)4 << 30, before.rlim_max};
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &now), 0);
  const dg_memory_left left = dg_memory_find_left(root);
  ck_assert_uint_lt(left.bytes, (uint64_t)4 << 30);
  ck_assert(dg_memory_check((uint64_t)MEGABYTES << 20, "this", &err));
  ck_assert(!dg_memory_check((uint64_t)4 << 30, "this", &err));
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
  ck_assert_int_eq(err.kind, DG_ERR_MEMORY);
  ck_assert_ptr_nonnull(strstr(err.message, "this needs 4096 MB; the memory limit of RLIMIT_AS"));
}
END_TEST
#endif

START_TEST(quotas_are_read) {
  const tree *t = &trees[_i];
  for (int i = 0; i < MAX_FILES && t->files[i].path; i++) make_file(&t->files[i]);
  size_t quota = dg_processor_quota(root);
  ck_assert_msg(quota == t->quota, "%s: %zu", t->what, quota);
}
END_TEST

/** What doesn't fit on the line is no other line. */
START_TEST(a_path_may_be_any_length) {
  enum { LENGTH = 20000 };
  char *line = malloc(LENGTH + 1);
  ck_assert_ptr_nonnull(line);
  for (int i = 0; i < LENGTH; i++) line[i] = "/aaaaaaa"[i % 8];
  memcpy(line, "0::/", 4);
  line[LENGTH] = '\0';
  make_file(&(made_file){GROUP, line});
  make_file(&(made_file){V2 "cpu.max", "200000 100000\n"});
  free(line);
  ck_assert_uint_eq(dg_processor_quota(root), 2);
}
END_TEST

START_TEST(there_is_one_at_least) {
  long all = sysconf(_SC_NPROCESSORS_CONF);
  ck_assert_uint_ge(dg_processors(), 1);
  ck_assert(all < 1 || dg_processors() <= (size_t)all);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("processors");
  tcase_add_checked_fixture(tests, make_root, remove_root);
  tcase_add_loop_test(tests, quotas_are_read, 0, TREES);
  tcase_add_loop_test(tests, memory_is_read, 0, MEMORIES);
#ifndef DIGITS_TEST_SANITIZED
  tcase_add_test(tests, a_limit_of_addresses_is_told);
#endif
  tcase_add_test(tests, a_path_may_be_any_length);
  tcase_add_test(tests, there_is_one_at_least);
  return suite_main("processors", tests);
}
