/** Opens data sets: chooses the reader for a path. */
#include <string.h>
#include <sys/stat.h>

#include "core/data/csv/table.h"
#include "core/data/drawn/draw.h"
#include "core/data/idx/idx_folder.h"
#include "core/data/pictures/pictures.h"
#include "digits/data.h"

enum { BUILTIN_TRAIN = 60000, BUILTIN_TEST = 10000 };

dg_dataset *dg_dataset_open(const char *path, unsigned threads, dg_error *err) {
  struct stat info;
  if (strcmp(path, "builtin") == 0)
    return dg_dataset_draw(BUILTIN_TRAIN, BUILTIN_TEST, DG_DIGITS_SEED, threads, err);
  if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) return dg_dataset_from_table(path, err);
  return dg_is_idx_folder(path) || !dg_is_pictures(path) ? dg_idx_folder_read(path, err)
                                                         : dg_dataset_from_pictures(path, err);
}

bool dg_dataset_files(const char *path, dg_dataset_file *file, void *user, dg_error *err) {
  struct stat info;
  if (strcmp(path, "builtin") == 0 || stat(path, &info) != 0) return true;
  if (!S_ISDIR(info.st_mode)) return file(user, path, err);
  return dg_is_idx_folder(path) ? dg_idx_folder_files(path, file, user, err)
                                : dg_pictures_files(path, file, user, err);
}
