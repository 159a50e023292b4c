#include "core/base/file/entries.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

char *dg_path_join(const char *folder, const char *name, dg_error *err) {
  size_t capacity = strlen(folder) + strlen(name) + 2;
  char *path = malloc(capacity);
  if (!path) return dg_fail_memory(err, capacity), NULL;
  snprintf(path, capacity, "%s/%s", folder, name);
  return path;
}

static bool add(dg_entries *e, const char *name, dg_error *err) {
  if (e->count == e->capacity) {
    size_t capacity = 2 * e->capacity + 16;
    char **names = realloc(e->name, capacity * sizeof *names);
    if (!names) return dg_fail_memory(err, capacity * sizeof *names);
    e->name = names;
    e->capacity = capacity;
  }
  char *copy = strdup(name);
  if (!copy) return dg_fail_memory(err, strlen(name) + 1);
  e->name[e->count++] = copy;
  return true;
}

static bool has_extension(const char *name, const char *const *extensions) {
  size_t length = strlen(name);
  for (; *extensions; extensions++) {
    size_t end = strlen(*extensions);
    if (length > end && strcasecmp(name + length - end, *extensions) == 0) return true;
  }
  return false;
}

/** Is the entry wanted: a folder if `extensions` is NULL, else a file with one of them? */
static bool is_wanted(const char *path, const char *name, const char *const *extensions) {
  struct stat info;
  if (stat(path, &info) != 0) return extensions && has_extension(name, extensions);
  return extensions ? !S_ISDIR(info.st_mode) && has_extension(name, extensions)
                    : S_ISDIR(info.st_mode);
}

static bool look_at(dg_entries *e, const char *folder, const char *name,
                    const char *const *extensions, dg_error *err) {
  if (*name == '.') return true;
  char *path = dg_path_join(folder, name, err);
  bool ok = path && (!is_wanted(path, name, extensions) || add(e, name, err));
  free(path);
  return ok;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list(dg_entries *e, const char *folder, const char *const *extensions, dg_error *err) {
  *e = (dg_entries){0};
  DIR *stream = opendir(folder);
  if (!stream)
    return dg_fail(err, DG_ERR_INPUT, "%s: the folder can't be read: %s; check its permissions",
                   folder, strerror(errno));
  bool ok = true;
  for (const struct dirent *entry; ok && (entry = readdir(stream));)
    ok = look_at(e, folder, entry->d_name, extensions, err);
  closedir(stream);
  if (e->count) qsort(e->name, e->count, sizeof *e->name, by_name);
  return ok;
}

bool dg_list_folders(dg_entries *entries, const char *folder, dg_error *err) {
  return list(entries, folder, NULL, err);
}

bool dg_list_files(dg_entries *entries, const char *folder, const char *const *extensions,
                   dg_error *err) {
  return list(entries, folder, extensions, err);
}

size_t dg_entries_find(const dg_entries *entries, const char *name) {
  size_t i = 0;
  while (i < entries->count && strcmp(entries->name[i], name) != 0) i++;
  return i;
}

void dg_entries_free(dg_entries *entries) {
  for (size_t i = 0; i < entries->count; i++) free(entries->name[i]);
  free(entries->name);
  *entries = (dg_entries){0};
}
