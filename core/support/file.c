#define _GNU_SOURCE /* O_TMPFILE */
#include "core/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ------------------------------------------------------------ */

int dg_file_open(const char *path, uint64_t *size, dg_error *err) {
  struct stat status;
  int descriptor = open(path, O_RDONLY | O_NONBLOCK); /* a pipe without a writer would wait */
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
    if (got == 0) return EIO; /* it was cut meanwhile */
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

/* ---- writing ------------------------------------------------------------ */

static void forget(dg_new_file *file) {
  free(file->path);
  free(file->temporary);
  *file = (dg_new_file){0};
}

/** The folder of a path. NULL: out of memory. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/** A file without a name, so that a program that is killed leaves nothing behind; -1 where the
    system has no such thing. */
static int open_nameless(const char *path) {
#ifdef O_TMPFILE
  if (access("/proc/self/fd", X_OK) != 0) return -1; /* by which it gets its name */
  char *folder = folder_of(path);
  int descriptor = folder ? open(folder, O_TMPFILE | O_WRONLY, 0666) : -1;
  free(folder);
  return descriptor;
#else
  return (void)path, -1;
#endif
}

/** A new file; one that an earlier process of the same number left is replaced. */
static int open_named(const char *name) {
  unlink(name);
  return open(name, O_CREAT | O_EXCL | O_WRONLY, 0666);
}

static FILE *open_temporary(dg_new_file *file) {
  int descriptor = open_nameless(file->path);
  file->named = descriptor < 0;
  if (file->named) descriptor = open_named(file->temporary);
  FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
  if (!stream && descriptor >= 0) close(descriptor);
  return stream;
}

/** `path` with the number of this process, NULL: out of memory. */
static char *temporary_path(const char *path) {
  size_t room = strlen(path) + 32;
  char *name = malloc(room);
  if (name) snprintf(name, room, "%s.%ld.tmp", path, (long)getpid());
  return name;
}

/** Where the bytes shall lie in the end: links are followed. NULL: out of memory. */
static char *final_path(const char *path) {
  char *real = realpath(path, NULL);
  return real ? real : strdup(path);
}

/** A device or a pipe can't be replaced: it is written to as it is. */
static bool is_replaceable(const char *path) {
  struct stat status;
  return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

static bool fail_opening(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_RUNTIME, "%s can't be written: %s; check the path and its permissions",
                 path, strerror(errno));
}

bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err) {
  *file = (dg_new_file){.path = final_path(path)};
  if (file->path && is_replaceable(file->path)) {
    file->temporary = temporary_path(file->path);
    file->stream = file->temporary ? open_temporary(file) : NULL;
  } else if (file->path) {
    file->stream = fopen(file->path, "wb");
  }
  if (file->stream) return true;
  fail_opening(path, err);
  forget(file);
  return false;
}

/** Makes the renaming itself last. Not every file system can, so that is no failure. */
static void sync_folder(const char *path) {
  char *folder = folder_of(path);
  int descriptor = folder ? open(folder, O_RDONLY) : -1;
  if (descriptor >= 0) {
    fsync(descriptor);
    close(descriptor);
  }
  free(folder);
}

/** Gives a nameless file its temporary name. */
static bool give_name(dg_new_file *file) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fileno(file->stream));
  unlink(file->temporary);
  file->named = linkat(AT_FDCWD, link, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0;
  return file->named;
}

void dg_file_write(dg_new_file *file, const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, file->stream) != size && !file->reason) file->reason = errno;
}

/** The errno of the first thing that failed until the stream was closed, or 0. */
static int close_stream(dg_new_file *file) {
  int reason = file->reason;
  if (!reason && fflush(file->stream) != 0) reason = errno;
  if (!reason && file->temporary && fsync(fileno(file->stream)) != 0) reason = errno;
  if (!reason && file->temporary && !file->named && !give_name(file)) reason = errno;
  return fclose(file->stream) == 0 || reason ? reason : errno;
}

bool dg_file_commit(dg_new_file *file, dg_error *err) {
  int reason = close_stream(file);
  if (!reason && file->temporary && rename(file->temporary, file->path) != 0) reason = errno;
  if (reason) {
    if (file->named) unlink(file->temporary);
    dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: %s%s", file->path, strerror(reason),
            file->temporary ? "; what was there is unchanged" : "");
  } else if (file->temporary) {
    sync_folder(file->path);
  }
  forget(file);
  return reason == 0;
}

void dg_file_abandon(dg_new_file *file) {
  if (!file->stream) return;
  fclose(file->stream);
  if (file->named) unlink(file->temporary);
  forget(file);
}

bool dg_file_check(const char *path, dg_error *err) {
  dg_new_file file;
  if (!is_replaceable(path)) {
    int descriptor = open(path, O_WRONLY | O_NONBLOCK); /* a pipe that none reads would wait */
    if (descriptor < 0) return fail_opening(path, err);
    close(descriptor);
    return true;
  }
  if (!dg_file_begin(&file, path, err)) return false;
  dg_file_abandon(&file);
  return true;
}
