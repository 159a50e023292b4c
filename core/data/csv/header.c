#include "core/data/csv/header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what separates them ------------------------------------------------ */

/** Counts a character outside of quotes in the line at `at`; `*end` is then behind the line. */
static uint64_t count_in_line(const char *at, char wanted, const char **end) {
  uint64_t count = 0;
  bool quoted = false;
  for (; *at && (quoted || *at != '\n'); at++) {
    quoted ^= *at == '"';
    count += !quoted && *at == wanted;
  }
  *end = *at ? at + 1 : at;
  return count;
}

/** Finds the separator that the header has; of several, the one that is as often in the first
    row. */
static bool find_separator(dg_scan *s) {
  static const char all[] = ",;\t";
  unsigned found = 0, equal = 0;
  char only = ',', fits = 0;
  for (const char *c = all; *c; c++) {
    const char *row, *end;
    const uint64_t count = *c == s->point ? 0 : count_in_line(s->at, *c, &row);
    if (count == 0) continue;
    found++;
    only = *c;
    if (count_in_line(row, *c, &end) != count) continue;
    equal++;
    fits = *c;
  }
  s->separator = found > 1 ? fits : only;
  if (found == 0 && s->point == ',') s->separator = ';';
  return found < 2 || equal == 1 ||
         dg_fail(s->err, DG_ERR_INPUT,
                 "%s:1: commas, semicolons or tabs could separate the columns; put names that "
                 "hold one of them in quotes",
                 s->path);
}

/* ---- names -------------------------------------------------------------- */

static bool fail(const dg_scan *s, uint32_t column, const char *found) {
  return dg_fail(s->err, DG_ERR_INPUT,
                 "%s:1: column %u: %s; a table begins with the names of its columns, each with "
                 "another",
                 s->path, column + 1, found);
}

static bool is_number(const char *name) {
  return name[strspn(name, "0123456789.,+-eE ")] == '\0' && strpbrk(name, "0123456789");
}

/** Is it a number that names a column: 0, 1, 2? */
static bool is_whole(const char *name) {
  return name[strspn(name, "0123456789")] == '\0';
}

/** Refuses a row of numbers where the names should be. */
static bool check_numbers(const dg_csv_header *h, const dg_scan *s) {
  uint32_t words = 0;
  for (uint32_t i = 0; i < h->count; i++) words += !is_number(h->names[i]);
  for (uint32_t i = 0; i < h->count; i++)
    if (is_number(h->names[i]) && (words == 0 || !is_whole(h->names[i])))
      return fail(s, i, "a number was found");
  return true;
}

static int by_name(const void *a, const void *b) {
  const dg_csv_sorted *x = a, *y = b;
  return strcmp(x->name, y->name);
}

/** Sorts the names, and refuses two that are the same. */
static bool sort_names(dg_csv_header *h, const dg_scan *s) {
  h->sorted = malloc(h->count * sizeof *h->sorted);
  if (!h->sorted) return dg_fail_memory(s->err, h->count * sizeof *h->sorted);
  for (uint32_t i = 0; i < h->count; i++) h->sorted[i] = (dg_csv_sorted){h->names[i], i};
  qsort(h->sorted, h->count, sizeof *h->sorted, by_name);
  for (uint32_t i = 1; i < h->count; i++)
    if (strcmp(h->sorted[i - 1].name, h->sorted[i].name) == 0)
      return dg_fail(s->err, DG_ERR_INPUT, "%s:1: two columns are called \"%s\"; rename one",
                     s->path, h->sorted[i].name);
  return true;
}

static bool add_name(dg_csv_header *h, uint32_t *capacity, const dg_cell *field, const dg_scan *s) {
  enum { MOST = 1 << 20 };
  if (field->length == 0)
    return fail(s, h->count, "its name is empty (an index that pandas wrote? leave it out)");
  if (h->count == MOST) return fail(s, h->count, "these are too many columns");
  if (h->count == *capacity) {
    const uint32_t more = 2 * *capacity + 8;
    char **names = realloc(h->names, more * sizeof *names);
    if (!names) return dg_fail_memory(s->err, more * sizeof *names);
    h->names = names;
    *capacity = more;
  }
  char *name = strdup(field->text);
  if (!name) return dg_fail_memory(s->err, field->length);
  h->names[h->count++] = name;
  return true;
}

bool dg_csv_header_read(dg_csv_header *h, dg_scan *s) {
  dg_cell field = {.last = false};
  uint32_t capacity = 0;
  *h = (dg_csv_header){0};
  if (!*s->at || *s->at == '\n' || *s->at == '\r')
    return dg_fail(s->err, DG_ERR_INPUT,
                   "%s:1: it is empty; a table begins with the names of its columns", s->path);
  bool ok = find_separator(s);
  while (ok && !field.last)
    ok = dg_scan_field(s, h->count, &field) && add_name(h, &capacity, &field, s);
  ok = ok && check_numbers(h, s) && sort_names(h, s);
  if (!ok) dg_csv_header_free(h);
  return ok;
}

void dg_csv_header_free(dg_csv_header *h) {
  for (uint32_t i = 0; i < h->count; i++) free(h->names[i]);
  free(h->names);
  free(h->sorted);
  *h = (dg_csv_header){0};
}

uint32_t dg_csv_header_find(const dg_csv_header *h, const char *name) {
  const dg_csv_sorted wanted = {name, 0},
                      *found = bsearch(&wanted, h->sorted, h->count, sizeof *found, by_name);
  return found ? found->column : DG_NO_COLUMN;
}

uint32_t dg_csv_header_near(const dg_csv_header *h, const char *name) {
  uint32_t found = dg_csv_header_find(h, name);
  if (found != DG_NO_COLUMN) return found;
  for (uint32_t i = 0; i < h->count; i++) {
    if (strcasecmp(h->names[i], name) != 0) continue;
    if (found != DG_NO_COLUMN) return DG_NO_COLUMN;
    found = i;
  }
  return found;
}
