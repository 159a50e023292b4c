#include "core/data/series/ucr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/encoding.h"
#include "core/base/error.h"
#include "core/base/file/entries.h"
#include "core/base/file/file.h"
#include "core/data/classes.h"
#include "core/data/collection.h"

static const char train_end[] = "_TRAIN.tsv", test_end[] = "_TEST.tsv";

/** A label as it is written; of number `first` in the order in which they are found. */
typedef struct {
  const char *text;
  double number;
  uint8_t first;
} label;

/** A set that is being read. */
typedef struct {
  label labels[DG_CLASSES];
  uint32_t count;
  bool numeric; /**< all labels are numbers */
  bool unequal; /**< a series is shorter than others */
  dg_collection part[2];
  dg_error *err;
} reading;

/* ---- fields ------------------------------------------------------------- */

/** Ends the next field of a row with a zero byte and steps over it; NULL: there is none. */
static char *next_field(char **row) {
  char *field = *row;
  if (!field) return NULL;
  char *end = field + strcspn(field, "\t");
  *row = *end ? end + 1 : NULL;
  *end = '\0';
  return field;
}

/** Ends the next line with a zero byte and steps over it; NULL: there is none. */
static char *next_line(char **text) {
  char *line = *text;
  if (!*line) return NULL;
  char *end = line + strcspn(line, "\n");
  *text = *end ? end + 1 : end;
  if (end > line && end[-1] == '\r') end[-1] = '\0';
  *end = '\0';
  return line;
}

/** A number with nothing around it. */
static bool take_number(const char *field, double *number) {
  char *end;
  *number = strtod(field, &end);
  return *field && strchr("+-.0123456789", *field) && !strpbrk(field, "xX") && *end == '\0';
}

static bool is_missing(const char *field) {
  return *field == '\0' || strcasecmp(field, "nan") == 0 || strcmp(field, "?") == 0;
}

/** Fails on a value that is missing before others, or is no number. */
static bool fail_value(const reading *r, const char *path, uint64_t line, uint32_t step,
                       const char *field) {
  if (is_missing(field))
    return dg_fail(r->err, DG_ERR_INPUT,
                   "%s:%llu: value %u of the series is missing; fill it, or leave the row out",
                   path, (unsigned long long)line, step + 1);
  return dg_fail(r->err, DG_ERR_INPUT, "%s:%llu: value %u: \"%.30s\" is no finite number", path,
                 (unsigned long long)line, step + 1, field);
}

/* ---- rows --------------------------------------------------------------- */

static bool same_label(const label *a, const label *b) {
  return isnan(a->number) || isnan(b->number) ? strcmp(a->text, b->text) == 0
                                              : a->number == b->number;
}

/** Finds a label, or adds it. */
static bool find_label(reading *r, char *field, const char *path, uint64_t line, uint8_t *found) {
  label new = {.text = field, .first = (uint8_t)r->count};
  if (!take_number(field, &new.number) || !isfinite(new.number)) new.number = NAN;
  for (uint32_t i = 0; i < r->count; i++)
    if (same_label(&r->labels[i], &new)) return *found = (uint8_t)i, true;
  if (is_missing(field))
    return dg_fail(r->err, DG_ERR_INPUT, "%s:%llu: the label is missing", path,
                   (unsigned long long)line);
  if (r->count == DG_CLASSES)
    return dg_fail(r->err, DG_ERR_INPUT, "%s:%llu: \"%.30s\" is one label more than %d", path,
                   (unsigned long long)line, field, DG_CLASSES);
  r->numeric &= !isnan(new.number);
  *found = (uint8_t)r->count;
  r->labels[r->count++] = new;
  return true;
}

/** Takes the count of steps from the first row of all; `row` begins behind its label. */
static bool choose_steps(reading *r, const char *row, const char *path) {
  uint32_t steps = row != NULL;
  if (r->part[0].samples.kind.shape.rank) return true;
  for (const char *at = row; at && (at = strchr(at, '\t')) != NULL; at++) steps++;
  for (int p = 0; p < 2; p++)
    r->part[p].samples.kind =
        (dg_sample_kind){.shape = {2, {steps, 1}}, .type = DG_NUMBERS_FLOATS, .lengths = true};
  return steps > 0 ||
         dg_fail(r->err, DG_ERR_INPUT,
                 "%s: no value follows the first label; label and values are separated "
                 "by tabs",
                 path);
}

/** Reads the values of a row up to the first that is missing; the others must be missing, too.
    Writes the `length` of the series. */
static bool take_values(const reading *r, char *row, uint32_t steps, uint8_t *to, const char *path,
                        uint64_t line, uint32_t *length) {
  uint32_t missing = 0; /* of the values before this one */
  for (uint32_t i = 0; i < steps; i++) {
    double number;
    char *field = next_field(&row);
    if (!field)
      return dg_fail(r->err, DG_ERR_INPUT,
                     "%s:%llu: the series has %u values, but the first one %u; a shorter one is "
                     "filled with NaN at its end",
                     path, (unsigned long long)line, i, steps);
    const bool there = take_number(field, &number) && isfinite((float)number);
    if (!there && !is_missing(field)) return fail_value(r, path, line, i, field);
    if (there && missing) return fail_value(r, path, line, i - missing, "");
    missing += !there;
    const float value = there ? (float)number : 0;
    memcpy(to + i * sizeof value, &value, sizeof value);
  }
  *length = steps - missing;
  if (row)
    return dg_fail(r->err, DG_ERR_INPUT,
                   "%s:%llu: the series has more than the %u values of the first one; shorter ones "
                   "are filled with NaN at their ends",
                   path, (unsigned long long)line, steps);
  return *length > 0 || dg_fail(r->err, DG_ERR_INPUT, "%s:%llu: the series has no values", path,
                                (unsigned long long)line);
}

static bool take_row(reading *r, int part, char *row, const char *path, uint64_t line) {
  dg_collection *c = &r->part[part];
  uint8_t of = 0;
  char *first = next_field(&row);
  if (!find_label(r, first, path, line, &of) || !choose_steps(r, row, path)) return false;
  const uint32_t steps = c->samples.kind.shape.dim[0];
  uint8_t *to = dg_collect(c, of, r->err);
  uint32_t length = 0;
  if (!to || !take_values(r, row, steps, to, path, line, &length)) return false;
  c->samples.lengths[c->samples.count - 1] = length;
  r->unequal |= length < steps;
  return true;
}

static bool take_rows(reading *r, int part, char *text, const char *path) {
  uint64_t number = 1;
  for (char *line; (line = next_line(&text)) != NULL; number++) {
    if (*line && !take_row(r, part, line, path, number)) return false;
  }
  return r->part[part].samples.count > 0 ||
         dg_fail(r->err, DG_ERR_INPUT, "%s: no series is in it", path);
}

/** Series of one length have none of their own. */
static void drop_lengths(dg_samples *samples) {
  free(samples->lengths);
  samples->lengths = NULL;
  samples->kind.lengths = false;
}

/* ---- classes ------------------------------------------------------------ */

static int by_number(const void *a, const void *b) {
  const double x = ((const label *)a)->number, y = ((const label *)b)->number;
  return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
  return strcmp(((const label *)a)->text, ((const label *)b)->text);
}

/** Sorts the labels, and gives the samples their places. */
static bool take_classes(reading *r, dg_dataset *set, const char *path) {
  uint8_t place[DG_CLASSES];
  qsort(r->labels, r->count, sizeof *r->labels, r->numeric ? by_number : by_text);
  for (uint32_t i = 0; i < r->count; i++) {
    const char *text = r->labels[i].text;
    place[r->labels[i].first] = (uint8_t)i;
    if (!dg_classes_add(&set->names, text, strlen(text), path, r->err)) return false;
  }
  dg_samples *parts[] = {&set->train, &set->test};
  for (int p = 0; p < 2; p++)
    for (uint32_t i = 0; i < parts[p]->count; i++) parts[p]->labels[i] = place[parts[p]->labels[i]];
  set->classes = r->count;
  return true;
}

bool dg_ucr_parse(dg_dataset *set, char *const text[2], const char *const path[2], dg_error *err) {
  reading *r = calloc(1, sizeof *r);
  if (!r) return dg_fail_memory(err, sizeof *r);
  r->numeric = true;
  r->err = err;
  bool ok = take_rows(r, 0, text[0], path[0]) && take_rows(r, 1, text[1], path[1]);
  set->train = dg_collected(&r->part[0]);
  set->test = dg_collected(&r->part[1]);
  if (!r->unequal) drop_lengths(&set->train), drop_lengths(&set->test);
  ok = ok && take_classes(r, set, path[0]);
  free(r);
  return ok;
}

/* ---- files -------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  const size_t length = strlen(text), size = strlen(end);
  return length > size && strcmp(text + length - size, end) == 0;
}

/** The training files of a folder; none if the path is a file. */
static bool list(dg_entries *files, const char *path, dg_error *err) {
  static const char *const ends[] = {train_end, NULL};
  return dg_list_files(files, path, ends, err);
}

bool dg_is_ucr(const char *path) {
  dg_entries files = {0};
  bool found = ends_with(path, train_end) || (list(&files, path, NULL) && files.count > 0);
  dg_entries_free(&files);
  return found;
}

/** The path of the training file, in new memory. */
static char *training_file(const char *path, dg_error *err) {
  dg_entries files = {0};
  char *found = NULL;
  if (ends_with(path, train_end)) {
    found = strdup(path);
    if (!found) dg_fail_memory(err, strlen(path));
    return found;
  }
  if (!list(&files, path, err))
    found = NULL;
  else if (files.count > 1)
    dg_fail(err, DG_ERR_INPUT, "%s: it holds several sets: name one file, %s or %s", path,
            files.name[0], files.name[1]);
  else
    found = dg_path_join(path, files.name[0], err);
  dg_entries_free(&files);
  return found;
}

/** The paths of both files, in new memory. */
static bool find_pair(char *paths[2], const char *path, dg_error *err) {
  paths[1] = NULL;
  paths[0] = training_file(path, err);
  if (!paths[0]) return false;
  const size_t stem = strlen(paths[0]) - strlen(train_end), size = stem + sizeof test_end;
  paths[1] = malloc(size);
  if (!paths[1]) return dg_fail_memory(err, size);
  snprintf(paths[1], size, "%.*s%s", (int)stem, paths[0], test_end);
  return true;
}

dg_dataset *dg_dataset_from_ucr(const char *path, const dg_dataset_options *options,
                                dg_error *err) {
  static const uint64_t MOST = (uint64_t)4 << 30;
  (void)options;
  dg_dataset *set = dg_dataset_new(path, err);
  char *paths[2] = {0}, *files[2] = {0}, *text[2];
  bool ok = set && find_pair(paths, path, err);
  for (int p = 0; ok && p < 2; p++) {
    size_t size;
    files[p] = dg_file_read(paths[p], MOST, &size, err);
    text[p] = files[p] ? (char *)dg_text_begin(files[p], size, paths[p], err) : NULL;
    ok = text[p] != NULL;
  }
  ok = ok && dg_ucr_parse(set, text, (const char *const *)paths, err);
  for (int p = 0; p < 2; p++) {
    free(files[p]);
    free(paths[p]);
  }
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}

bool dg_ucr_files(const char *path, dg_dataset_file *file, void *user, dg_error *err) {
  char *paths[2] = {0};
  bool ok = find_pair(paths, path, err);
  for (int p = 0; ok && p < 2; p++) ok = file(user, paths[p], err);
  free(paths[0]);
  free(paths[1]);
  return ok;
}
