#define _GNU_SOURCE /* O_TMPFILE */
#include "core/base/file/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/target.h"

enum { RANDOM_DIGITS = 16, MAX_NAME = 200, TRIES = 100 };

/* ---- names -------------------------------------------------------------- */

/** How many bytes of a file's name its temporary files begin with: whole characters of UTF-8. */
static size_t kept_length(const char *name) {
  size_t length = strlen(name);
  if (length <= MAX_NAME) return length;
  for (length = MAX_NAME; length > 1 && (name[length] & 0xc0) == 0x80;) length--;
  return length;
}

/** A name beside `stem`, in new memory; NULL with the reason in errno. */
static char *make_name(const char *stem, const char *end) {
  const char *last = dg_last_name(stem);
  size_t length = (size_t)(last - stem) + kept_length(last);
  size_t size = length + 1 + RANDOM_DIGITS + strlen(end) + 1;
  uint64_t number;
  if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return NULL;
  char *name = malloc(size);
  if (name)
    snprintf(name, size, "%.*s.%016llx%s", (int)length, stem, (unsigned long long)number, end);
  return name;
}

int dg_temporary_is(const char *name, const char *of) {
  size_t length = kept_length(of);
  if (strncmp(name, of, length) != 0 || name[length] != '.') return false;
  name += length + 1;
  return strspn(name, "0123456789abcdef") == RANDOM_DIGITS &&
         strcmp(name + RANDOM_DIGITS, DG_TEMPORARY_END) == 0;
}

/* ---- new files ---------------------------------------------------------- */

/** Locks a file that was just made. False: another process is removing it; make another one. */
static bool hold(int descriptor) {
  struct stat info;
  return dg_lock(descriptor) != EWOULDBLOCK && fstat(descriptor, &info) == 0 && info.st_nlink > 0;
}

int dg_temporary_new(const char *stem, const char *end, char **name) {
  errno = EEXIST;
  for (int i = 0; i < TRIES; i++) {
    *name = make_name(stem, end);
    if (!*name) return -1;
    int descriptor = dg_open_file(*name, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (descriptor >= 0 && hold(descriptor)) return descriptor;
    if (descriptor >= 0) close(descriptor);
    int reason = descriptor >= 0 ? EEXIST : errno;
    free(*name);
    *name = NULL;
    errno = reason;
    if (reason != EEXIST) return -1;
  }
  return -1;
}

int dg_temporary_nameless(const char *stem) {
#ifdef O_TMPFILE
  if (access("/proc/self/fd", X_OK) != 0) return -1; /* needed to give it a name */
  char *folder = dg_folder_of(stem);
  int descriptor = folder ? dg_open_file(folder, O_TMPFILE | O_RDWR, 0666) : -1;
  free(folder);
  if (descriptor >= 0) dg_lock(descriptor);
  return descriptor;
#else
  return (void)stem, -1;
#endif
}

int dg_temporary_link(int descriptor, const char *stem, char **name) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  for (int i = 0; i < TRIES; i++) {
    *name = make_name(stem, DG_TEMPORARY_END);
    if (!*name) return errno;
    if (linkat(AT_FDCWD, link, AT_FDCWD, *name, AT_SYMLINK_FOLLOW) == 0) return 0;
    int reason = errno;
    free(*name);
    *name = NULL;
    if (reason != EEXIST) return reason;
  }
  return EEXIST;
}

/* ---- leftover files ----------------------------------------------------- */

/** Does an open file belong to this user, and does nobody write to it any more? A file that root
    made to replace another user's file belongs to that user. */
static bool is_stale(int descriptor, uid_t owner, struct stat *info) {
  return fstat(descriptor, info) == 0 && S_ISREG(info->st_mode) && info->st_nlink == 1 &&
         (info->st_uid == geteuid() || (geteuid() == 0 && info->st_uid == owner)) &&
         dg_lock(descriptor) == 0;
}

static void remove_stale(int folder, const char *name, uid_t owner) {
  struct stat info, now;
  int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  if (is_stale(descriptor, owner, &info) && fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
      now.st_dev == info.st_dev && now.st_ino == info.st_ino)
    unlinkat(folder, name, 0);
  close(descriptor);
}

void dg_temporary_sweep(const char *stem) {
  struct stat info;
  char *folder = dg_folder_of(stem);
  DIR *files = folder ? opendir(folder) : NULL;
  uid_t owner = stat(stem, &info) == 0 ? info.st_uid : geteuid();
  for (const struct dirent *file; files && (file = readdir(files));)
    if (dg_temporary_is(file->d_name, dg_last_name(stem)))
      remove_stale(dirfd(files), file->d_name, owner);
  if (files) closedir(files);
  free(folder);
}

void dg_sync_folder(const char *path) {
  char *folder = dg_folder_of(path);
  int descriptor = folder ? dg_open_file(folder, O_RDONLY, 0) : -1;
  if (descriptor >= 0) {
    dg_sync(descriptor);
    close(descriptor);
  }
  free(folder);
}
