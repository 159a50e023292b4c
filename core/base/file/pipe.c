#include "core/base/file/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"

enum { PIECE = 1 << 16, WRITER_MS = 5000 };

/* ---- where from, where to ----------------------------------------------- */

int dg_pipe_descriptor(const char *path) {
  static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
  if (strcmp(path, "/dev/stdin") == 0) return STDIN_FILENO;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    const size_t length = strlen(folders[i]);
    char *end;
    if (strncmp(path, folders[i], length) != 0) continue;
    const long number = strtol(path + length, &end, 10);
    if (end > path + length && !*end && number >= 0 && number < INT16_MAX) return (int)number;
  }
  return -1;
}

bool dg_pipe_is(const char *path) {
  struct stat info;
  const int named = dg_pipe_descriptor(path);
  return (named >= 0 ? fstat(named, &info) : stat(path, &info)) == 0 &&
         (S_ISFIFO(info.st_mode) || (named >= 0 && S_ISSOCK(info.st_mode)));
}

/** Opens a pipe, without waiting for its writer; -1 with the reason in errno. */
static int open_pipe(const char *path) {
  const int named = dg_pipe_descriptor(path);
  return named >= 0 ? fcntl(named, F_DUPFD_CLOEXEC, 0)
                    : dg_open_file(path, O_RDONLY | O_NONBLOCK, 0);
}

/** Makes a file that only this program can open; -1: the error is set. */
static int open_nameless(const char *path, dg_error *err) {
  const char *folder = getenv("TMPDIR");
  char name[4096];
  if (!folder || !*folder) folder = "/tmp";
  const int length = snprintf(name, sizeof name, "%s/digits-pipe-XXXXXX", folder);
  int file = -1;
  if (length >= (int)sizeof name)
    errno = ENAMETOOLONG;
  else
    file = mkstemp(name);
  if (file >= 0 && unlink(name) == 0 && fcntl(file, F_SETFD, FD_CLOEXEC) == 0) return file;
  dg_fail(err, DG_ERR_RUNTIME,
          "%s: what comes out of this pipe can't be kept in a temporary file: %s; set TMPDIR to a "
          "folder that can be written",
          path, strerror(errno));
  if (file >= 0) close(file);
  return -1;
}

/* ---- copying ------------------------------------------------------------ */

/** Waits until something can be read, or the writer has closed; with `first`, only a while, as
    nobody may have opened the pipe to write. Returns 0 or an errno; ETIMEDOUT: it was only a
    while. */
static int await(int from, bool first) {
  struct pollfd wait = {.fd = from, .events = POLLIN};
  int ready;
  do ready = poll(&wait, 1, first ? WRITER_MS : -1);
  while (ready < 0 && errno == EINTR);
  return ready < 0 ? errno : ready == 0 ? ETIMEDOUT : 0;
}

/** Reads a piece; 0 bytes are the end. Returns 0 or an errno; ETIMEDOUT: there is no writer. */
static int read_piece(int from, bool first, void *bytes, size_t *got) {
  while (true) {
    const int waited = await(from, first);
    if (waited && waited != ETIMEDOUT) return waited;
    const ssize_t now = read(from, bytes, PIECE);
    *got = now > 0 ? (size_t)now : 0;
    if (now > 0) return 0;
    if (now == 0) return waited; /* nothing to wait for: the end, or no writer yet */
    if (errno != EINTR && errno != EAGAIN) return errno;
  }
}

/** Takes a piece of what comes. Returns 0 or an errno. */
typedef int take_piece(void *to, const char *bytes, size_t count);

static int take_to_file(void *to, const char *bytes, size_t count) {
  return dg_write_all(*(const int *)to, bytes, count);
}

typedef struct {
  char *bytes;
  size_t size, capacity;
} memory;

/** Leaves DG_FILE_SPARE bytes behind the last one. */
static int take_to_memory(void *to, const char *bytes, size_t count) {
  memory *m = to;
  if (m->capacity - m->size < count + DG_FILE_SPARE) {
    const size_t capacity = 2 * m->capacity + count + DG_FILE_SPARE;
    char *more = realloc(m->bytes, capacity);
    if (!more) return ENOMEM;
    m->bytes = more, m->capacity = capacity;
  }
  if (count) memcpy(m->bytes + m->size, bytes, count);
  m->size += count;
  return 0;
}

/** Takes everything. Returns 0 or an errno; EFBIG: it is more than `most` bytes. */
static int take_all(int from, bool fifo, take_piece *take, void *to, uint64_t most,
                    uint64_t *size) {
  char bytes[PIECE];
  for (*size = 0; *size <= most;) {
    size_t got;
    int reason = read_piece(from, fifo && *size == 0, bytes, &got);
    if (!reason) reason = take(to, bytes, got);
    if (reason || got == 0) return reason;
    *size += got;
  }
  return EFBIG;
}

static int take_pipe(const char *path, take_piece *take, void *to, uint64_t most, uint64_t *size) {
  const int from = open_pipe(path);
  if (from < 0) return errno;
  const int reason = take_all(from, dg_pipe_descriptor(path) < 0, take, to, most, size);
  close(from);
  return reason;
}

static bool fail(const char *path, int reason, uint64_t most, const char *where, dg_error *err) {
  if (reason == ETIMEDOUT)
    return dg_fail(err, DG_ERR_INPUT, "%s: it is a pipe that nobody writes to", path);
  if (reason == EFBIG)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: more than %llu bytes come out of this pipe; that is too much for such a "
                   "file",
                   path, (unsigned long long)most);
  return dg_fail(err, reason == ENOMEM ? DG_ERR_MEMORY : DG_ERR_RUNTIME, "%s: %s%s", path, where,
                 strerror(reason));
}

int dg_pipe_keep(const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  const int file = open_nameless(path, err);
  if (file < 0) return -1;
  int reason = take_pipe(path, take_to_file, (void *)&file, most, size);
  if (!reason && lseek(file, 0, SEEK_SET) != 0) reason = errno;
  if (!reason) return file;
  fail(path, reason, most, "the pipe can't be kept in a temporary file: ", err);
  close(file);
  return -1;
}

char *dg_pipe_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  memory m = {0};
  uint64_t length;
  const int reason = take_pipe(path, take_to_memory, &m, most, &length);
  *size = m.size;
  if (!reason) return memset(m.bytes + m.size, 0, DG_FILE_SPARE), m.bytes;
  fail(path, reason, most, "the pipe can't be read: ", err);
  free(m.bytes);
  return NULL;
}
