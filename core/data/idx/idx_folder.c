#include "core/data/idx/idx_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/data/idx/idx.h"

static const char names_file[] = "classes.txt";

enum { FILES = 4, MAX_PATH_LENGTH = 4096, MAX_NAME_LENGTH = 64 };

/** What the files of a part are called: by MNIST, and by QMNIST. */
typedef struct {
  const char *mnist, *qmnist;
  bool labels;
} base;

/* Forms of a name: gzipped or not; a dash or a dot before "idx"; labels in bytes or as QMNIST has
   them; MNIST's names or QMNIST's. */
enum { GZIPPED = 1, DOTTED = 2, ROWS = 4, OTHER = 8, NAME_FORMS = 16 };

static const base bases[FILES] = {{"train-images", "qmnist-train-images", false},
                                  {"train-labels", "qmnist-train-labels", true},
                                  {"t10k-images", "qmnist-test-images", false},
                                  {"t10k-labels", "qmnist-test-labels", true}};

/** Writes the name of a form; images have no form ROWS. */
static bool file_name(char name[MAX_NAME_LENGTH], const base *of, unsigned form) {
  if (form & ROWS && !of->labels) return false;
  snprintf(name, MAX_NAME_LENGTH, "%s%c%s%s", form & OTHER ? of->qmnist : of->mnist,
           form & DOTTED ? '.' : '-',
           !of->labels   ? "idx3-ubyte"
           : form & ROWS ? "idx2-int"
                         : "idx1-ubyte",
           form & GZIPPED ? ".gz" : "");
  return true;
}

static bool fail_missing(const char *folder, const base *of, dg_error *err) {
  char names[ROWS][MAX_NAME_LENGTH];
  for (unsigned i = 0; i < ROWS; i++) file_name(names[i], of, i);
  struct stat info;
  bool exists = stat(folder, &info) == 0;
  const char *what = !exists                  ? "no such folder"
                     : !S_ISDIR(info.st_mode) ? "not a folder"
                                              : "a file is missing";
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: %s: looked there for %s, %s, %s and %s, and for QMNIST's names; "
                 "put MNIST's four files there, or a folder of pictures for each class, or use the "
                 "built-in digits",
                 folder, what, names[0], names[1], names[2], names[3]);
}

static bool join_path(char path[MAX_PATH_LENGTH], const char *folder, const char *name,
                      dg_error *err) {
  return snprintf(path, MAX_PATH_LENGTH, "%s/%s", folder, name) < MAX_PATH_LENGTH ||
         dg_fail(err, DG_ERR_INPUT, "%.80s...: the path is too long; use a shorter one", folder);
}

/** Reads a file of the folder, under any of its names. */
static bool read_file(dg_idx *array, const char *folder, const base *of, dg_error *err) {
  for (unsigned i = 0; i < NAME_FORMS; i++) {
    char name[MAX_NAME_LENGTH], path[MAX_PATH_LENGTH];
    struct stat info;
    if (!file_name(name, of, i)) continue;
    if (!join_path(path, folder, name, err)) return false;
    if (stat(path, &info) == 0)
      return of->labels ? dg_idx_read_labels(array, path, err) : dg_idx_read(array, path, 3, err);
  }
  return fail_missing(folder, of, err);
}

/** Reads the images and labels of a part, whose names are in `of`; on failure the caller frees. */
static bool read_samples(dg_samples *samples, const char *folder, const base of[2], dg_error *err) {
  dg_idx images, labels;
  if (!read_file(&images, folder, &of[0], err)) return false;
  samples->inputs = images.bytes;
  if (!read_file(&labels, folder, &of[1], err)) return false;
  samples->labels = labels.bytes;
  samples->count = images.dims[0];
  samples->kind = dg_gray_kind(images.dims[1], images.dims[2]);
  if (labels.dims[0] != images.dims[0])
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: %s has %" PRIu32 " in dimension 1, but %s has %" PRIu32
                   "; download both again",
                   folder, of[1].mnist, labels.dims[0], of[0].mnist, images.dims[0]);
  return true;
}

static bool check_same_size(const dg_dataset *set, const char *folder, dg_error *err) {
  const dg_shape *train = &set->train.kind.shape, *test = &set->test.kind.shape;
  if (dg_shape_equal(train, test)) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: t10k-images has images of %" PRIu32 "x%" PRIu32
                 " (dimensions 2 and 3), but train-images of %" PRIu32 "x%" PRIu32
                 "; download both again",
                 folder, test->dim[1], test->dim[2], train->dim[1], train->dim[2]);
}

/** Reads the names of the classes if the folder has them. */
static bool read_names(dg_dataset *set, const char *folder, dg_error *err) {
  char path[MAX_PATH_LENGTH];
  struct stat info;
  dg_classes names;
  if (!join_path(path, folder, names_file, err)) return false;
  if (stat(path, &info) != 0) return true;
  if (!S_ISREG(info.st_mode))
    return dg_fail(err, DG_ERR_INPUT, "%s: expected a file; remove it", path);
  return dg_classes_read(&names, path, err) && dg_dataset_set_classes(set, &names, path, err);
}

static bool read_set(dg_dataset *set, const char *folder, dg_error *err) {
  if (!read_samples(&set->train, folder, bases, err) ||
      !read_samples(&set->test, folder, bases + 2, err) || !check_same_size(set, folder, err))
    return false;
  dg_dataset_count_classes(set);
  return read_names(set, folder, err);
}

dg_dataset *dg_idx_folder_read(const char *folder, dg_error *err) {
  dg_dataset *set = dg_dataset_new(folder, err);
  if (set && read_set(set, folder, err)) return set;
  dg_dataset_close(set);
  return NULL;
}

/* ---- writing ------------------------------------------------------------ */

/** One of the four files as an array. Its bytes belong to the set. */
static dg_idx array_of(const dg_dataset *set, unsigned file) {
  const dg_samples *s = file < 2 ? &set->train : &set->test;
  return (dg_idx){.rank = bases[file].labels ? 1 : 3,
                  .dims = {s->count, s->kind.shape.dim[1], s->kind.shape.dim[2]},
                  .bytes = bases[file].labels ? s->labels : s->inputs};
}

/** The first of the files that exists in a folder under any of its names, even as a broken link;
    `path` is empty if there is none. */
static bool find_file(char path[MAX_PATH_LENGTH], const char *folder, dg_error *err) {
  for (unsigned i = 0; i < FILES * NAME_FORMS; i++) {
    char name[MAX_NAME_LENGTH];
    struct stat info;
    if (!file_name(name, &bases[i / NAME_FORMS], i % NAME_FORMS)) continue;
    if (!join_path(path, folder, name, err)) return false;
    if (lstat(path, &info) == 0) return true;
  }
  *path = '\0';
  return true;
}

bool dg_is_idx_folder(const char *folder) {
  char path[MAX_PATH_LENGTH];
  return find_file(path, folder, NULL) && *path;
}

bool dg_idx_folder_files(const char *folder, dg_dataset_file *file, void *user, dg_error *err) {
  char path[MAX_PATH_LENGTH], name[MAX_NAME_LENGTH];
  for (unsigned i = 0; i < FILES * NAME_FORMS; i++) {
    if (!file_name(name, &bases[i / NAME_FORMS], i % NAME_FORMS)) continue;
    if (!join_path(path, folder, name, err) || !file(user, path, err)) return false;
  }
  return join_path(path, folder, names_file, err) && file(user, path, err);
}

/** Refuses a folder that holds one of the files. */
static bool check_empty(const char *folder, dg_error *err) {
  char path[MAX_PATH_LENGTH];
  struct stat info;
  if (!find_file(path, folder, err)) return false;
  if (!*path && (!join_path(path, folder, names_file, err) || lstat(path, &info) != 0)) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%s is there already; choose another folder, or remove the old set", path);
}

/** Writes the names of the classes, one per line, if they have some. */
static bool write_names(const dg_dataset *set, const char *folder, dg_error *err) {
  char path[MAX_PATH_LENGTH];
  dg_new_file file;
  if (set->names.count == 0) return true;
  if (!join_path(path, folder, names_file, err) || !dg_file_begin(&file, path, err)) return false;
  for (uint32_t i = 0; i < set->names.count; i++) {
    dg_file_write(&file, set->names.name[i], strlen(set->names.name[i]));
    dg_file_write(&file, "\n", 1);
  }
  return dg_file_commit(&file, err);
}

bool dg_dataset_write(const dg_dataset *set, const char *folder, bool gzip, dg_error *err) {
  char paths[FILES][MAX_PATH_LENGTH];
  unsigned written = 0;
  if (!check_empty(folder, err)) return false;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return dg_fail(err, DG_ERR_RUNTIME, "%s: the folder can't be made: %s", folder,
                   strerror(errno));
  for (; written < FILES; written++) {
    char name[MAX_NAME_LENGTH];
    dg_idx array = array_of(set, written);
    file_name(name, &bases[written], gzip ? GZIPPED : 0);
    if (!join_path(paths[written], folder, name, err) ||
        !dg_idx_write(&array, paths[written], gzip, err))
      break;
  }
  if (written == FILES && write_names(set, folder, err)) return true;
  while (written-- > 0) unlink(paths[written]);
  return false;
}
