#include "core/base/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int dg_file_open(const char *path, uint64_t *size, dg_error *err) {
  struct stat status;
  int descriptor = open(path, O_RDONLY | O_NONBLOCK); /* don't wait for the writer of a pipe */
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    dg_fail(err, DG_ERR_INPUT, "%s: %s; check the path and its permissions", path, strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    dg_fail(err, DG_ERR_INPUT, "%s: expected a file, found %s; check the path", path,
            S_ISDIR(status.st_mode) ? "a folder" : "a pipe or device");
  } else {
    *size = (uint64_t)status.st_size;
    return descriptor;
  }
  if (descriptor >= 0) close(descriptor);
  return -1;
}

/** Reads exactly `size` bytes; 0, or the errno of what failed. */
static int read_exactly(int descriptor, char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t got = read(descriptor, bytes + done, size - done);
    if (got == 0) return EIO; /* the file was truncated meanwhile */
    if (got < 0 && errno != EINTR) return errno;
    if (got > 0) done += (size_t)got;
  }
  return 0;
}

char *dg_file_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  uint64_t length;
  int descriptor = dg_file_open(path, &length, err);
  if (descriptor < 0) return NULL;
  char *content = NULL;
  if (length > most)
    dg_fail(err, DG_ERR_INPUT, "%s: %llu bytes are too many for such a file; check the path", path,
            (unsigned long long)length);
  else if (length > SIZE_MAX - DG_FILE_SPARE || !(content = malloc(length + DG_FILE_SPARE)))
    dg_fail_memory(err, length);
  int reason = content ? read_exactly(descriptor, content, length) : 0;
  close(descriptor);
  if (reason) {
    dg_fail(err, DG_ERR_INPUT, "%s: cannot be read (%s); check the file and its disk", path,
            strerror(reason));
    free(content);
    return NULL;
  }
  if (content) memset(content + length, 0, DG_FILE_SPARE);
  *size = (size_t)length;
  return content;
}
