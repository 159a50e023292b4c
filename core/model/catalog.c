#include "core/model/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/sized.h"
#include "core/base/text.h"

/** Suffix and folders of the files of a kind. */
typedef struct {
  const char *what, *suffix;
  const char *variable; /**< environment variable with another folder */
  const char *beside;   /**< the folder, relative to that of the running program */
  const char *folder;   /**< the configured install folder */
} shelf;

static const shelf shelves[] = {
    [DG_CATALOG_MODELS] = {"model", ".cfg", "DIGITS_MODELS", DIGITS_MODELS_BESIDE,
                           DIGITS_MODELS_FOLDER},
    [DG_CATALOG_WEIGHTS] = {"weights", ".safetensors", "DIGITS_WEIGHTS", DIGITS_WEIGHTS_BESIDE,
                            DIGITS_WEIGHTS_FOLDER},
};

static bool has_suffix(const shelf *s, const char *name) {
  size_t length = strlen(name), end = strlen(s->suffix);
  return length > end && name[0] != '.' && strcmp(name + length - end, s->suffix) == 0;
}

/* ---- the folder --------------------------------------------------------- */

/**
 * Finds the folder relative to that of the running program, so that an installed tree can be moved.
 * False if there is no such folder, or no /proc that shows where the program is.
 */
static bool folder_beside_program(const shelf *s, char folder[DG_PATH_SIZE]) {
  char path[2 * DG_PATH_SIZE];
  ssize_t length = readlink("/proc/self/exe", path, DG_PATH_SIZE - 1);
  if (length < 0) return false;
  path[length] = '\0';
  char *name = strrchr(path, '/') + 1;
  snprintf(name, DG_PATH_SIZE, "%s", s->beside);
  char *real = realpath(path, NULL);
  bool found = real && snprintf(folder, DG_PATH_SIZE, "%s", real) < DG_PATH_SIZE;
  free(real);
  return found;
}

static bool choose_folder(const shelf *s, char folder[DG_PATH_SIZE], dg_error *err) {
  const char *wanted = getenv(s->variable);
  if (!wanted || !*wanted) {
    if (folder_beside_program(s, folder)) return true;
    wanted = s->folder;
  }
  return snprintf(folder, DG_PATH_SIZE, "%s", wanted) < DG_PATH_SIZE ||
         dg_fail(err, DG_ERR_INPUT, "$%s is too long for a path", s->variable);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(dg_catalog *catalog, const char *file, dg_error *err) {
  size_t length = strlen(file) - strlen(shelves[catalog->kind].suffix);
  char *name = strndup(file, length);
  if (!name) return dg_fail_memory(err, length);
  catalog->names[catalog->count++] = name;
  return true;
}

bool dg_catalog_read(dg_catalog *catalog, dg_catalog_kind kind, dg_error *err) {
  const shelf *s = &shelves[kind];
  catalog->kind = kind;
  catalog->count = 0;
  if (!choose_folder(s, catalog->folder, err)) return false;
  DIR *folder = opendir(catalog->folder);
  if (!folder)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s, where %s are looked for by name: %s; give the path of a %s file, or set "
                   "%s to a folder of them",
                   catalog->folder, kind == DG_CATALOG_MODELS ? "models" : s->what, strerror(errno),
                   s->what, s->variable);
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(folder));)
    if (has_suffix(s, entry->d_name) && catalog->count < DG_CATALOG_MAX)
      ok = add_name(catalog, entry->d_name, err);
  closedir(folder);
  qsort(catalog->names, catalog->count, sizeof *catalog->names, by_name);
  return ok;
}

void dg_catalog_free(dg_catalog *catalog) {
  for (size_t i = 0; i < catalog->count; i++) free(catalog->names[i]);
  catalog->count = 0;
}

bool dg_catalog_path(const dg_catalog *catalog, const char *name, char *path, dg_error *err) {
  const shelf *s = &shelves[catalog->kind];
  int length = snprintf(path, DG_PATH_SIZE, "%s/%s%s", catalog->folder, name, s->suffix);
  return length < DG_PATH_SIZE ||
         dg_fail(err, DG_ERR_INPUT, "the path of the %s \"%s\" is too long", s->what, name);
}

/* ---- one file ----------------------------------------------------------- */

static bool fail_unknown(const dg_catalog *catalog, const char *name, dg_error *err) {
  const shelf *s = &shelves[catalog->kind];
  const char *near = dg_nearest(name, (const char *const *)catalog->names, catalog->count);
  char names[512] = "none";
  if (catalog->count) *names = '\0';
  for (size_t i = 0; i < catalog->count; i++)
    dg_append(names, sizeof names, "%s%s", i ? ", " : "", catalog->names[i]);
  if (near)
    return dg_fail(err, DG_ERR_INPUT, "no %s \"%s\" in %s; did you mean \"%s\"? There are %s",
                   s->what, name, catalog->folder, near, names);
  return dg_fail(err, DG_ERR_INPUT,
                 "no %s \"%s\" in %s; there are %s, and a file is given as ./FILE or FILE%s",
                 s->what, name, catalog->folder, names, s->suffix);
}

static bool find_in(const dg_catalog *catalog, const char *name, char *path, dg_error *err) {
  for (size_t i = 0; i < catalog->count; i++)
    if (strcmp(catalog->names[i], name) == 0) return dg_catalog_path(catalog, name, path, err);
  return fail_unknown(catalog, name, err);
}

bool dg_catalog_find(dg_catalog_kind kind, const char *word, char *path, dg_error *err) {
  if (strchr(word, '/') || has_suffix(&shelves[kind], word))
    return snprintf(path, DG_PATH_SIZE, "%s", word) < DG_PATH_SIZE ||
           dg_fail(err, DG_ERR_INPUT, "%.80s...: the path is too long; use a shorter one", word);
  dg_catalog catalog;
  bool ok = dg_catalog_read(&catalog, kind, err) && find_in(&catalog, word, path, err);
  dg_catalog_free(&catalog);
  return ok;
}

bool dg_model_find(const char *model, char *path, dg_error *err) {
  return dg_catalog_find(DG_CATALOG_MODELS, model, path, err);
}

bool dg_weights_find(const char *weights, char *path, dg_error *err) {
  return dg_catalog_find(DG_CATALOG_WEIGHTS, weights, path, err);
}

bool dg_weights_list(dg_weights_info *out, size_t size, size_t capacity, size_t *count,
                     dg_error *err) {
  dg_catalog catalog;
  bool ok = dg_catalog_read(&catalog, DG_CATALOG_WEIGHTS, err);
  *count = ok ? catalog.count : 0;
  for (size_t i = 0; i < *count && i < capacity; i++) {
    dg_weights_info info = {0};
    snprintf(info.name, sizeof info.name, "%s", catalog.names[i]);
    dg_sized_give(out, size, i, &info, sizeof info);
  }
  dg_catalog_free(&catalog);
  return ok;
}
