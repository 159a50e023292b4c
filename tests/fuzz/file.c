#include "tests/fuzz/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *bytes, size_t size) {
  static int descriptor = -1;
  static char path[40];
  if (descriptor < 0) {
    descriptor = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  }
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, bytes, size, 0) != (ssize_t)size) {
    perror(path);
    abort();
  }
  return path;
}

void fuzz_touch(const void *bytes, size_t count) {
  const volatile unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++) (void)at[i];
}
