#include "core/data/idx/idx_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/data/arrays/numbers.h"
#include "core/data/idx/idx.h"

static const char names_file[] = "classes.txt";

enum { FILES = 6, MAX_PATH_LENGTH = 4096, MAX_NAME_LENGTH = 64 };

/** What a file holds. */
typedef enum { IMAGES, LABELS, TARGETS } role;

/** What the files of a part are called: by MNIST, and by others, behind what theirs begin with. */
typedef struct {
  const char *mnist, *others;
  role role;
} base;

static const base bases[FILES] = {
    {"train-images", "train-images", IMAGES},    {"train-labels", "train-labels", LABELS},
    {"t10k-images", "test-images", IMAGES},      {"t10k-labels", "test-labels", LABELS},
    {"train-targets", "train-targets", TARGETS}, {"t10k-targets", "test-targets", TARGETS}};

/* What names begin with: those of MNIST with nothing. */
static const char *const families[] = {"",
                                       "qmnist-",
                                       "emnist-balanced-",
                                       "emnist-byclass-",
                                       "emnist-bymerge-",
                                       "emnist-digits-",
                                       "emnist-letters-",
                                       "emnist-mnist-"};
enum { EMNIST = 2, FAMILIES = sizeof families / sizeof *families };

/** What names end in: the form of the array. */
typedef struct {
  char text[16];
  unsigned rank, type;
} ending;

#define ALL_RANKS(name, type)                                                                      \
  {"idx3-" name, 3, type}, {"idx4-" name, 4, type}, {"idx2-" name, 2, type}, {                     \
    "idx1-" name, 1, type                                                                          \
  }
static const ending array_endings[] = {ALL_RANKS("ubyte", 0x08),  ALL_RANKS("float", 0x0d),
                                       ALL_RANKS("double", 0x0e), ALL_RANKS("byte", 0x09),
                                       ALL_RANKS("short", 0x0b),  ALL_RANKS("int", 0x0c)};
/* Labels in bytes, or as QMNIST has them. */
static const ending label_endings[] = {{"idx1-ubyte", 1, 0x08}, {"idx2-int", 2, 0x0c}};
enum {
  ARRAY_ENDINGS = sizeof array_endings / sizeof *array_endings,
  LABEL_ENDINGS = sizeof label_endings / sizeof *label_endings
};

/* Forms of a name: gzipped or not; a dash or a dot before "idx"; an ending; a family. */
enum { GZIPPED = 1, DOTTED = 2, PLAIN_FORMS = 4 };

static unsigned endings_of(const base *of) {
  return of->role == LABELS ? LABEL_ENDINGS : ARRAY_ENDINGS;
}

static unsigned forms_of(const base *of) {
  return PLAIN_FORMS * endings_of(of) * FAMILIES;
}

static unsigned family_of(const base *of, unsigned form) {
  return form / PLAIN_FORMS / endings_of(of);
}

static const ending *ending_of(const base *of, unsigned form) {
  return (of->role == LABELS ? label_endings : array_endings) + form / PLAIN_FORMS % endings_of(of);
}

/** Writes the name of a form. */
static void file_name(char name[MAX_NAME_LENGTH], const base *of, unsigned form) {
  const unsigned family = family_of(of, form);
  snprintf(name, MAX_NAME_LENGTH, "%s%s%c%s%s", families[family], family ? of->others : of->mnist,
           form & DOTTED ? '.' : '-', ending_of(of, form)->text, form & GZIPPED ? ".gz" : "");
}

static bool fail_missing(const char *folder, const base *of, dg_error *err) {
  char names[PLAIN_FORMS][MAX_NAME_LENGTH];
  for (unsigned i = 0; i < PLAIN_FORMS; i++) file_name(names[i], of, i);
  struct stat info;
  bool exists = stat(folder, &info) == 0;
  if (!exists)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: no such file or folder; give a folder of IDX files such as MNIST's or of "
                   "pictures for each class, a table, or another set that there is, or use the "
                   "built-in digits",
                   folder);
  const char *what = !S_ISDIR(info.st_mode) ? "not a folder" : "a file is missing";
  return dg_fail(
      err, DG_ERR_INPUT,
      "%s: %s: looked there for %s, %s, %s and %s, and for the names of QMNIST and EMNIST; "
      "put MNIST's four files there, or a folder of pictures for each class, or use the "
      "built-in digits",
      folder, what, names[0], names[1], names[2], names[3]);
}

static bool join_path(char path[MAX_PATH_LENGTH], const char *folder, const char *name,
                      dg_error *err) {
  return snprintf(path, MAX_PATH_LENGTH, "%s/%s", folder, name) < MAX_PATH_LENGTH ||
         dg_fail(err, DG_ERR_INPUT, "%.80s...: the path is too long; use a shorter one", folder);
}

/* ---- reading ------------------------------------------------------------ */

/** A set that is being read. */
typedef struct {
  const char *folder;
  const dg_dataset_options *options;
  unsigned family; /**< of EMNIST; below EMNIST: MNIST's names and QMNIST's */
  dg_error *err;
} reading;

/** Finds a file under any of its names: its path and its form; false: none. */
static bool find_form(const reading *r, const base *of, char path[MAX_PATH_LENGTH],
                      unsigned *form) {
  for (*form = 0; *form < forms_of(of); ++*form) {
    const unsigned family = family_of(of, *form);
    char name[MAX_NAME_LENGTH];
    struct stat info;
    if (r->family < EMNIST ? family >= EMNIST : family != r->family) continue;
    file_name(name, of, *form);
    if (join_path(path, r->folder, name, NULL) && stat(path, &info) == 0) return true;
  }
  return false;
}

/** Chooses the names: EMNIST's if the folder has some of one of its sets, and of no other. */
static bool find_family(reading *r) {
  char path[MAX_PATH_LENGTH];
  unsigned form;
  const char *found = NULL;
  r->family = 0;
  if (find_form(r, &bases[0], path, &form)) return true;
  for (unsigned f = EMNIST; f < FAMILIES; f++) {
    reading other = {r->folder, r->options, f, r->err};
    if (!find_form(&other, &bases[0], path, &form)) continue;
    if (found)
      return dg_fail(r->err, DG_ERR_INPUT,
                     "%s: it holds several sets, %simages and %simages; put one in a folder of its "
                     "own",
                     r->folder, found, families[f]);
    found = families[f];
    r->family = f;
  }
  return true;
}

/** Exchanges rows and columns of all planes of an array [.., height, width]. */
static bool transpose(dg_numbers *a, dg_error *err) {
  if (a->rank < 3) return true;
  const uint64_t height = a->dim[a->rank - 2], width = a->dim[a->rank - 1];
  const size_t unit = dg_element_size(a->element);
  if (!dg_numbers_check(a, err)) return false;
  dg_mapping mapping;
  uint8_t *turned = dg_numbers_room(a, a->count * unit, &mapping, err), *to = turned;
  if (!turned) return false;
  for (uint64_t plane = 0; plane < a->count; plane += height * width)
    for (uint64_t x = 0; x < width; x++)
      for (uint64_t y = 0; y < height; y++, to += unit)
        memcpy(to, a->bytes + (plane + y * width + x) * unit, unit);
  dg_numbers_replace(a, turned, &mapping);
  a->dim[a->rank - 2] = width;
  a->dim[a->rank - 1] = height;
  return true;
}

/** Reads an array of the folder. `path` is where, for messages. */
static bool read_array(const reading *r, const base *of, dg_numbers *numbers,
                       char path[MAX_PATH_LENGTH]) {
  unsigned form;
  dg_idx array;
  if (!find_form(r, of, path, &form)) return fail_missing(r->folder, of, r->err);
  const ending *end = ending_of(of, form);
  const uint64_t in_memory = r->options->in_memory;
  if (!dg_idx_read_large(&array, path, end->rank, end->type, in_memory, r->err)) return false;
  *numbers = (dg_numbers){.path = path,
                          .name = "",
                          .rank = array.rank,
                          .big_endian = true,
                          .channels_first = true,
                          .count = 1,
                          .bytes = array.bytes,
                          .mapping = array.mapping,
                          .in_memory = in_memory};
  dg_idx_element(array.type, &numbers->element);
  for (uint32_t d = 0; d < array.rank; d++) numbers->count *= numbers->dim[d] = array.dims[d];
  return true;
}

static bool check_count(const reading *r, const dg_samples *samples, const base *images,
                        const base *of, uint64_t count) {
  return count == samples->count ||
         dg_fail(r->err, DG_ERR_INPUT,
                 "%s: %s has %" PRIu64 " in dimension 1, but %s has %" PRIu32
                 "; download both again",
                 r->folder, of->mnist, count, images->mnist, samples->count);
}

static bool read_inputs(const reading *r, dg_samples *samples, const base *of) {
  char path[MAX_PATH_LENGTH];
  dg_numbers a = {0};
  const bool turned = r->options->transpose || r->family >= EMNIST;
  bool ok = read_array(r, of, &a, path) && (!turned || transpose(&a, r->err)) &&
            dg_numbers_to_inputs(&a, samples, r->options, r->err);
  dg_numbers_free(&a);
  return ok;
}

static bool read_labels(const reading *r, dg_samples *samples, const base *images, const base *of) {
  char path[MAX_PATH_LENGTH];
  unsigned form;
  dg_idx labels;
  if (!find_form(r, of, path, &form)) return fail_missing(r->folder, of, r->err);
  if (!dg_idx_read_labels(&labels, path, r->err)) return false;
  samples->labels = labels.bytes;
  return check_count(r, samples, images, of, labels.dims[0]);
}

static bool read_targets(const reading *r, dg_samples *samples, const base *images,
                         const base *of) {
  char path[MAX_PATH_LENGTH];
  dg_numbers a = {0};
  bool ok = read_array(r, of, &a, path) && check_count(r, samples, images, of, a.dim[0]) &&
            dg_numbers_to_targets(&a, samples, r->err);
  dg_numbers_free(&a);
  return ok;
}

/** Reads a part; on failure the caller frees. Labels that are there are read, else targets. */
static bool read_samples(const reading *r, dg_samples *samples, unsigned part) {
  const base *images = &bases[2 * part], *labels = &bases[2 * part + 1],
             *targets = &bases[4 + part];
  char path[MAX_PATH_LENGTH];
  unsigned form;
  if (!read_inputs(r, samples, images)) return false;
  return !find_form(r, labels, path, &form) && find_form(r, targets, path, &form)
             ? read_targets(r, samples, images, targets)
             : read_labels(r, samples, images, labels);
}

static bool check_same_kind(const dg_dataset *set, const char *folder, dg_error *err) {
  const dg_sample_kind *train = &set->train.kind, *test = &set->test.kind;
  char a[64], b[64];
  if (train->shape.rank == 3 && test->shape.rank == 3 && train->shape.dim[0] == 1 &&
      test->shape.dim[0] == 1 && !dg_shape_equal(&train->shape, &test->shape))
    return dg_fail(
        err, DG_ERR_INPUT,
        "%s: t10k-images has images of %" PRIu32 "x%" PRIu32
        " (dimensions 2 and 3), but train-images of %" PRIu32 "x%" PRIu32 "; download both again",
        folder, test->shape.dim[1], test->shape.dim[2], train->shape.dim[1], train->shape.dim[2]);
  return dg_kind_equal(train, test) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: samples to test are of %s (%s, %u targets), but those to learn from of %s "
                 "(%s, %u targets)",
                 folder, dg_kind_text(test, b, sizeof b), test->type ? "floats" : "bytes",
                 test->targets, dg_kind_text(train, a, sizeof a), train->type ? "floats" : "bytes",
                 train->targets);
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

static bool read_set(dg_dataset *set, reading *r) {
  if (!find_family(r) || !read_samples(r, &set->train, 0) || !read_samples(r, &set->test, 1) ||
      !check_same_kind(set, r->folder, r->err))
    return false;
  dg_dataset_count_classes(set);
  return read_names(set, r->folder, r->err);
}

dg_dataset *dg_idx_folder_read(const char *folder, const dg_dataset_options *options,
                               dg_error *err) {
  dg_dataset *set = dg_dataset_new(folder, err);
  if (set && read_set(set, &(reading){folder, options, 0, err})) return set;
  dg_dataset_close(set);
  return NULL;
}

/* ---- writing ------------------------------------------------------------ */

/** The inputs of a part as an array. Its bytes belong to the set. */
static dg_idx inputs_of(const dg_samples *s) {
  const dg_shape *shape = &s->kind.shape;
  const bool gray = shape->rank == 3 && shape->dim[0] == 1;
  const uint32_t *dim = shape->dim + gray;
  return (dg_idx){.rank = 1 + shape->rank - gray,
                  .dims = {s->count, dim[0], shape->rank > 1 ? dim[1] : 0,
                           shape->rank == 3 && !gray ? dim[2] : 0},
                  .type = s->kind.type == DG_NUMBERS_FLOATS ? DG_IDX_FLOAT : DG_IDX_BYTE,
                  .bytes = s->inputs};
}

/** Its labels or targets. */
static dg_idx targets_of(const dg_samples *s) {
  const dg_sample_kind *k = &s->kind;
  if (!k->targets)
    return (dg_idx){.rank = 1, .dims = {s->count}, .type = DG_IDX_BYTE, .bytes = s->labels};
  return (dg_idx){.rank = 2,
                  .dims = {s->count, k->targets},
                  .type = k->targets_type == DG_NUMBERS_FLOATS ? DG_IDX_FLOAT : DG_IDX_BYTE,
                  .bytes = s->targets};
}

/** The form of MNIST's name that tells what an array is. */
static unsigned form_of(const base *of, const dg_idx *array, bool gzip) {
  unsigned form = 0;
  while (ending_of(of, form)->rank != array->rank || ending_of(of, form)->type != array->type)
    form += PLAIN_FORMS;
  return form + (gzip ? GZIPPED : 0);
}

/** The first of the files that exists in a folder under any of its names, even as a broken link;
    `path` is empty if there is none. */
static bool find_file(char path[MAX_PATH_LENGTH], const char *folder, dg_error *err) {
  for (const base *of = bases; of < bases + FILES; of++)
    for (unsigned form = 0; form < forms_of(of); form++) {
      char name[MAX_NAME_LENGTH];
      struct stat info;
      file_name(name, of, form);
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
  for (const base *of = bases; of < bases + FILES; of++)
    for (unsigned form = 0; form < forms_of(of); form++) {
      file_name(name, of, form);
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

/** Writes inputs or targets of a part; `path` gets where. */
static bool write_array(const dg_samples *samples, bool inputs, bool test, const char *folder,
                        bool gzip, char path[MAX_PATH_LENGTH], dg_error *err) {
  const base *of = inputs                  ? &bases[2 * test]
                   : samples->kind.targets ? &bases[4 + test]
                                           : &bases[2 * test + 1];
  const dg_idx array = inputs ? inputs_of(samples) : targets_of(samples);
  char name[MAX_NAME_LENGTH];
  file_name(name, of, form_of(of, &array, gzip));
  return join_path(path, folder, name, err) && dg_idx_write(&array, path, gzip, err);
}

bool dg_dataset_write(const dg_dataset *set, const char *folder, bool gzip, dg_error *err) {
  enum { WRITTEN = 4 };
  char paths[WRITTEN][MAX_PATH_LENGTH];
  unsigned written = 0;
  if (set->train.lengths || set->test.lengths)
    return dg_fail(err, DG_ERR_INPUT,
                   "%.400s: its sequences have unequal lengths, which IDX files can't hold",
                   set->source);
  if (!check_empty(folder, err)) return false;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return dg_fail(err, DG_ERR_RUNTIME, "%s: the folder can't be made: %s", folder,
                   strerror(errno));
  for (; written < WRITTEN; written++)
    if (!write_array(written < 2 ? &set->train : &set->test, written % 2 == 0, written >= 2, folder,
                     gzip, paths[written], err))
      break;
  if (written == WRITTEN && write_names(set, folder, err)) return true;
  while (written-- > 0) unlink(paths[written]);
  return false;
}
