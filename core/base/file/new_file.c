#define _GNU_SOURCE /* statx */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "core/base/file/overwrite.h"
#include "core/base/file/target.h"
#include "core/base/file/temporary.h"

enum { BUFFER = 1 << 16, ANY_MODE = 0777, OWN_MODE = S_IRUSR | S_IWUSR };

static void forget(dg_new_file *file) {
  if (file->descriptor >= 0) close(file->descriptor);
  if (file->temporary) unlink(file->temporary);
  free(file->path);
  free(file->stem);
  free(file->temporary);
  free(file->buffer);
  *file = (dg_new_file){.descriptor = -1};
}

/* ---- beginning ---------------------------------------------------------- */

/** Is the path a mount point, such as a single file mounted into a container? */
static bool is_mounted(const char *path) {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx info;
  return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT);
#else
  return (void)path, false;
#endif
}

/** Is it another user's file in a folder where only owners may remove files? */
static bool is_stuck(const char *path, const struct stat *old) {
  struct stat info;
  char *folder = dg_folder_of(path);
  bool stuck = folder && stat(folder, &info) == 0 && (info.st_mode & S_ISVTX) && geteuid() != 0 &&
               old->st_uid != geteuid() && info.st_uid != geteuid();
  free(folder);
  return stuck;
}

static int open_temporary(dg_new_file *file) {
  dg_temporary_sweep(file->stem);
  int descriptor = dg_temporary_nameless(file->stem);
  return descriptor >= 0 ? descriptor
                         : dg_temporary_new(file->stem, DG_TEMPORARY_END, &file->temporary);
}

/** The path of a file of that name in the folder for temporary files; NULL: out of memory. */
static char *elsewhere(const char *path) {
  const char *folder = getenv("TMPDIR"), *name = dg_last_name(path);
  if (!folder || !*folder) folder = "/tmp";
  size_t size = strlen(folder) + strlen(name) + 2;
  char *other = malloc(size);
  if (other) snprintf(other, size, "%s/%s", folder, name);
  return other;
}

/** Gives the new file the mode of the old one and, if this user may, its owner. */
static void keep_mode(int descriptor, const struct stat *old) {
  struct stat own;
  bool kept = fstat(descriptor, &own) == 0;
  if (kept && (own.st_uid != old->st_uid || own.st_gid != old->st_gid))
    kept = fchown(descriptor, geteuid() == 0 ? old->st_uid : (uid_t)-1, old->st_gid) == 0;
  fchmod(descriptor, old->st_mode & (kept ? ANY_MODE : ANY_MODE & ~(mode_t)S_IRWXG));
}

/** Can the existing file be overwritten? */
static bool is_writable(const char *path) {
  int descriptor = dg_open_file(path, O_RDWR | O_NOFOLLOW, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

/** Opens a temporary file beside the path, or elsewhere if that is not possible. */
static bool open_beside(dg_new_file *file, const struct stat *old) {
  file->in_place = old && (is_mounted(file->path) || is_stuck(file->path, old));
  file->stem = strdup(file->path);
  if (!file->stem) return false;
  file->descriptor = open_temporary(file);
  if (file->descriptor < 0 && old && (errno == EACCES || errno == EPERM || errno == EROFS)) {
    file->in_place = true;
    free(file->stem);
    file->stem = elsewhere(file->path);
    if (file->stem && is_writable(file->path)) file->descriptor = open_temporary(file);
  }
  if (file->descriptor < 0 || (file->in_place && !is_writable(file->path))) return false;
  if (file->in_place)
    fchmod(file->descriptor, OWN_MODE);
  else if (old)
    keep_mode(file->descriptor, old);
  return true;
}

static bool fail_opening(const char *path, dg_error *err) {
  return dg_fail(err, DG_ERR_RUNTIME, "%s can't be written: %s; check the path and its permissions",
                 path, strerror(errno));
}

/** A device or a pipe can't be replaced: it is written to directly. */
static bool is_replaceable(const struct stat *old) {
  return !old || S_ISREG(old->st_mode);
}

bool dg_file_begin(dg_new_file *file, const char *path, dg_error *err) {
  struct stat info;
  *file = (dg_new_file){.descriptor = -1, .path = dg_file_target(path, err)};
  if (!file->path) return false;
  const struct stat *old = stat(file->path, &info) == 0 ? &info : NULL;
  file->buffer = malloc(BUFFER);
  if (!file->buffer) return forget(file), dg_fail_memory(err, BUFFER);
  if (is_replaceable(old) && open_beside(file, old)) return true;
  if (!is_replaceable(old)) file->descriptor = dg_open_file(file->path, O_WRONLY, 0);
  if (!is_replaceable(old) && file->descriptor >= 0) return true;
  fail_opening(path, err);
  forget(file);
  return false;
}

/* ---- writing ------------------------------------------------------------ */

static void note(dg_new_file *file, int reason) {
  if (!file->reason) file->reason = reason;
}

static void flush(dg_new_file *file) {
  if (!file->reason) note(file, dg_write_all(file->descriptor, file->buffer, file->used));
  file->used = 0;
}

void dg_file_write(dg_new_file *file, const void *bytes, size_t size) {
  if (size == 0) return;
  file->sum = (uint32_t)crc32_z(file->sum, bytes, size);
  file->size += size;
  if (size > BUFFER - file->used) flush(file);
  if (size < BUFFER) {
    memcpy(file->buffer + file->used, bytes, size);
    file->used += size;
  } else if (!file->reason) {
    note(file, dg_write_all(file->descriptor, bytes, size));
  }
}

/* ---- ending ------------------------------------------------------------- */

/** Reads back what was written. Returns NULL, or what is wrong. */
static const char *read_back(const dg_new_file *file) {
  struct stat info;
  uint32_t sum;
  if (fstat(file->descriptor, &info) != 0) return strerror(errno);
  if ((uint64_t)info.st_size != file->size)
    return "its size is not what was written; check the disk";
  int reason = dg_sum(file->descriptor, file->size, &sum);
  if (reason) return strerror(reason);
  return sum == file->sum ? NULL : "other bytes were read back than were written; check the disk";
}

/** Flushes all bytes to the disk. Returns NULL, or what is wrong. */
static const char *finish(dg_new_file *file, dg_file_look *look, const void *expected) {
  flush(file);
  if (file->stem && !file->reason) note(file, dg_sync(file->descriptor));
  if (file->reason) return strerror(file->reason);
  const char *wrong = file->stem ? read_back(file) : NULL;
  if (!wrong && file->stem && look) wrong = look(file->descriptor, file->size, expected);
  return wrong;
}

/** Gives the file its name. Returns 0 or an errno. */
static int put_in_place(dg_new_file *file) {
  int reason =
      file->temporary ? 0 : dg_temporary_link(file->descriptor, file->stem, &file->temporary);
  if (!reason && rename(file->temporary, file->path) != 0) reason = errno;
  if (reason) return reason;
  free(file->temporary); /* this name is gone */
  file->temporary = NULL;
  dg_sync_folder(file->path);
  return 0;
}

/** Does this errno of a rename mean that only the name can't be replaced, so writing in place may
    work? */
static bool is_fixed(int reason) {
  return reason == EBUSY || reason == EPERM || reason == EACCES;
}

/** Puts the new file at the path. `copy` as in dg_overwrite. */
static int take_place(dg_new_file *file, char **copy) {
  int reason = file->in_place ? EBUSY : put_in_place(file);
  if (!is_fixed(reason)) return reason;
  int of_file = dg_overwrite(file->descriptor, file->size, file->path, file->stem, copy);
  return of_file == ENOENT ? reason : of_file; /* there is no old file */
}

bool dg_file_commit_seen(dg_new_file *file, dg_file_look *look, const void *expected,
                         dg_error *err) {
  char *copy = NULL;
  const char *wrong = finish(file, look, expected);
  int reason = !wrong && file->stem ? take_place(file, &copy) : 0;
  if (reason) wrong = strerror(reason);
  if (copy)
    dg_fail(err, DG_ERR_RUNTIME,
            "%s could not be written: %s; it is damaged, but what was there is in %s: move it back",
            file->path, wrong, copy);
  else if (wrong)
    dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: %s%s", file->path, wrong,
            file->stem ? "; what was there is unchanged" : "");
  free(copy);
  forget(file);
  return !wrong;
}

bool dg_file_commit(dg_new_file *file, dg_error *err) {
  return dg_file_commit_seen(file, NULL, NULL, err);
}

void dg_file_abandon(dg_new_file *file) {
  if (file->path) forget(file);
}

/* ---- checking ----------------------------------------------------------- */

/** Can it be written to directly? A pipe is not opened: its reader would see the end of file and
    stop. */
static bool check_open(const char *target, mode_t mode) {
  if (S_ISFIFO(mode)) return faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) == 0;
  int descriptor = dg_open_file(target, O_WRONLY | O_NONBLOCK, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

bool dg_file_check(const char *path, dg_error *err) {
  dg_new_file file;
  struct stat info;
  char *target = dg_file_target(path, err);
  if (!target) return false;
  bool device = stat(target, &info) == 0 && !is_replaceable(&info);
  bool ok = !device || check_open(target, info.st_mode) || fail_opening(path, err);
  free(target);
  if (device || !dg_file_begin(&file, path, err)) return ok && device;
  dg_file_abandon(&file);
  return true;
}
