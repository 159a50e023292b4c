#include "core/base/file/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"

enum { PATH_SIZE = 4096, MAX_LINKS = 40 };

char *dg_folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *dg_last_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

bool dg_is_shared(const struct stat *folder) {
  return (folder->st_mode & S_ISVTX) && (folder->st_mode & S_IWOTH);
}

/** The state of resolving a path: the part that is resolved, and the rest. */
typedef struct {
  char done[PATH_SIZE], left[PATH_SIZE];
  unsigned links;
} walk;

/** "folder/name"; if one of them is empty, the other one. */
static bool join(char out[PATH_SIZE], const char *folder, const char *name) {
  size_t length = strlen(folder);
  bool slash = length && folder[length - 1] != '/' && *name && *name != '/';
  return snprintf(out, PATH_SIZE, "%s%s%s", folder, slash ? "/" : "", name) < PATH_SIZE;
}

/** Removes the first component of the rest; false: there is none. */
static bool next_name(walk *w, char name[PATH_SIZE]) {
  char *begin = w->left + strspn(w->left, "/");
  size_t length = strcspn(begin, "/");
  if (!length) return false;
  memcpy(name, begin, length);
  name[length] = '\0';
  memmove(w->left, begin + length, strlen(begin + length) + 1);
  return true;
}

/** May a link be followed? By the same rule as the kernel's protected_symlinks. */
static bool may_follow(const char *folder, const struct stat *link) {
  struct stat info;
  return stat(*folder ? folder : ".", &info) != 0 || !dg_is_shared(&info) ||
         link->st_uid == geteuid() || link->st_uid == info.st_uid;
}

/** Does the text of a link lead elsewhere than the link itself, as in /proc/self/fd? */
static bool is_magic(const char *link, const char *target) {
  struct stat a, b;
  return stat(link, &a) == 0 &&
         (stat(target, &b) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino);
}

/** The result of a step. */
typedef enum { GOES_ON, ENDS, TOO_LONG, LOOPS, REFUSED } step;

/** Follows the link with the path `link`; one like those of /proc/self/fd ends the walk. */
static step follow(walk *w, const char *link, const struct stat *info) {
  char text[PATH_SIZE], target[PATH_SIZE], left[PATH_SIZE];
  if (!may_follow(w->done, info)) return REFUSED;
  ssize_t length = readlink(link, text, sizeof text - 1);
  if (length < 0) return ENDS;
  text[length] = '\0';
  if (!join(target, *text == '/' ? "" : w->done, text)) return TOO_LONG;
  if (is_magic(link, target)) {
    memcpy(w->done, link, strlen(link) + 1);
    return ENDS;
  }
  if (++w->links > MAX_LINKS) return LOOPS;
  if (snprintf(left, sizeof left, "%s%s", text, w->left) >= PATH_SIZE) return TOO_LONG;
  memcpy(w->left, left, sizeof left);
  if (*text == '/') memcpy(w->done, "/", 2);
  return GOES_ON;
}

static step take(walk *w, const char *name) {
  char path[PATH_SIZE];
  struct stat info;
  if (strcmp(name, ".") == 0) return GOES_ON;
  if (!join(path, w->done, name)) return TOO_LONG;
  bool there = lstat(path, &info) == 0;
  if (there && S_ISLNK(info.st_mode)) return follow(w, path, &info);
  memcpy(w->done, path, sizeof path);
  return there ? GOES_ON : ENDS;
}

char *dg_file_target(const char *path, dg_error *err) {
  walk w = {.done = ""};
  char name[PATH_SIZE], whole[PATH_SIZE];
  step last = GOES_ON;
  if (*path == '/') memcpy(w.done, "/", 2);
  if (strlen(path) >= PATH_SIZE) last = TOO_LONG;
  if (last == GOES_ON) memcpy(w.left, path, strlen(path) + 1);
  while (last == GOES_ON && next_name(&w, name)) last = take(&w, name);
  if (last == REFUSED) {
    dg_fail(err, DG_ERR_INPUT,
            "%s can't be written: it leads over a link that another user put into a folder for "
            "all; give the path that the link leads to",
            path);
    return NULL;
  }
  if (last == LOOPS || last == TOO_LONG || !join(whole, *w.done ? w.done : ".", w.left)) {
    dg_fail(err, DG_ERR_RUNTIME, "%.200s can't be written: %s; check the path", path,
            strerror(last == LOOPS ? ELOOP : ENAMETOOLONG));
    return NULL;
  }
  char *target = strdup(whole);
  if (!target) dg_fail_memory(err, strlen(whole) + 1);
  return target;
}
