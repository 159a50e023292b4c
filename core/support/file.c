#define _GNU_SOURCE /* O_TMPFILE */
#include "core/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err) {
  *file = (dg_new_file){.path = final_path(path)};
  if (file->path && is_replaceable(file->path)) {
    file->temporary = temporary_path(file->path);
    file->stream = file->temporary ? open_temporary(file) : NULL;
  } else if (file->path) {
    file->stream = fopen(file->path, "wb");
  }
  if (file->stream) return true;
  dg_fail(err, DG_ERR_RUNTIME, "%s can't be written: %s", path, strerror(errno));
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

/** The errno of what failed when the stream was closed, or 0. */
static int close_stream(dg_new_file *file) {
  errno = 0;
  bool right = !ferror(file->stream) && fflush(file->stream) == 0;
  if (right && file->temporary)
    right = fsync(fileno(file->stream)) == 0 && (file->named || give_name(file));
  int reason = right ? 0 : errno ? errno : EIO;
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
