#include "core/model/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/support/text.h"

static const char suffix[] = ".cfg";

static bool is_model_file(const char *name) {
  size_t length = strlen(name), end = sizeof suffix - 1;
  return length > end && name[0] != '.' && strcmp(name + length - end, suffix) == 0;
}

/* ---- the folder --------------------------------------------------------- */

/**
 * DIGITS_MODELS_BESIDE, seen from the folder of the running program, so that an installed tree
 * can be moved. False where there is no such folder, or no /proc to tell where the program is.
 */
static bool folder_beside_program(char folder[DG_CATALOG_PATH]) {
  char path[DG_CATALOG_PATH + sizeof DIGITS_MODELS_BESIDE];
  ssize_t length = readlink("/proc/self/exe", path, DG_CATALOG_PATH - 1);
  if (length < 0) return false;
  path[length] = '\0';
  strcpy(strrchr(path, '/') + 1, DIGITS_MODELS_BESIDE);
  char *real = realpath(path, NULL);
  bool found = real && snprintf(folder, DG_CATALOG_PATH, "%s", real) < DG_CATALOG_PATH;
  free(real);
  return found;
}

static bool choose_folder(char folder[DG_CATALOG_PATH], dg_error *err) {
  const char *wanted = getenv("DIGITS_MODELS");
  if (!wanted || !*wanted) {
    if (folder_beside_program(folder)) return true;
    wanted = DIGITS_MODELS_FOLDER;
  }
  return snprintf(folder, DG_CATALOG_PATH, "%s", wanted) < DG_CATALOG_PATH ||
         dg_fail(err, DG_ERR_INPUT, "$DIGITS_MODELS is too long for a path");
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bool dg_catalog_read(dg_catalog *catalog, dg_error *err) {
  catalog->count = 0;
  if (!choose_folder(catalog->folder, err)) return false;
  DIR *folder = opendir(catalog->folder);
  if (!folder)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s, where models are looked for by name: %s; give the path of a model file, or "
                   "set DIGITS_MODELS to a folder of them",
                   catalog->folder, strerror(errno));
  bool right = true;
  for (struct dirent *entry; right && (entry = readdir(folder));) {
    if (!is_model_file(entry->d_name) || catalog->count == DG_CATALOG_MOST) continue;
    char *name = strndup(entry->d_name, strlen(entry->d_name) - (sizeof suffix - 1));
    right = name || dg_fail_memory(err, sizeof entry->d_name);
    if (name) catalog->names[catalog->count++] = name;
  }
  closedir(folder);
  qsort(catalog->names, catalog->count, sizeof *catalog->names, by_name);
  return right;
}

void dg_catalog_free(dg_catalog *catalog) {
  for (size_t i = 0; i < catalog->count; i++) free(catalog->names[i]);
  catalog->count = 0;
}

bool dg_catalog_path(const dg_catalog *catalog, const char *name, char *path, dg_error *err) {
  int length = snprintf(path, DG_CATALOG_PATH, "%s/%s%s", catalog->folder, name, suffix);
  return length < DG_CATALOG_PATH ||
         dg_fail(err, DG_ERR_INPUT, "the path of the model \"%s\" is too long", name);
}

/* ---- one model ---------------------------------------------------------- */

static bool fail_unknown(const dg_catalog *catalog, const char *name, dg_error *err) {
  const char *near = dg_nearest(name, (const char *const *)catalog->names, catalog->count);
  if (near)
    return dg_fail(err, DG_ERR_INPUT,
                   "no model \"%s\" in %s; did you mean \"%s\"? --list-models lists all", name,
                   catalog->folder, near);
  return dg_fail(err, DG_ERR_INPUT,
                 "no model \"%s\" in %s; --list-models lists what there is, and a file is given "
                 "as ./FILE or FILE%s",
                 name, catalog->folder, suffix);
}

static bool find_in(const dg_catalog *catalog, const char *name, char *path, dg_error *err) {
  for (size_t i = 0; i < catalog->count; i++)
    if (strcmp(catalog->names[i], name) == 0) return dg_catalog_path(catalog, name, path, err);
  return fail_unknown(catalog, name, err);
}

bool dg_model_find(const char *model, char *path, dg_error *err) {
  if (strchr(model, '/') || is_model_file(model))
    return snprintf(path, DG_CATALOG_PATH, "%s", model) < DG_CATALOG_PATH ||
           dg_fail(err, DG_ERR_INPUT, "%.80s...: the path is too long; use a shorter one", model);
  dg_catalog catalog;
  bool right = dg_catalog_read(&catalog, err) && find_in(&catalog, model, path, err);
  dg_catalog_free(&catalog);
  return right;
}
