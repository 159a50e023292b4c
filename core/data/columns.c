#include "core/data/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dg_columns *dg_columns_new(uint32_t count, dg_error *err) {
  dg_columns *columns = calloc(1, sizeof *columns);
  if (columns) columns->at = calloc((size_t)count + 1, sizeof *columns->at);
  if (!columns || !columns->at) {
    dg_fail_memory(err, ((size_t)count + 1) * sizeof *columns->at);
    return free(columns), NULL;
  }
  columns->count = count;
  return columns;
}

static void free_column(dg_column *column) {
  for (uint32_t k = 0; k < column->texts.count; k++) free(column->texts.at[k].text);
  free(column->texts.at);
  free(column->means);
  free(column->name);
  *column = (dg_column){0};
}

void dg_columns_free(dg_columns *columns) {
  for (uint32_t i = 0; columns && i < columns->count; i++) free_column(&columns->at[i]);
  if (columns) free(columns->at);
  free(columns);
}

void dg_columns_keep_features(dg_columns *columns) {
  const uint32_t count = columns->count;
  columns->count = 0;
  for (uint32_t i = 0; i < count; i++) {
    dg_column column = columns->at[i];
    columns->at[i] = (dg_column){0};
    if (column.role == DG_COLUMN_NUMBER || column.role == DG_COLUMN_TEXT)
      columns->at[columns->count++] = column;
    else
      free_column(&column);
  }
}

bool dg_columns_have_label(const dg_columns *columns) {
  for (uint32_t i = 0; i < columns->count; i++)
    if (columns->at[i].role == DG_COLUMN_LABEL) return true;
  return false;
}

uint32_t dg_column_width(const dg_column *column) {
  return column->role == DG_COLUMN_NUMBER ? 1
         : column->role == DG_COLUMN_TEXT ? column->texts.count
                                          : 0;
}

uint64_t dg_columns_features(const dg_columns *columns) {
  uint64_t features = 0;
  for (uint32_t i = 0; i < columns->count; i++) features += dg_column_width(&columns->at[i]);
  return features;
}

uint32_t dg_columns_targets(const dg_columns *columns) {
  uint32_t targets = 0;
  for (uint32_t i = 0; i < columns->count; i++) targets += columns->at[i].role == DG_COLUMN_TARGET;
  return targets;
}

/** The text at a place. */
static const char *text_at(const dg_column *column, uint32_t place) {
  uint32_t i = 0;
  while (i < column->texts.count && column->texts.at[i].place != place) i++;
  return i < column->texts.count ? column->texts.at[i].text : "";
}

void dg_columns_number(dg_columns *columns) {
  uint32_t features = 0, targets = 0;
  for (uint32_t i = 0; i < columns->count; i++) {
    dg_column *column = &columns->at[i];
    column->features = features;
    column->targets = targets;
    features += dg_column_width(column);
    targets += column->role == DG_COLUMN_TARGET;
  }
}

/** The last column with at most `index` features, or targets, before it; NULL: there is none. */
static const dg_column *find_column(const dg_columns *columns, uint32_t index, bool targets) {
  uint32_t low = 0, high = columns->count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    const dg_column *column = &columns->at[middle];
    if ((targets ? column->targets : column->features) > index)
      high = middle;
    else
      low = middle + 1;
  }
  return low ? &columns->at[low - 1] : NULL;
}

const char *dg_columns_feature(const dg_columns *columns, uint32_t index, char *name, size_t size) {
  const dg_column *column = find_column(columns, index, false);
  if (!column || index - column->features >= dg_column_width(column)) return NULL;
  if (column->role == DG_COLUMN_TEXT)
    snprintf(name, size, "%s=%s", column->name, text_at(column, index - column->features));
  else
    snprintf(name, size, "%s", column->name);
  return name;
}

const char *dg_columns_target(const dg_columns *columns, uint32_t index) {
  const dg_column *column = find_column(columns, index, true);
  return column && column->role == DG_COLUMN_TARGET && column->targets == index ? column->name
                                                                                : NULL;
}

/* ---- texts -------------------------------------------------------------- */

static int compare(const char *text, size_t length, const char *other) {
  const size_t theirs = strlen(other);
  const int order = memcmp(text, other, length < theirs ? length : theirs);
  return order ? order : (length > theirs) - (length < theirs);
}

/** The index of the first text that is not before another. */
static uint32_t search(const dg_column_texts *texts, const char *text, size_t length) {
  uint32_t low = 0, high = texts->count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (compare(text, length, texts->at[middle].text) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

dg_column_text *dg_texts_find(const dg_column_texts *texts, const char *text, size_t length) {
  const uint32_t i = search(texts, text, length);
  return i < texts->count && compare(text, length, texts->at[i].text) == 0 ? &texts->at[i] : NULL;
}

bool dg_texts_add(dg_column_texts *texts, const char *text, size_t length) {
  if (texts->count == texts->capacity) {
    const uint32_t capacity = 2 * texts->capacity + 2;
    dg_column_text *more = realloc(texts->at, capacity * sizeof *more);
    if (!more) return false;
    texts->at = more;
    texts->capacity = capacity;
  }
  char *own = malloc(length + 1);
  if (!own) return false;
  memcpy(own, text, length);
  own[length] = '\0';
  const uint32_t i = search(texts, text, length);
  memmove(texts->at + i + 1, texts->at + i, (texts->count - i) * sizeof *texts->at);
  texts->at[i] = (dg_column_text){own, texts->count++};
  return true;
}

/* ---- comparing ----------------------------------------------------------- */

/** The next column from `i` on that gives features; the count: there is none. */
static uint32_t next_feature(const dg_columns *columns, uint32_t i) {
  while (i < columns->count && columns->at[i].role != DG_COLUMN_NUMBER &&
         columns->at[i].role != DG_COLUMN_TEXT)
    i++;
  return i;
}

static bool same_texts(const dg_column *a, const dg_column *b) {
  bool same = a->texts.count == b->texts.count;
  for (uint32_t i = 0; same && i < a->texts.count; i++)
    same = a->texts.at[i].place == b->texts.at[i].place &&
           strcmp(a->texts.at[i].text, b->texts.at[i].text) == 0;
  return same;
}

bool dg_columns_same(const dg_columns *learned, const dg_columns *given, const char *where,
                     const char *source, dg_error *err) {
  for (uint32_t a = 0, b = 0;; a++, b++) {
    a = next_feature(learned, a);
    b = next_feature(given, b);
    if (a == learned->count && b == given->count) return true;
    const dg_column *x = a < learned->count ? &learned->at[a] : NULL;
    const dg_column *y = b < given->count ? &given->at[b] : NULL;
    if (x && y && strcmp(x->name, y->name) == 0) {
      if (x->role == y->role && same_texts(x, y)) continue;
      return dg_fail(
          err, DG_ERR_INPUT,
          "%.300s: its column \"%.80s\" has other texts than that of %.300s; read the table "
          "like the one that was learned",
          source, x->name, where);
    }
    return dg_fail(
        err, DG_ERR_INPUT,
        "%.300s: a column \"%.80s\" is where \"%.80s\" is in %.300s; a table to test has the "
        "columns that were learned, in their order",
        source, y ? y->name : "(none)", x ? x->name : "(none)", where);
  }
}
