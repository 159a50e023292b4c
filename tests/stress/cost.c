#define _GNU_SOURCE
#include "tests/stress/cost.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/common/shell.h"

enum { MAX_KILOBYTES = 512 << 10, MAX_PRINTED = 4000 };
#ifdef DIGITS_TEST_SANITIZED
static const double most_seconds = 40;
#else
static const double most_seconds = 2;
#endif

typedef struct {
  int status;
  double seconds;
  long kilobytes;
} cost;

/** Runs a command in the folder, within bounds that keep the machine usable if it fails. */
static cost run(const char *command) {
  char line[1000];
  struct rusage used;
  int status;
  snprintf(line, sizeof line, "cd %s && { %s; } > said 2>&1", shell_path("."), command);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    const struct rlimit processor = {.rlim_cur = 60, .rlim_max = 60};
    setrlimit(RLIMIT_CPU, &processor);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  ck_assert_int_eq(wait4(child, &status, 0, &used), child);
  return (cost){.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                .seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
                .kilobytes = used.ru_maxrss};
}

void cost_check(const char *name, const char *command, int status, const char *says) {
  char said[MAX_PRINTED];
  cost c = run(command);
  FILE *file = fopen(shell_path("said"), "rb");
  ck_assert_ptr_nonnull(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  printf("%-52s %5.2f s %4ld MB\n", name, c.seconds, c.kilobytes >> 10);
  ck_assert_msg(c.status == status, "%s: exit %d, not %d: %.500s", name, c.status, status, said);
  ck_assert_msg(strstr(said, says) != NULL, "%s: expected \"%s\" in: %.500s", name, says, said);
  ck_assert_msg(c.seconds < most_seconds, "%s: %.2f s", name, c.seconds);
#ifndef DIGITS_TEST_SANITIZED
  ck_assert_msg(c.kilobytes < MAX_KILOBYTES, "%s: %ld MB", name, c.kilobytes >> 10);
#endif
}
