#include "core/data/cifar/cifar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/file/entries.h"
#include "core/base/file/file.h"
#include "core/data/cifar/tar.h"
#include "core/data/classes.h"

enum { PIXELS = 3 * 32 * 32, MOST_FILES = 1024, MOST_NAMES = 1 << 20 };

/** What a file of the set is. */
typedef enum { OTHER, TRAIN, TEST, NAMES } role;

/** A file that was read. */
typedef struct {
  char name[DG_TAR_NAME];
  role role;
  unsigned labels; /**< a record: 1, of CIFAR-100: 2 */
  unsigned number; /**< of its batch */
  uint8_t *bytes;
  size_t size;
  dg_mapping mapping; /**< of the bytes, if they are not in malloc's memory */
} member;

/** A set whose files are being read. */
typedef struct {
  const char *path;
  member *members; /**< [count], with room for MOST_FILES */
  size_t count;
  uint64_t in_memory; /**< see dg_dataset_options */
  dg_error *err;
} reading;

/** Finds out what a file is by its name. */
static member member_of(const char *name) {
  member m = {.labels = 1};
  int end = 0;
  snprintf(m.name, sizeof m.name, "%s", name);
  if (sscanf(name, "data_batch_%5u.bin%n", &m.number, &end) == 1 && end && !name[end])
    m.role = TRAIN;
  else if (strcmp(name, "test_batch.bin") == 0)
    m.role = TEST;
  else if (strcmp(name, "batches.meta.txt") == 0)
    m.role = NAMES;
  else {
    m.labels = 2;
    if (strcmp(name, "train.bin") == 0) m.role = TRAIN;
    if (strcmp(name, "test.bin") == 0) m.role = TEST;
    if (strcmp(name, "fine_label_names.txt") == 0) m.role = NAMES;
  }
  return m;
}

static bool is_tar(const char *path) {
  static const char *const ends[] = {".tar.gz", ".tgz", ".tar"};
  const size_t length = strlen(path);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (length > strlen(ends[i]) && strcasecmp(path + length - strlen(ends[i]), ends[i]) == 0)
      return true;
  return false;
}

static bool list(dg_entries *files, const char *folder, dg_error *err) {
  static const char *const ends[] = {".bin", ".txt", NULL};
  return dg_list_files(files, folder, ends, err);
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool dg_is_cifar(const char *path) {
  dg_entries files = {0};
  bool found = false;
  if (!is_folder(path)) return is_tar(path);
  if (list(&files, path, NULL))
    for (size_t i = 0; i < files.count; i++) found |= member_of(files.name[i]).role == TRAIN;
  dg_entries_free(&files);
  return found;
}

/* ---- files -------------------------------------------------------------- */

/** May one more file be read? */
static bool check_more(const reading *r, const member *m) {
  for (size_t i = 0; i < r->count; i++)
    if (strcmp(r->members[i].name, m->name) == 0)
      return dg_fail(r->err, DG_ERR_INPUT, "%s: %s is in it twice", r->path, m->name);
  return r->count < MOST_FILES ||
         dg_fail(r->err, DG_ERR_INPUT, "%s: more than %d files of a set are in it", r->path,
                 MOST_FILES);
}

/** Reads a file of a folder, or maps one with many records. */
static bool read_file(const reading *r, member *m, const char *path) {
  enum { MOST = 1 << 30 };
  struct stat info;
  uint64_t size;
  if (m->role != NAMES && stat(path, &info) == 0 &&
      dg_maps_file((uint64_t)info.st_size, r->in_memory)) {
    if (!dg_map_file(&m->mapping, path, &size, r->err)) return false;
    m->bytes = m->mapping.at;
    m->size = (size_t)size;
    return true;
  }
  const uint64_t most = m->role == NAMES ? (uint64_t)MOST_NAMES : (uint64_t)MOST;
  m->bytes = (uint8_t *)dg_file_read(path, most, &m->size, r->err);
  return m->bytes != NULL;
}

static bool read_folder(reading *r) {
  dg_entries files = {0};
  bool ok = list(&files, r->path, r->err);
  for (size_t i = 0; ok && i < files.count; i++) {
    member m = member_of(files.name[i]);
    if (m.role == OTHER) continue;
    char *path = check_more(r, &m) ? dg_path_join(r->path, files.name[i], r->err) : NULL;
    ok = path && read_file(r, &m, path);
    free(path);
    if (ok) r->members[r->count++] = m;
  }
  dg_entries_free(&files);
  return ok;
}

static bool read_tar(reading *r) {
  dg_tar tar;
  bool more;
  if (!dg_tar_open(&tar, r->path, r->err)) return false;
  bool ok = dg_tar_next(&tar, &more);
  while (ok && more) {
    member m = member_of(tar.name);
    if (m.role != OTHER) {
      m.size = (size_t)tar.size;
      m.bytes = check_more(r, &m) ? dg_tar_read(&tar, r->in_memory, &m.mapping) : NULL;
      ok = m.bytes != NULL;
      if (ok) r->members[r->count++] = m;
    }
    ok = ok && dg_tar_next(&tar, &more);
  }
  dg_tar_close(&tar);
  return ok;
}

/* ---- samples ------------------------------------------------------------ */

static int by_number(const void *a, const void *b) {
  const member *x = a, *y = b;
  return (x->number > y->number) - (x->number < y->number);
}

/** Checks the files of a part and counts its records. */
static bool count_records(const reading *r, role part, uint32_t *count) {
  uint64_t records = 0;
  unsigned labels = 0;
  for (size_t i = 0; i < r->count; i++) {
    const member *m = &r->members[i];
    const size_t record = m->labels + PIXELS;
    if (m->role != part) continue;
    if (labels && labels != m->labels)
      return dg_fail(r->err, DG_ERR_INPUT,
                     "%s: files of CIFAR-10 and of CIFAR-100 are in it; move one of both elsewhere",
                     r->path);
    labels = m->labels;
    if (m->size == 0 || m->size % record != 0)
      return dg_fail(r->err, DG_ERR_INPUT,
                     "%s: %s: %zu bytes are no multiple of %zu, which a record of CIFAR-%s has; "
                     "download it again",
                     r->path, m->name, m->size, record, labels == 1 ? "10" : "100");
    records += m->size / record;
  }
  *count = (uint32_t)records;
  return records <= UINT32_MAX || dg_fail_memory(r->err, records * PIXELS);
}

/** Takes the samples of a part, the batches by their numbers. */
static bool take_part(const reading *r, role part, dg_samples *samples) {
  const dg_sample_kind kind = {.shape = {3, {3, 32, 32}}};
  uint32_t count = 0, next = 0;
  if (!count_records(r, part, &count)) return false;
  samples->kind = kind;
  if (count == 0) return true;
  if (!dg_samples_new_of(samples, count, &kind, r->in_memory, r->path, r->err)) return false;
  for (size_t i = 0; i < r->count; i++) {
    const member *m = &r->members[i];
    const size_t record = m->labels + PIXELS;
    if (m->role != part) continue;
    for (size_t at = 0; at < m->size; at += record, next++) {
      samples->labels[next] = m->bytes[at + m->labels - 1];
      memcpy(samples->inputs + (size_t)next * PIXELS, m->bytes + at + m->labels, PIXELS);
    }
  }
  return true;
}

/** Names of the classes, if there are any. Blank lines follow them. */
static bool take_names(const reading *r, dg_dataset *set) {
  for (size_t i = 0; i < r->count; i++) {
    const member *m = &r->members[i];
    char *text = (char *)m->bytes;
    dg_classes names;
    if (m->role != NAMES) continue;
    for (size_t end = m->size; end > 0 && strchr("\r\n \t", text[end - 1]); end--)
      text[end - 1] = '\0';
    if (!dg_classes_parse(&names, text, m->name, r->err))
      return dg_fail_prefix(r->err, "%s", r->path);
    return dg_dataset_set_classes(set, &names, m->name, r->err);
  }
  return true;
}

static bool take_set(reading *r, dg_dataset *set) {
  qsort(r->members, r->count, sizeof *r->members, by_number);
  if (!take_part(r, TRAIN, &set->train) || !take_part(r, TEST, &set->test)) return false;
  if (set->train.count == 0)
    return dg_fail(r->err, DG_ERR_INPUT,
                   "%s: no data_batch_1.bin nor train.bin is in it; get the binary version of "
                   "CIFAR-10 or CIFAR-100",
                   r->path);
  if (set->test.count == 0 && !dg_dataset_hold_out(set, r->err)) return false;
  dg_dataset_count_classes(set);
  return take_names(r, set);
}

dg_dataset *dg_dataset_from_cifar(const char *path, const dg_dataset_options *options,
                                  dg_error *err) {
  dg_dataset *set = dg_dataset_new(path, err);
  reading r = {.path = path,
               .members = calloc(MOST_FILES, sizeof *r.members),
               .in_memory = options->in_memory,
               .err = err};
  bool ok = set && (r.members || dg_fail_memory(err, MOST_FILES * sizeof *r.members)) &&
            (is_folder(path) ? read_folder(&r) : read_tar(&r)) && take_set(&r, set);
  for (size_t i = 0; i < r.count; i++) dg_unmap(&r.members[i].mapping, r.members[i].bytes);
  free(r.members);
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}

bool dg_cifar_files(const char *path, dg_dataset_file *file, void *user, dg_error *err) {
  dg_entries files = {0};
  if (!is_folder(path)) return file(user, path, err);
  bool ok = list(&files, path, err);
  for (size_t i = 0; ok && i < files.count; i++) {
    if (member_of(files.name[i]).role == OTHER) continue;
    char *name = dg_path_join(path, files.name[i], err);
    ok = name && file(user, name, err);
    free(name);
  }
  dg_entries_free(&files);
  return ok;
}
