#include "tools/common/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/file/target.h"
#include "digits/data.h"
#include "digits/model.h"

enum { PATH_ROOM = 4096 };

/* ---- places ------------------------------------------------------------- */

/** Finds the nearest folder above a file that is not there. */
static bool place_missing(target_place *place, const char *path, dg_error *err) {
  struct stat info;
  place->path = dg_file_target(path, err);
  char *folder = place->path ? dg_folder_of(place->path) : NULL;
  while (folder && stat(folder, &info) != 0 && strcmp(folder, ".") != 0 &&
         strcmp(folder, "/") != 0) {
    char *above = dg_folder_of(folder);
    free(folder);
    folder = above;
  }
  if (!place->path) return false;
  if (!folder) return dg_fail_memory(err, strlen(path));
  place->rest = place->path + (strcmp(folder, ".") == 0 ? 0 : strlen(folder));
  place->rest += strspn(place->rest, "/");
  free(folder);
  place->counts = true;
  place->device = info.st_dev;
  place->inode = info.st_ino;
  return true;
}

static bool find_place(target_place *place, const char *path, dg_error *err) {
  struct stat info;
  *place = (target_place){.there = stat(path, &info) == 0};
  if (!place->there) return place_missing(place, path, err);
  place->counts = S_ISREG(info.st_mode);
  place->device = info.st_dev;
  place->inode = info.st_ino;
  return true;
}

static bool is_same(const target_place *a, const target_place *b) {
  return a->counts && b->counts && a->there == b->there && a->device == b->device &&
         a->inode == b->inode && (a->there || strcmp(a->rest, b->rest) == 0);
}

/* ---- outputs ------------------------------------------------------------ */

static bool add(targets *t, target out, dg_error *err) {
  char whole[PATH_ROOM];
  if (!out.path) return true;
  if (t->count == TARGETS) return dg_fail(err, DG_ERR_INPUT, "more than %d outputs", TARGETS);
  if (snprintf(whole, sizeof whole, "%s%s%s", out.path, out.between, out.name) >= (int)sizeof whole)
    return dg_fail(err, DG_ERR_INPUT, "%s %.80s…: the path is too long; use a shorter one",
                   out.option, out.path);
  target *own = &t->output[t->count++];
  *own = out;
  if (!find_place(&own->place, whole, err)) return false;
  for (const target *other = t->output; other < own; other++)
    if (is_same(&own->place, &other->place))
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
  for (unsigned i = 0; i < t->count; i++) free(t->output[i].place.path);
  *t = (targets){0};
}

/* ---- inputs ------------------------------------------------------------- */

bool targets_read(const targets *t, const char *what, const char *path, dg_error *err) {
  target_place place;
  struct stat info;
  if (!path || stat(path, &info) != 0 || !find_place(&place, path, err)) return true;
  for (const target *out = t->output; out < t->output + t->count; out++)
    if (is_same(&place, &out->place) && !(out->over && strcmp(out->over, what) == 0))
      return dg_fail(err, DG_ERR_INPUT,
                     "%s %s%s%s would write over %s, which %s read from; give another file",
                     out->option, out->path, out->between, out->name, path, what);
  return true;
}

/** A set while its files are told. */
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
  char path[DG_PATH_SIZE]; /* a name that is unknown is told where the file is opened */
  return !model || !dg_model_find(model, path, NULL) || targets_read(t, "the model is", path, err);
}

bool targets_read_weights(const targets *t, const char *weights, dg_error *err) {
  char path[DG_PATH_SIZE];
  return !weights || !dg_weights_find(weights, path, NULL) ||
         targets_read(t, "the weights are", path, err);
}
