#include "core/data/kinds.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/data/arrays/npy_files.h"
#include "core/data/arrays/npz.h"
#include "core/data/cifar/cifar.h"
#include "core/data/idx/idx_folder.h"
#include "core/data/series/ucr.h"

static bool ends_with(const char *path, const char *end) {
  const size_t length = strlen(path), size = strlen(end);
  return length > size && strcasecmp(path + length - size, end) == 0;
}

static bool is_file(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_npy(const char *path) {
  return is_file(path) ? ends_with(path, ".npy") : dg_is_npy_folder(path);
}

static const dg_data_kind kinds[] = {
    {dg_is_npz, dg_dataset_from_npz, NULL},
    {is_npy, dg_dataset_from_npy, dg_npy_files},
    {dg_is_ucr, dg_dataset_from_ucr, dg_ucr_files},
    {dg_is_cifar, dg_dataset_from_cifar, dg_cifar_files},
};

const dg_data_kind *dg_data_kind_of(const char *path) {
  if (!is_file(path) && dg_is_idx_folder(path)) return NULL;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].is(path)) return &kinds[i];
  return NULL;
}
