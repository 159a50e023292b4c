/** Opens data sets: chooses the reader for a path. */
#include <string.h>
#include <sys/stat.h>

#include "core/base/sized.h"
#include "core/data/csv/table.h"
#include "core/data/drawn/draw.h"
#include "core/data/idx/idx_folder.h"
#include "core/data/kinds.h"
#include "core/data/pictures/pictures.h"
#include "digits/data.h"

enum { BUILTIN_TRAIN = 60000, BUILTIN_TEST = 10000 };

dg_dataset *dg_dataset_open_with(const char *path, const dg_dataset_options *given, dg_error *err) {
  struct stat info;
  dg_dataset_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_dataset_options", err)) return NULL;
  if (strcmp(path, "builtin") == 0)
    return dg_dataset_draw(BUILTIN_TRAIN, BUILTIN_TEST, DG_DIGITS_SEED, options.threads, err);
  const dg_data_kind *kind = dg_data_kind_of(path);
  if (kind) return kind->read(path, &options, err);
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
    return dg_dataset_from_table(path, &options, err);
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
  if (strcmp(path, "builtin") == 0 || stat(path, &info) != 0) return true;
  const dg_data_kind *kind = dg_data_kind_of(path);
  if (kind && kind->files) return kind->files(path, file, user, err);
  if (!S_ISDIR(info.st_mode)) return file(user, path, err);
  return dg_is_idx_folder(path) ? dg_idx_folder_files(path, file, user, err)
                                : dg_pictures_files(path, file, user, err);
}
