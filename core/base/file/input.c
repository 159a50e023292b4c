#include "core/base/file/input.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/file/pipe.h"

int dg_input_open(const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  return dg_pipe_is(path) ? dg_pipe_keep(path, most, size, err) : dg_file_open(path, size, err);
}

char *dg_input_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  return dg_pipe_is(path) ? dg_pipe_read(path, most, size, err)
                          : dg_file_read(path, most, size, err);
}

size_t dg_input_head(const char *path, void *bytes, size_t size) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = pread(file, bytes, size, 0);
  close(file);
  return got > 0 ? (size_t)got : 0;
}

bool dg_input_begins(const char *path, const void *bytes, size_t size) {
  char begin[16];
  return size <= sizeof begin && dg_input_head(path, begin, size) == size &&
         memcmp(begin, bytes, size) == 0;
}
