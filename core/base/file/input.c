#include "core/base/file/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"

enum { PIECE = 1 << 16 };

static bool is_pipe(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/** An open file that has no name; -1 with the reason in errno. */
static int open_nameless(void) {
  const char *folder = getenv("TMPDIR");
  char path[4096];
  const int length =
      snprintf(path, sizeof path, "%s/digits-pipe-XXXXXX", folder && *folder ? folder : "/tmp");
  if (length >= (int)sizeof path) return errno = ENAMETOOLONG, -1;
  const int descriptor = mkstemp(path);
  if (descriptor >= 0) unlink(path);
  return descriptor;
}

/** Copies a pipe to a file until its writers have closed it; 0, or an errno: EFBIG for more than
    `most` bytes. */
static int copy(int from, int to, uint64_t most, uint64_t *size) {
  char bytes[PIECE];
  for (*size = 0; *size <= most;) {
    const ssize_t got = read(from, bytes, sizeof bytes);
    if (got == 0) return 0;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    const int reason = dg_write_all(to, bytes, (size_t)got);
    if (reason) return reason;
    *size += (uint64_t)got;
  }
  return EFBIG;
}

static bool fill(int file, const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  const int pipe = dg_open_file(path, O_RDONLY, 0); /* waits for a writer */
  int reason = pipe < 0 ? errno : copy(pipe, file, most, size);
  if (pipe >= 0) close(pipe);
  if (!reason && lseek(file, 0, SEEK_SET) != 0) reason = errno;
  if (!reason) return true;
  if (reason == EFBIG)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: more than %llu bytes come out of this pipe; that is too "
                   "much for such a file",
                   path, (unsigned long long)most);
  return dg_fail(err, DG_ERR_RUNTIME, "%s: the pipe can't be read: %s", path, strerror(reason));
}

int dg_input_open(const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  if (!is_pipe(path)) return dg_file_open(path, size, err);
  const int file = open_nameless();
  if (file < 0) {
    dg_fail(
        err, DG_ERR_RUNTIME,
        "%s: what comes out of this pipe can't be kept in a temporary file: %s; set TMPDIR to a "
        "folder that can be written",
        path, strerror(errno));
    return -1;
  }
  if (fill(file, path, most, size, err)) return file;
  close(file);
  return -1;
}

char *dg_input_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  uint64_t length;
  if (!is_pipe(path)) return dg_file_read(path, most, size, err);
  const int file = dg_input_open(path, most, &length, err);
  if (file < 0) return NULL;
  char *content = calloc(1, (size_t)length + DG_FILE_SPARE);
  if (!content) dg_fail_memory(err, length);
  const int reason = content ? dg_read_at(file, content, (size_t)length, 0) : 0;
  close(file);
  *size = (size_t)length;
  if (!reason) return content;
  dg_fail(err, DG_ERR_RUNTIME, "%s: the pipe can't be read: %s", path, strerror(reason));
  free(content);
  return NULL;
}
