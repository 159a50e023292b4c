#include "core/data/csv/csv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/data/collection.h"

enum { CELL = 24, MAX_CELL = 255, MAX_VALUE = 255, MAX_BLANK = 64 /* lines */ };

/** A table that is being read. */
typedef struct {
  dg_csv_file *in;
  const char *path;
  dg_error *err;
  uint64_t line;  /**< from 1 on */
  unsigned blank; /**< lines so far */
  uint32_t columns;
  bool labelled;
  dg_collection rows;
} table;

/** A value of a row as in the file, truncated if it is long. */
typedef struct {
  char text[CELL];
  size_t length; /**< of the whole value, at most MAX_CELL */
  int after;     /**< what ended it: a comma, '\n' or DG_CSV_END */
} cell;

static bool fail_long(table *t) {
  return dg_fail(t->err, DG_ERR_INPUT,
                 "%s:%llu: a value of more than %d characters; correct the line or remove it",
                 t->path, (unsigned long long)t->line, MAX_CELL);
}

/** Reads up to a comma or the end of a line. A carriage return before the end is dropped. */
static bool read_cell(table *t, cell *c) {
  *c = (cell){.length = 0};
  while ((c->after = dg_csv_next(t->in)) >= 0 && c->after != ',' && c->after != '\n') {
    if (c->length < CELL - 1) c->text[c->length] = (char)c->after;
    if (++c->length > MAX_CELL) return fail_long(t);
  }
  if (c->after != ',' && c->length > 0 && c->length < CELL && c->text[c->length - 1] == '\r')
    c->text[--c->length] = '\0';
  return c->after != DG_CSV_FAILED;
}

static bool is_blank(const cell *c) {
  return c->length == 0 && c->after != ',';
}

/* ---- the header --------------------------------------------------------- */

static bool fail_header(table *t, const char *found) {
  return dg_fail(t->err, DG_ERR_INPUT,
                 "%s:1: %s; a table begins with the names of its columns, label,pixel0,pixel1,… or "
                 "pixel0,pixel1,… without labels",
                 t->path, found);
}

/** Is it the name of the label column, with or without quotes? */
static bool names_labels(const cell *c) {
  return strcasecmp(c->text, "label") == 0 || strcasecmp(c->text, "\"label\"") == 0;
}

uint32_t dg_csv_side(uint32_t pixels) {
  uint32_t side = 1;
  while (side < DG_MOST_SIDE && side * side < pixels) side++;
  return side * side == pixels ? side : 0;
}

static bool is_text(const cell *c) {
  for (size_t i = 0; i < c->length && i < CELL - 1; i++)
    if (iscntrl((unsigned char)c->text[i])) return false;
  return true;
}

static bool read_header(table *t) {
  cell c;
  t->line = 1;
  do {
    if (!read_cell(t, &c)) return false;
    if (!is_text(&c)) return fail_header(t, "it is no text");
    if (t->columns == 0) t->labelled = names_labels(&c);
    if (c.length == 0) return fail_header(t, c.after == ',' ? "a name is empty" : "it is empty");
    if (strspn(c.text, "0123456789.") == c.length) return fail_header(t, "numbers were found");
    t->columns++;
  } while (c.after == ',' && t->columns <= DG_MOST_SIDE * DG_MOST_SIDE);
  uint32_t pixels = t->columns - t->labelled, side = dg_csv_side(pixels);
  t->rows.samples.kind = dg_gray_kind(side, side);
  return (side > 0 && c.after != ',') ||
         dg_fail(t->err, DG_ERR_INPUT,
                 "%s:1: %u columns of pixels%s make no square image of at most %dx%d; expected "
                 "label,pixel0,… with 784 of them, say, for 28x28",
                 t->path, pixels, t->labelled ? " behind the label" : "", DG_MOST_SIDE,
                 DG_MOST_SIDE);
}

/* ---- the rows ----------------------------------------------------------- */

/** Reads a whole number from 0 to 255. */
static bool read_value(table *t, const cell *c, uint32_t column, uint8_t *value) {
  unsigned number = 0;
  bool ok = c->length > 0 && c->length < CELL && strlen(c->text) == c->length;
  for (size_t i = 0; ok && i < c->length; i++) {
    ok = isdigit((unsigned char)c->text[i]);
    number = number * 10 + (unsigned)(c->text[i] - '0');
    ok = ok && number <= MAX_VALUE;
  }
  *value = (uint8_t)number;
  if (ok) return true;
  char shown[CELL];
  for (size_t i = 0; i < CELL; i++)
    shown[i] = (char)(!c->text[i] || isprint((unsigned char)c->text[i]) ? c->text[i] : '?');
  return dg_fail(t->err, DG_ERR_INPUT,
                 "%s:%llu: column %u: \"%s\" is no whole number from 0 to 255; correct the line or "
                 "remove it",
                 t->path, (unsigned long long)t->line, column + 1, shown) ||
         dg_advise(t->err, DG_REMEDY_COLUMN);
}

static bool fail_columns(table *t, const char *relation, uint32_t found) {
  return dg_fail(t->err, DG_ERR_INPUT,
                 "%s:%llu: the row has %s%u values, but the header has %u columns; correct the "
                 "line or remove it",
                 t->path, (unsigned long long)t->line, relation, found, t->columns);
}

/** Reads the row whose first value is in `c`; `c` then holds the last value. */
static bool read_row(table *t, cell *c) {
  uint8_t *pixels = dg_collect(&t->rows, 0, t->err);
  if (!pixels) return false;
  for (uint32_t column = 0; column < t->columns; column++) {
    uint8_t value;
    if (column > 0 && c->after != ',') return fail_columns(t, "", column);
    if ((column > 0 && !read_cell(t, c)) || !read_value(t, c, column, &value)) return false;
    if (t->labelled && column == 0)
      t->rows.samples.labels[t->rows.samples.count - 1] = value;
    else
      *pixels++ = value;
  }
  return c->after != ',' || fail_columns(t, "more than ", t->columns);
}

static bool pass_blank(table *t) {
  return ++t->blank <= MAX_BLANK ||
         dg_fail(t->err, DG_ERR_INPUT, "%s:%llu: more than %d empty lines; remove them", t->path,
                 (unsigned long long)t->line, MAX_BLANK);
}

static bool read_rows(table *t) {
  for (cell c = {.after = '\n'}; c.after != DG_CSV_END;) {
    t->line++;
    if (!read_cell(t, &c)) return false;
    if (!(is_blank(&c) ? pass_blank(t) : read_row(t, &c))) return false;
  }
  return t->rows.samples.count > 0 ||
         dg_fail(t->err, DG_ERR_INPUT, "%s: there is no row below the header; give it some",
                 t->path);
}

bool dg_csv_read_pixels(dg_samples *samples, dg_csv_file *file, dg_error *err) {
  table t = {.in = file, .path = file->file.path, .err = err};
  const bool ok = read_header(&t) && read_rows(&t);
  *samples = dg_collected(&t.rows);
  if (!ok) dg_samples_free(samples);
  if (ok && !t.labelled) {
    free(samples->labels);
    samples->labels = NULL;
  }
  return ok;
}

bool dg_csv_read(dg_samples *samples, const char *path, dg_error *err) {
  dg_csv_file file;
  *samples = (dg_samples){0};
  if (!dg_csv_open(&file, path, err)) return false;
  const bool ok = dg_csv_read_pixels(samples, &file, err);
  dg_csv_close(&file);
  return ok;
}
