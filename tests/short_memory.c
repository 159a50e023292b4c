/*
 * Loaded before the C library (LD_PRELOAD): the DIGITS_SHORT_AT-th allocation of a program fails,
 * whoever asks for it, and those behind it don't. How many there were is told at its end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long made;
static atomic_long failing;

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("DIGITS_SHORT_AT");
  failing = text ? atol(text) : 0;
}

static bool is_short(void) {
  if (++made != failing) return false;
  errno = ENOMEM;
  return true;
}

/* The C library's own, under names that nothing stands before. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) {
  return is_short() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return is_short() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  return is_short() ? NULL : __libc_realloc(old, size);
}

/** Tells how many allocations there were: to standard error, behind all else. */
__attribute__((destructor)) static void end(void) {
  char text[32];
  int length = snprintf(text, sizeof text, "allocations %ld\n", (long)made);
  if (getenv("DIGITS_SHORT_AT") && write(2, text, (size_t)length) < 0) failing = 0;
}
