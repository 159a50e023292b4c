/** Opens data sets: chooses the reader for a path. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/file/entries.h"
#include "core/base/sized.h"
#include "core/data/csv/table.h"
#include "core/data/drawn/builtin.h"
#include "core/data/drawn/draw.h"
#include "core/data/idx/idx_folder.h"
#include "core/data/kinds.h"
#include "core/data/pictures/pictures.h"
#include "digits/data.h"

enum { BUILTIN_TRAIN = 60000, BUILTIN_TEST = 10000 };

/** Is it the name of a set that the library draws, not a path? */
static bool is_builtin(const char *path) {
  static const char name[] = "builtin";
  const size_t length = sizeof name - 1;
  return strncmp(path, name, length) == 0 && (path[length] == '\0' || path[length] == ':');
}

/** Refuses options of tables for a set that is none; one to test may be of another kind. */
static bool check_no_table(const char *path, const dg_dataset_options *o, dg_error *err) {
  struct stat info;
  const bool given = o->label || o->targets || o->decimal_comma || o->missing;
  if (o->like || !given || (!is_builtin(path) && stat(path, &info) != 0)) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%.400s: labels, targets, missing values and decimal commas are named for tables, "
                 "and this is none",
                 path);
}

/** Refuses a folder around the only folder that is a set. */
static bool check_inside(const char *path, dg_error *err) {
  dg_entries folders = {0};
  const bool one = dg_list_folders(&folders, path, NULL) && folders.count == 1;
  char *inside = one && !dg_is_idx_folder(path) ? dg_path_join(path, folders.name[0], NULL) : NULL;
  const bool set = inside && (dg_data_kind_of(inside) || dg_is_idx_folder(inside));
  if (set)
    dg_fail(err, DG_ERR_INPUT, "%.200s: the set is in a folder of this one: give %.200s", path,
            inside);
  free(inside);
  dg_entries_free(&folders);
  return !set;
}

static dg_dataset *open_builtin(const char *name, const dg_dataset_options *options,
                                dg_error *err) {
  if (strcmp(name, "builtin:table") == 0) return dg_builtin_table(options, err);
  if (strcmp(name, "builtin:colour") == 0) {
    dg_dataset_options others = *options;
    others.label = others.targets = NULL; /* it has some */
    return check_no_table(name, &others, err) ? dg_builtin_colour(options, err) : NULL;
  }
  if (!check_no_table(name, options, err)) return NULL;
  if (strcmp(name, "builtin:signals") == 0) return dg_builtin_signals(false, err);
  if (strcmp(name, "builtin:signals-unequal") == 0) return dg_builtin_signals(true, err);
  if (strcmp(name, "builtin") == 0)
    return dg_dataset_draw(BUILTIN_TRAIN, BUILTIN_TEST, DG_DIGITS_SEED, options->threads, err);
  dg_fail(err, DG_ERR_INPUT,
          "there is no built-in set \"%.80s\"; there are builtin (digits), builtin:colour, "
          "builtin:signals, builtin:signals-unequal and builtin:table",
          name);
  return NULL;
}

dg_dataset *dg_dataset_open_with(const char *path, const dg_dataset_options *given, dg_error *err) {
  struct stat info;
  dg_dataset_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_dataset_options", err)) return NULL;
  if (is_builtin(path)) return open_builtin(path, &options, err);
  const dg_data_kind *kind = dg_data_kind_of(path);
  if (kind) {
    dg_dataset_options others = options;
    others.targets = NULL; /* arrays may have them, too */
    return check_no_table(path, &others, err) ? kind->read(path, &options, err) : NULL;
  }
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
    return dg_dataset_from_table(path, &options, err);
  if (!check_no_table(path, &options, err) || !check_inside(path, err)) return NULL;
  return dg_is_idx_folder(path) || !dg_is_pictures(path)
             ? dg_idx_folder_read(path, &options, err)
             : dg_dataset_from_pictures(path, &options, err);
}

dg_dataset *dg_dataset_open(const char *path, unsigned threads, dg_error *err) {
  const dg_dataset_options options = {.size = sizeof options, .threads = threads};
  return dg_dataset_open_with(path, &options, err);
}

bool dg_dataset_files(const char *path, dg_dataset_file *file, void *user, dg_error *err) {
  struct stat info;
  if (is_builtin(path) || stat(path, &info) != 0) return true;
  const dg_data_kind *kind = dg_data_kind_of(path);
  if (kind && kind->files) return kind->files(path, file, user, err);
  if (!S_ISDIR(info.st_mode)) return file(user, path, err);
  return dg_is_idx_folder(path) ? dg_idx_folder_files(path, file, user, err)
                                : dg_pictures_files(path, file, user, err);
}
