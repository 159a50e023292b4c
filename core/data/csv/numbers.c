#include "core/data/csv/numbers.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/data/classes.h"
#include "core/data/columns.h"
#include "core/data/csv/roles.h"

enum { SHOWN = 24, MAX_BLANK = 64 /* lines */ };

/** A column of the header: where its values go, and what was seen of them. */
typedef struct {
  uint32_t of;                         /**< index of the column */
  uint32_t place;                      /**< of its first number in an input or a target */
  bool quoted;                         /**< numbers in quotes were seen */
  bool many;                           /**< more than DG_COLUMN_TEXTS texts were seen */
  uint64_t number, text, odd;          /**< first line with a number, a text, nan or inf; 0: none */
  char shown[SHOWN], shown_odd[SHOWN]; /**< the first of these, for messages */
} seen;

/** A table that is being read. */
typedef struct {
  dg_scan scan;
  dg_csv_header header;
  dg_columns *columns;
  seen *seen; /**< [header.count] */
  dg_samples *samples;
  uint32_t rows;
  bool learns;   /**< classes and texts are not known before */
  bool answers;  /**< labels and targets are read */
  bool open;     /**< whether a column has numbers or texts is not known yet */
  bool missing;  /**< empty fields are allowed */
  uint64_t most; /**< bytes that the numbers may need */
} table;

/** A value that is being taken. */
typedef struct {
  uint32_t column; /**< of the header */
  uint64_t line;
  dg_cell field;
} value;

static bool fail(const table *t, uint64_t line, uint32_t column, const char *text,
                 const char *what) {
  return dg_fail(t->scan.err, DG_ERR_INPUT, "%s:%llu: column %u (%.60s): \"%.60s\" %s",
                 t->scan.path, (unsigned long long)line, column + 1, t->header.names[column], text,
                 what);
}

static bool fail_value(const table *t, const value *v, const char *what) {
  return fail(t, v->line, v->column, v->field.text, what);
}

static float *inputs_of(const table *t) {
  return (float *)t->samples->inputs + (size_t)t->rows * t->samples->kind.shape.dim[0];
}

/** Where the numbers of a column go in the row. */
static float *place_of(const table *t, uint32_t column) {
  const seen *s = &t->seen[column];
  if (t->columns->at[s->of].role != DG_COLUMN_TARGET) return inputs_of(t) + s->place;
  return (float *)t->samples->targets + (size_t)t->rows * t->samples->kind.targets + s->place;
}

/* ---- values ------------------------------------------------------------- */

/** Fails on a text that is none of those of its column, which are listed. */
static bool fail_text(const table *t, const value *v, const char *what) {
  char known[300];
  const dg_column_texts *texts = &t->columns->at[t->seen[v->column].of].texts;
  snprintf(known, sizeof known, "%s; known are ", what);
  for (uint32_t i = 0; i < texts->count && strlen(known) < sizeof known - 70; i++)
    dg_append(known, sizeof known, "%s%.40s%s", i ? ", " : "", texts->at[i].text,
              i + 1 < texts->count && strlen(known) >= sizeof known - 120 ? ", …" : "");
  return fail_value(t, v, known);
}

/** Is it a number with marks that are none here, such as 1,5 or 1'000? */
static bool has_marks(const table *t, const char *text) {
  return text[strspn(text, "0123456789.,'+- ")] == '\0' && strpbrk(text, "0123456789") &&
         strpbrk(text, t->scan.point == ',' ? ".'" : ",'") && !strpbrk(text + 1, "-");
}

static bool fail_number(const table *t, const value *v) {
  if (!has_marks(t, v->field.text))
    return fail_value(t, v, "is no number; correct the field or leave it empty");
  if (t->scan.point == ',') return fail_value(t, v, "is no number with a decimal comma");
  return fail_value(t, v, "is no decimal number") || dg_advise(t->scan.err, DG_REMEDY_COMMA);
}

static bool is_odd(const char *text) {
  static const char *const words[] = {"nan", "inf", "infinity", "na", "null", "none", "n/a", "?"};
  text += *text == '-' || *text == '+';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasecmp(text, words[i]) == 0) return true;
  return false;
}

static bool add_text(const table *t, dg_column_texts *texts, const dg_cell *f) {
  return dg_texts_add(texts, f->text, f->length) || dg_fail_memory(t->scan.err, f->length);
}

/** Notes a text of a column that may have numbers or texts. */
static bool note_text(table *t, const value *v) {
  seen *s = &t->seen[v->column];
  dg_column_texts *texts = &t->columns->at[s->of].texts;
  if (s->many || dg_texts_find(texts, v->field.text, v->field.length)) return true;
  s->many = texts->count == DG_COLUMN_TEXTS;
  return s->many || add_text(t, texts, &v->field);
}

/** A value of a column of which it is open whether it has numbers or texts. */
static bool take_open(table *t, const value *v, bool number) {
  seen *s = &t->seen[v->column];
  if (number && !v->field.quoted) return s->number = s->number ? s->number : v->line, true;
  if (number) return s->quoted = true, note_text(t, v);
  if (has_marks(t, v->field.text)) return fail_number(t, v);
  const bool odd = is_odd(v->field.text);
  uint64_t *line = odd ? &s->odd : &s->text;
  if (!*line) {
    *line = v->line;
    snprintf(odd ? s->shown_odd : s->shown, SHOWN, "%.*s", SHOWN - 1, v->field.text);
  }
  return note_text(t, v);
}

/** Sets the number of a text to 1, or all to NAN if it is empty. */
static bool take_text(table *t, const value *v) {
  const dg_column *column = &t->columns->at[t->seen[v->column].of];
  float *numbers = place_of(t, v->column);
  for (uint32_t i = 0; i < column->texts.count; i++) numbers[i] = v->field.length ? 0.0f : NAN;
  if (!v->field.length) return true;
  const dg_column_text *text = dg_texts_find(&column->texts, v->field.text, v->field.length);
  if (!text) return fail_text(t, v, "is a text that the table to train has not");
  numbers[text->place] = 1;
  return true;
}

/** Writes a label such as 1.0 as the whole number that it is; others that are numbers are an
    error. */
static bool check_label(const table *t, value *v) {
  float number;
  bool large;
  dg_cell *f = &v->field;
  const bool whole =
      f->text[strspn(f->text + (*f->text == '-'), "0123456789") + (*f->text == '-')] == '\0';
  if (whole || f->quoted || !dg_cell_number(f, t->scan.point, &number, &large)) return true;
  if (large || number != rintf(number) || fabsf(number) > 1e6f)
    return fail_value(t, v, "is no class; labels are whole numbers or texts") ||
           dg_advise(t->scan.err, DG_REMEDY_COLUMN);
  f->length = (size_t)snprintf(f->text, sizeof f->text, "%.0f", number + 0.0f);
  return true;
}

static bool take_label(table *t, value *v) {
  dg_column_texts *texts = &t->columns->at[t->seen[v->column].of].texts;
  if (!check_label(t, v)) return false;
  const dg_column_text *text = dg_texts_find(texts, v->field.text, v->field.length);
  uint32_t place = text ? text->place : texts->count;
  if (!text && !t->learns) return fail_text(t, v, "is a label that the table to train has not");
  if (!text && texts->count == DG_CLASSES)
    return fail_value(t, v, "is one label too many: at most 256 are classes") ||
           dg_advise(t->scan.err, DG_REMEDY_COLUMN);
  if (!text && !add_text(t, texts, &v->field)) return false;
  t->samples->labels[t->rows] = (uint8_t)place;
  return true;
}

/** An empty field, which is allowed in features alone. */
static bool take_empty(table *t, const value *v, dg_column_role role) {
  const bool feature = role == DG_COLUMN_NUMBER || role == DG_COLUMN_TEXT;
  if (!feature || !t->missing) {
    dg_fail(t->scan.err, DG_ERR_INPUT, "%s:%llu: column %u (%.60s): the field is empty%s",
            t->scan.path, (unsigned long long)v->line, v->column + 1, t->header.names[v->column],
            feature ? "" : "; give it a value, or remove the line");
    return feature ? dg_advise(t->scan.err, DG_REMEDY_MISSING) : false;
  }
  if (role == DG_COLUMN_TEXT) return take_text(t, v);
  *place_of(t, v->column) = NAN;
  return true;
}

static bool take_field(table *t, value *v) {
  const dg_column_role role = t->columns->at[t->seen[v->column].of].role;
  float number = 0;
  bool large = false;
  if (role == DG_COLUMN_IGNORED) return true;
  if (v->field.length == 0) return take_empty(t, v, role);
  if (role == DG_COLUMN_LABEL) return take_label(t, v);
  if (role == DG_COLUMN_TEXT) return take_text(t, v);
  const bool is_number = dg_cell_number(&v->field, t->scan.point, &number, &large);
  if (is_number && large) return fail_value(t, v, "is too large for a float");
  *place_of(t, v->column) = number;
  if (t->open && role == DG_COLUMN_NUMBER) return take_open(t, v, is_number);
  if (is_number) return true;
  return is_odd(v->field.text) ? fail_value(t, v, "is not finite; leave the field empty")
                               : fail_number(t, v);
}

/* ---- rows --------------------------------------------------------------- */

static bool fail_columns(const table *t, uint64_t line, const char *relation, uint32_t found) {
  return dg_fail(t->scan.err, DG_ERR_INPUT,
                 "%s:%llu: the row has %s%u values, but the header has %u columns; correct the "
                 "line or remove it",
                 t->scan.path, (unsigned long long)line, relation, found, t->header.count);
}

/** Reads a value that is no number as most are. */
static bool read_field(table *t, uint32_t column, uint64_t line, bool *last) {
  value v;
  v.column = column;
  v.line = line;
  if (!dg_scan_field(&t->scan, column, &v.field)) return false;
  *last = v.field.last;
  return take_field(t, &v);
}

static bool read_row(table *t) {
  const uint64_t line = t->scan.line;
  bool last = false;
  for (uint32_t i = 0; i < t->header.count; i++) {
    seen *s = &t->seen[i];
    const dg_column_role role = t->columns->at[s->of].role;
    if (last) return fail_columns(t, line, "", i);
    if ((role == DG_COLUMN_NUMBER || role == DG_COLUMN_TARGET) &&
        dg_scan_number(&t->scan, place_of(t, i), &last)) {
      if (!s->number) s->number = line;
    } else if (!read_field(t, i, line, &last)) {
      return false;
    }
  }
  t->rows++;
  return last || fail_columns(t, line, "more than ", t->header.count);
}

/** Reads all rows behind the header to samples of which there are enough. */
static bool read_rows(table *t, dg_scan begin) {
  unsigned blank = 0;
  t->scan = begin;
  for (t->rows = 0; *t->scan.at;) {
    if (dg_scan_blank(&t->scan)) {
      if (++blank > MAX_BLANK)
        return dg_fail(t->scan.err, DG_ERR_INPUT, "%s:%llu: more than %d empty lines; remove them",
                       t->scan.path, (unsigned long long)t->scan.line, MAX_BLANK);
    } else if (!read_row(t)) {
      return false;
    }
  }
  t->samples->count = t->rows;
  return t->rows > 0 || dg_fail(t->scan.err, DG_ERR_INPUT,
                                "%s: there is no row below the header; give it some", t->scan.path);
}

/** Finds where the numbers of each column go, and allocates `rows` samples. */
static bool lay_out(table *t, uint64_t rows) {
  const uint64_t features = dg_columns_features(t->columns);
  const uint32_t targets = dg_columns_targets(t->columns);
  const dg_sample_kind kind = {.shape = {1, {(uint32_t)features}},
                               .type = DG_NUMBERS_FLOATS,
                               .targets = targets,
                               .targets_type = DG_NUMBERS_FLOATS};
  uint32_t *places = calloc(t->columns->count, sizeof *places);
  if (!places) return dg_fail_memory(t->scan.err, t->columns->count * sizeof *places);
  for (uint32_t i = 0, feature = 0, target = 0; i < t->columns->count; i++) {
    const dg_column *column = &t->columns->at[i];
    places[i] = column->role == DG_COLUMN_TARGET ? target++ : feature;
    feature += dg_column_width(column);
  }
  for (uint32_t i = 0; i < t->header.count; i++) t->seen[i].place = places[t->seen[i].of];
  free(places);
  if (features == 0)
    return dg_fail(t->scan.err, DG_ERR_INPUT, "%s:1: no column is left to make samples of",
                   t->scan.path);
  if (!dg_size_fits(features) || rows > UINT32_MAX ||
      dg_size_times(rows, features * sizeof(float)) > t->most)
    return dg_fail(t->scan.err, DG_ERR_INPUT,
                   "%s: %llu rows of %llu numbers are too many; leave out columns of many texts, "
                   "or unpack the table by gunzip",
                   t->scan.path, (unsigned long long)rows, (unsigned long long)features);
  dg_samples_free(t->samples);
  return dg_samples_new(t->samples, (uint32_t)rows, &kind, t->scan.err);
}

/* ---- what was learned --------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  const dg_column_text *x = *(const dg_column_text *const *)a,
                       *y = *(const dg_column_text *const *)b;
  const long long p = atoll(x->text), q = atoll(y->text);
  return p != q ? (p > q) - (p < q) : strcmp(x->text, y->text);
}

static bool are_whole(const dg_column_texts *texts) {
  for (uint32_t i = 0; i < texts->count; i++) {
    const char *digits = texts->at[i].text + (*texts->at[i].text == '-');
    if (!*digits || digits[strspn(digits, "0123456789")] || strlen(digits) > 18) return false;
  }
  return true;
}

/** Gives the classes their order, and the labels their classes. */
static void order_classes(const table *t, dg_column_texts *texts) {
  dg_column_text *order[DG_CLASSES];
  uint8_t class[DG_CLASSES];
  for (uint32_t i = 0; i < texts->count; i++) order[i] = &texts->at[i];
  if (are_whole(texts)) qsort(order, texts->count, sizeof *order, by_number);
  for (uint32_t i = 0; i < texts->count; i++) {
    class[order[i]->place] = (uint8_t)i;
    order[i]->place = i;
  }
  for (uint32_t i = 0; i < t->rows; i++) t->samples->labels[i] = class[t->samples->labels[i]];
}

/** Decides whether a column has numbers or texts. */
static bool decide(table *t, uint32_t i, bool *texts) {
  seen *s = &t->seen[i];
  dg_column *column = &t->columns->at[s->of];
  if (column->role != DG_COLUMN_NUMBER) return true;
  if (s->odd && (s->number || s->quoted || !s->text))
    return fail(t, s->odd, i, s->shown_odd, "is no number; leave the field empty") ||
           dg_advise(t->scan.err, DG_REMEDY_MISSING);
  if (s->text && s->number)
    return fail(t, s->text, i, s->shown,
                "is a text among numbers; leave the field empty, or put the numbers in quotes if "
                "they are names");
  if (s->text && s->many)
    return fail(t, s->text, i, s->shown,
                "is one of more than 256 different texts; leave the column out");
  if (!s->text && !s->number && !s->quoted)
    return dg_fail(t->scan.err, DG_ERR_INPUT, "%s: column %u (%s) is empty; leave it out",
                   t->scan.path, i + 1, t->header.names[i]);
  *texts |= s->text != 0;
  if (s->text) {
    column->role = DG_COLUMN_TEXT;
    for (uint32_t k = 0; k < column->texts.count; k++) column->texts.at[k].place = k;
    return true;
  }
  while (column->texts.count > 0) free(column->texts.at[--column->texts.count].text);
  return true;
}

/** Reads the rows for the first time, and once more if there are columns of texts. */
static bool learn(table *t, uint64_t rows) {
  const dg_scan begin = t->scan;
  bool texts = false;
  t->open = true;
  if (!lay_out(t, rows) || !read_rows(t, begin)) return false;
  for (uint32_t i = 0; i < t->header.count; i++)
    if (!decide(t, i, &texts)) return false;
  for (uint32_t i = 0; i < t->columns->count; i++)
    if (t->columns->at[i].role == DG_COLUMN_LABEL) order_classes(t, &t->columns->at[i].texts);
  t->open = t->learns = false;
  return !texts || (lay_out(t, t->rows) && read_rows(t, begin));
}

/** Names the classes by their texts. */
static bool name_classes(dg_dataset *set, const table *t) {
  for (uint32_t i = 0; i < t->columns->count; i++) {
    const dg_column_texts *texts = &t->columns->at[i].texts;
    if (t->columns->at[i].role != DG_COLUMN_LABEL) continue;
    const char *names[DG_CLASSES];
    for (uint32_t k = 0; k < texts->count; k++) names[texts->at[k].place] = texts->at[k].text;
    for (uint32_t k = 0; k < texts->count; k++)
      if (!dg_classes_add(&set->names, names[k], strlen(names[k]), t->scan.path, t->scan.err))
        return false;
    set->classes = texts->count;
  }
  return true;
}

/* ---- the whole ---------------------------------------------------------- */

/** So many rows can there be at most. */
static uint64_t most_rows(const char *text, size_t size, uint32_t columns) {
  uint64_t lines = 0;
  for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
  const uint64_t fit = size / columns + 1;
  return lines < fit ? lines : fit;
}

static bool find_roles(table *t, const dg_dataset_options *o) {
  const dg_columns *learned = dg_csv_learned(o);
  uint32_t *of = calloc(t->header.count, sizeof *of);
  t->seen = calloc(t->header.count, sizeof *t->seen);
  if (!of || !t->seen) {
    free(of);
    return dg_fail_memory(t->scan.err, t->header.count * sizeof *t->seen);
  }
  t->learns = !learned && t->answers;
  t->columns = learned     ? dg_csv_roles_follow(&t->header, learned, o, t->answers, &t->scan, of)
               : t->learns ? dg_csv_roles_learn(&t->header, o, &t->scan, of)
                           : dg_csv_roles_plain(&t->header, o, &t->scan, of);
  for (uint32_t i = 0; i < t->header.count; i++) t->seen[i].of = of[i];
  free(of);
  return t->columns != NULL;
}

static bool read_table(table *t, dg_dataset *set, dg_csv_file *file, const dg_dataset_options *o) {
  size_t size;
  const char *text = dg_csv_rest(file, &size);
  t->scan.at = text;
  if (!text || !dg_csv_header_read(&t->header, &t->scan) || !find_roles(t, o)) return false;
  const uint64_t rows = most_rows(t->scan.at, size - (size_t)(t->scan.at - text), t->header.count);
  return (t->learns ? learn(t, rows) : lay_out(t, rows) && read_rows(t, t->scan)) &&
         name_classes(set, t);
}

bool dg_csv_read_numbers(dg_dataset *set, dg_csv_file *file, const dg_dataset_options *options,
                         bool answers, dg_error *err) {
  const uint64_t most = file->file.most;
  table t = {.scan = {.point = options->decimal_comma ? ',' : '.',
                      .line = 1,
                      .path = file->file.path,
                      .err = err},
             .samples = &set->train,
             .answers = answers,
             .missing = options->missing == DG_MISSING_MEAN,
             .most = most == UINT64_MAX ? most : dg_size_times(most, sizeof(float))};
  locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  if (!plain) return dg_fail_memory(err, sizeof plain);
  locale_t before = uselocale(plain);
  const bool ok = read_table(&t, set, file, options);
  uselocale(before);
  freelocale(plain);
  dg_csv_header_free(&t.header);
  free(t.seen);
  set->columns = t.columns; /* closed with the set */
  if (ok && t.columns->at[t.columns->count - 1].role == DG_COLUMN_IGNORED) t.columns->count--;
  if (ok) dg_columns_number(t.columns);
  return ok;
}
