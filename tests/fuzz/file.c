#include "tests/fuzz/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/** Makes the bytes those of a file. */
static void fill(int descriptor, const char *path, const uint8_t *bytes, size_t size) {
  if (ftruncate(descriptor, 0) == 0 &&
      (!size || pwrite(descriptor, bytes, size, 0) == (ssize_t)size))
    return;
  perror(path);
  abort();
}

const char *fuzz_file(const uint8_t *bytes, size_t size) {
  static int descriptor = -1;
  static char path[40];
  if (descriptor < 0) {
    descriptor = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  }
  fill(descriptor, path, bytes, size);
  return path;
}

static char named[40];

static void remove_named(void) {
  unlink(named);
}

const char *fuzz_named_file(const uint8_t *bytes, size_t size) {
  static int descriptor = -1;
  if (descriptor < 0) {
    snprintf(named, sizeof named, "%s/fuzz-XXXXXX", /* in memory, where that is possible */
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    descriptor = mkstemp(named);
    atexit(remove_named);
  }
  fill(descriptor, named, bytes, size);
  return named;
}

void fuzz_touch(const void *bytes, size_t count) {
  const volatile unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++) (void)at[i];
}
