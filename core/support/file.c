#include "core/support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(dg_new_file *file) {
  free(file->path);
  free(file->temporary);
  *file = (dg_new_file){0};
}

/** Opens the temporary file with the rights that a new file of the user's would have. */
static FILE *open_temporary(char *name) {
  int descriptor = mkstemp(name);
  if (descriptor < 0) return NULL;
  mode_t mask = umask(0);
  umask(mask);
  FILE *stream = fchmod(descriptor, 0666 & ~mask) == 0 ? fdopen(descriptor, "wb") : NULL;
  if (stream) return stream;
  int reason = errno;
  close(descriptor);
  unlink(name);
  errno = reason;
  return NULL;
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
  const char suffix[] = ".XXXXXX";
  *file = (dg_new_file){.path = final_path(path)};
  if (file->path && is_replaceable(file->path)) {
    file->temporary = malloc(strlen(file->path) + sizeof suffix);
    if (file->temporary) strcat(strcpy(file->temporary, file->path), suffix);
    file->stream = file->temporary ? open_temporary(file->temporary) : NULL;
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
  char *folder = strdup(path);
  char *slash = folder ? strrchr(folder, '/') : NULL;
  if (slash) slash[slash == folder] = '\0';
  int descriptor = open(slash ? folder : ".", O_RDONLY);
  if (descriptor >= 0) {
    fsync(descriptor);
    close(descriptor);
  }
  free(folder);
}

/** The errno of what failed when the stream was closed, or 0. */
static int close_stream(dg_new_file *file) {
  errno = 0;
  bool right = !ferror(file->stream) && fflush(file->stream) == 0;
  if (right && file->temporary) right = fsync(fileno(file->stream)) == 0;
  int reason = right ? 0 : errno ? errno : EIO;
  return fclose(file->stream) == 0 || reason ? reason : errno;
}

bool dg_file_commit(dg_new_file *file, dg_error *err) {
  int reason = close_stream(file);
  if (!reason && file->temporary && rename(file->temporary, file->path) != 0) reason = errno;
  if (reason) {
    if (file->temporary) unlink(file->temporary);
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
  if (file->temporary) unlink(file->temporary);
  forget(file);
}
