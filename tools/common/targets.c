#include "tools/common/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/file/target.h"
#include "digits/data.h"
#include "digits/model.h"

enum { PATH_SIZE = 4096 };

/* ---- files -------------------------------------------------------------- */

/** Finds the nearest existing folder above a missing file. */
static bool find_missing(target_file *file, const char *path, dg_error *err) {
  struct stat info;
  file->path = dg_file_target(path, err);
  char *folder = file->path ? dg_folder_of(file->path) : NULL;
  while (folder && stat(folder, &info) != 0 && strcmp(folder, ".") != 0 &&
         strcmp(folder, "/") != 0) {
    char *above = dg_folder_of(folder);
    free(folder);
    folder = above;
  }
  if (!file->path) return false;
  if (!folder) return dg_fail_memory(err, strlen(path));
  file->rest = file->path + (strcmp(folder, ".") == 0 ? 0 : strlen(folder));
  file->rest += strspn(file->rest, "/");
  free(folder);
  file->counts = true;
  file->device = info.st_dev;
  file->inode = info.st_ino;
  return true;
}

static bool find_file(target_file *file, const char *path, dg_error *err) {
  struct stat info;
  *file = (target_file){.there = stat(path, &info) == 0};
  if (!file->there) return find_missing(file, path, err);
  file->counts = S_ISREG(info.st_mode);
  file->device = info.st_dev;
  file->inode = info.st_ino;
  return true;
}

static bool is_same(const target_file *a, const target_file *b) {
  return a->counts && b->counts && a->there == b->there && a->device == b->device &&
         a->inode == b->inode && (a->there || strcmp(a->rest, b->rest) == 0);
}

/* ---- outputs ------------------------------------------------------------ */

static bool add(targets *t, target out, dg_error *err) {
  char whole[PATH_SIZE];
  if (!out.path) return true;
  if (t->count == TARGETS) return dg_fail(err, DG_ERR_INPUT, "more than %d outputs", TARGETS);
  if (snprintf(whole, sizeof whole, "%s%s%s", out.path, out.between, out.name) >= (int)sizeof whole)
    return dg_fail(err, DG_ERR_INPUT, "%s %.80s…: the path is too long; use a shorter one",
                   out.option, out.path);
  target *own = &t->output[t->count++];
  *own = out;
  if (!find_file(&own->file, whole, err)) return false;
  for (const target *other = t->output; other < own; other++)
    if (is_same(&own->file, &other->file))
      return dg_fail(err, DG_ERR_INPUT, "%s and %s both write to %s; give one another file",
                     other->option, out.option, whole);
  return true;
}

bool targets_write(targets *t, const char *option, const char *path, const char *over,
                   dg_error *err) {
  return add(t, (target){option, path, "", "", over, {0}}, err);
}

bool targets_write_in(targets *t, const char *option, const char *folder, const char *name,
                      dg_error *err) {
  return add(t, (target){option, folder, "/", name, NULL, {0}}, err);
}

bool targets_write_beside(targets *t, const char *option, const char *path, const char *ending,
                          const char *over, dg_error *err) {
  return add(t, (target){option, path, "", ending, over, {0}}, err);
}

void targets_close(targets *t) {
  for (unsigned i = 0; i < t->count; i++) free(t->output[i].file.path);
  *t = (targets){0};
}

/* ---- inputs ------------------------------------------------------------- */

bool targets_read(const targets *t, const char *what, const char *path, dg_error *err) {
  target_file file;
  struct stat info;
  if (!path || stat(path, &info) != 0 || !find_file(&file, path, err)) return true;
  for (const target *out = t->output; out < t->output + t->count; out++)
    if (is_same(&file, &out->file) && !(out->over && strcmp(out->over, what) == 0))
      return dg_fail(err, DG_ERR_INPUT,
                     "%s %s%s%s would write over %s, which %s read from; give another file",
                     out->option, out->path, out->between, out->name, path, what);
  return true;
}

/** A set whose files are being listed. */
typedef struct {
  const targets *targets;
  const char *what;
} told_set;

static bool read_file(void *user, const char *path, dg_error *err) {
  const told_set *set = user;
  return targets_read(set->targets, set->what, path, err);
}

bool targets_read_set(const targets *t, const char *what, const char *path, dg_error *err) {
  told_set set = {t, what};
  return !path || t->count == 0 || dg_dataset_files(path, read_file, &set, err);
}

bool targets_read_model(const targets *t, const char *model, dg_error *err) {
  char path[DG_PATH_SIZE]; /* an unknown name is reported when the file is opened */
  return !model || !dg_model_find(model, path, NULL) || targets_read(t, "the model is", path, err);
}

bool targets_read_weights(const targets *t, const char *weights, dg_error *err) {
  char path[DG_PATH_SIZE];
  return !weights || !dg_weights_find(weights, path, NULL) ||
         targets_read(t, "the weights are", path, err);
}
