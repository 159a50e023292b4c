#include "tools/common/piped.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file/descriptor.h"

static const uint64_t MOST = (uint64_t)4 << 30;
enum { PIECE = 1 << 16, WRITER_MS = 5000 };

/* ---- where from, where to ----------------------------------------------- */

/** The descriptor that a path names; -1: none. */
static int descriptor_of(const char *path) {
  static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
  if (strcmp(path, "/dev/stdin") == 0) return STDIN_FILENO;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    size_t length = strlen(folders[i]);
    char *end;
    if (strncmp(path, folders[i], length) != 0) continue;
    long number = strtol(path + length, &end, 10);
    if (end > path + length && !*end && number >= 0 && number < INT16_MAX) return (int)number;
  }
  return -1;
}

static bool is_pipe(const struct stat *info) {
  return S_ISFIFO(info->st_mode) || S_ISSOCK(info->st_mode);
}

/** Makes a file that only this program can open; -1: the error is set. */
static int open_temporary(const char *path, dg_error *err) {
  const char *folder = getenv("TMPDIR");
  char name[4096];
  if (!folder || !*folder) folder = "/tmp";
  snprintf(name, sizeof name, "%s/digits-XXXXXX", folder);
  int descriptor = mkstemp(name);
  if (descriptor >= 0 && unlink(name) == 0) return descriptor;
  dg_fail(err, DG_ERR_RUNTIME,
          "%s: it is a pipe, and no file for its content can be made in %s: %s", path, folder,
          strerror(errno));
  if (descriptor >= 0) close(descriptor);
  return -1;
}

/* ---- copying ------------------------------------------------------------ */

/** Waits until something can be read, or the writer has closed; for the first writer of a FIFO only
    a while. Returns 0 or an errno; ETIMEDOUT: there is no writer. */
static int await(int from, bool first) {
  struct pollfd wait = {.fd = from, .events = POLLIN};
  int ready;
  do ready = poll(&wait, 1, first ? WRITER_MS : -1);
  while (ready < 0 && errno == EINTR);
  return ready < 0 ? errno : ready == 0 ? ETIMEDOUT : 0;
}

/** Copies everything; returns 0, an errno, or EFBIG if it is too much. */
static int copy(int from, int to, bool fifo) {
  char *bytes = malloc(PIECE);
  int reason = bytes ? 0 : ENOMEM;
  uint64_t size = 0;
  while (!reason) {
    reason = await(from, fifo && size == 0);
    ssize_t got = reason ? 0 : read(from, bytes, PIECE);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) reason = errno;
    if (got <= 0) break;
    size += (uint64_t)got;
    reason = size > MOST ? EFBIG : dg_write_all(to, bytes, (size_t)got);
  }
  free(bytes);
  return reason;
}

static bool fail(const char *path, int reason, dg_error *err) {
  if (reason == ETIMEDOUT)
    return dg_fail(err, DG_ERR_INPUT, "%s: it is a pipe that nobody writes to", path);
  if (reason == EFBIG)
    return dg_fail(err, DG_ERR_INPUT, "%s: more than 4 GB come through the pipe", path);
  return dg_fail(err, DG_ERR_RUNTIME, "%s: the pipe can't be read into a file: %s", path,
                 strerror(reason));
}

/* ---- all together ------------------------------------------------------- */

/** Opens what a path leads to if that is a pipe; -1: it is none. */
static int open_pipe(const char *path, int named) {
  struct stat info;
  bool pipe = named >= 0 ? fstat(named, &info) == 0 && is_pipe(&info)
                         : stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
  if (!pipe) return -1;
  return named >= 0 ? dup(named) : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

bool piped(const char **path, char *own, dg_error *err) {
  int named = *path ? descriptor_of(*path) : -1, from = *path ? open_pipe(*path, named) : -1;
  if (from < 0) return true;
  int to = open_temporary(*path, err);
  int reason = to < 0 ? 0 : copy(from, to, named < 0);
  close(from);
  if (to >= 0 && !reason && named >= 0 && dup2(to, named) < 0) reason = errno;
  if (reason) fail(*path, reason, err);
  if (to < 0 || reason) {
    if (to >= 0) close(to);
    return false;
  }
  if (named >= 0) {
    close(to);
  } else {
    snprintf(own, PIPED_PATH, "/dev/fd/%d", to);
    *path = own;
  }
  return true;
}
