/*
 * For LD_PRELOAD: allocations fail in a whole program, in its libraries too, from main on.
 * DIGITS_FAIL_AT=N: the N-th one; DIGITS_FAIL_FROM=N: that and all after it. A process that ends
 * by a signal says on the standard error in whose code: "died by signal 11 in PATH". With
 * DIGITS_FAIL_COUNT=FILE it writes there how many allocations there were. A fork counts on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those of the C library under their other names: looking for the next malloc would allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

typedef int main_function(int, char **, char **);
int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

static atomic_ulong calls;
static unsigned long fail_at, fail_from;
static bool counting;

/** Counts an allocation; true: it is to fail. */
static bool fails(void) {
  if (!counting) return false;
  unsigned long call = atomic_fetch_add(&calls, 1) + 1;
  if (call != fail_at && (!fail_from || call < fail_from)) return false;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  return fails() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void **to, size_t alignment, size_t size) {
  void *got = memalign(alignment, size);
  if (got) *to = got;
  return got ? 0 : ENOMEM;
}

/* ---- who died ----------------------------------------------------------- */

/** The file whose code called: the first one that is neither this library nor the C library. */
static const char *whose(void *const *frames, int count) {
  Dl_info here, at;
  const char *file = "?";
  dladdr((void *)(size_t)whose, &here);
  for (int i = 0; i < count; i++) {
    if (!dladdr(frames[i], &at) || !at.dli_fname || at.dli_fbase == here.dli_fbase) continue;
    file = at.dli_fname;
    if (!strstr(file, "/libc.so") && !strstr(file, "/ld-linux")) break;
  }
  return file;
}

static void say_who(int number) {
  enum { FRAMES = 64 };
  void *frames[FRAMES];
  char line[512];
  counting = false;
  int count = backtrace(frames, FRAMES);
  int length =
      snprintf(line, sizeof line, "died by signal %d in %.400s\n", number, whose(frames, count));
  if (write(STDERR_FILENO, line, (size_t)length) != length) _exit(126);
  signal(number, SIG_DFL);
  raise(number);
}

/* ---- from main on ------------------------------------------------------- */

static const char *count_file;

static void write_count(void) {
  counting = false;
  FILE *file = fopen(count_file, "w");
  if (!file) return;
  fprintf(file, "%lu\n", atomic_load(&calls));
  fclose(file);
}

static unsigned long number(const char *name) {
  const char *value = getenv(name);
  return value ? strtoul(value, NULL, 10) : 0;
}

static main_function *real_main;

static int counted_main(int argc, char **argv, char **environment) {
  static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
  void *frame;
  backtrace(&frame, 1); /* what it loads at its first call */
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], say_who);
  fail_at = number("DIGITS_FAIL_AT");
  fail_from = number("DIGITS_FAIL_FROM");
  count_file = getenv("DIGITS_FAIL_COUNT");
  if (count_file) atexit(write_count);
  counting = true;
  return real_main(argc, argv, environment);
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
  __typeof__(&__libc_start_main) start =
      (__typeof__(&__libc_start_main))dlsym(RTLD_NEXT, "__libc_start_main");
  real_main = main;
  return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
