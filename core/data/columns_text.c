/** Columns as JSON: [{"name": "age", "role": "number", "means": [39.5]}, …]. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/numbers.h"
#include "core/base/text.h"
#include "core/data/columns.h"

static const char *const roles[] = {"number", "text", "label", "target"};
enum { ROLES = sizeof roles / sizeof *roles };

/* ---- writing ------------------------------------------------------------ */

/** The texts in the order of their places. */
static json_t *write_texts(const dg_column_texts *texts) {
  json_t *list = json_array();
  for (uint32_t place = 0; list && place < texts->count; place++)
    for (uint32_t i = 0; i < texts->count; i++)
      if (texts->at[i].place == place) json_array_append_new(list, json_string(texts->at[i].text));
  return list;
}

static json_t *write_means(const dg_column *column) {
  json_t *list = json_array();
  for (uint32_t i = 0; list && i < dg_column_width(column); i++)
    json_array_append_new(list, json_real(column->means[i]));
  return list;
}

static json_t *write_column(const dg_column *column) {
  json_t *object = json_pack("{s:s, s:s}", "name", column->name, "role", roles[column->role]);
  if (column->texts.count) json_object_set_new(object, "texts", write_texts(&column->texts));
  if (column->means) json_object_set_new(object, "means", write_means(column));
  return object;
}

char *dg_columns_text(const dg_columns *columns, dg_error *err) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (uint32_t i = 0; ok && i < columns->count; i++)
    ok = json_array_append_new(list, write_column(&columns->at[i])) == 0;
  char *text = ok ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(list);
  if (!text) dg_fail_memory(err, columns->count * sizeof *columns->at);
  return text;
}

/* ---- reading ------------------------------------------------------------ */

/** Is it a name or text that a table can have? */
static bool is_name(const json_t *value) {
  const char *text = json_string_value(value);
  return text && *text && strlen(text) == json_string_length(value) &&
         strlen(text) <= DG_COLUMN_NAME && !dg_utf8_fault(text);
}

static bool read_role(dg_column *column, const json_t *value) {
  const char *word = json_string_value(value);
  for (int i = 0; word && i < ROLES; i++)
    if (strcmp(word, roles[i]) == 0) return column->role = (dg_column_role)i, true;
  return false;
}

static bool read_texts(dg_column *column, const json_t *list) {
  const bool wanted = column->role == DG_COLUMN_TEXT || column->role == DG_COLUMN_LABEL;
  const size_t count = json_array_size(list);
  if (!wanted) return list == NULL;
  bool ok = count > 0 && count <= DG_COLUMN_TEXTS;
  for (size_t i = 0; ok && i < count; i++) {
    const json_t *value = json_array_get(list, i);
    const char *text = json_string_value(value);
    ok = is_name(value) && !dg_texts_find(&column->texts, text, strlen(text)) &&
         dg_texts_add(&column->texts, text, strlen(text));
  }
  return ok;
}

static bool read_means(dg_column *column, const json_t *list) {
  const uint32_t width = dg_column_width(column);
  if (json_array_size(list) != width) return false;
  column->means = width ? calloc(width, sizeof *column->means) : NULL;
  for (uint32_t i = 0; column->means && i < width; i++) {
    const json_t *value = json_array_get(list, i);
    column->means[i] = json_is_number(value) ? (float)json_number_value(value) : NAN;
  }
  return !width || (column->means && dg_first_nonfinite(column->means, width) == width);
}

static bool read_column(dg_column *column, const json_t *object) {
  const json_t *name = json_object_get(object, "name");
  if (is_name(name)) column->name = strdup(json_string_value(name));
  return column->name && read_role(column, json_object_get(object, "role")) &&
         read_texts(column, json_object_get(object, "texts")) &&
         read_means(column, json_object_get(object, "means"));
}

/** Reads all columns; returns how many are right. */
static uint32_t read_list(dg_columns *columns, const json_t *list) {
  uint32_t i = 0;
  while (i < columns->count && read_column(&columns->at[i], json_array_get(list, i))) i++;
  return i;
}

/** Are there labels or targets or neither of them, and is one column that of the labels? */
static bool have_sound_roles(const dg_columns *columns) {
  uint32_t labels = 0;
  for (uint32_t i = 0; i < columns->count; i++) labels += columns->at[i].role == DG_COLUMN_LABEL;
  return labels == 0 || (labels == 1 && dg_columns_targets(columns) == 0);
}

dg_columns *dg_columns_parse(const char *text, const char *where, dg_error *err) {
  json_error_t wrong;
  bool starved;
  json_t *list = dg_json_read(text, strlen(text), 0, &wrong, &starved);
  const size_t count = json_array_size(list);
  dg_columns *columns = NULL;
  if (starved)
    dg_fail_memory(err, strlen(text));
  else if (count == 0 || count > INT32_MAX)
    dg_fail(err, DG_ERR_INPUT, "%s: the columns of the table are damaged: no list in JSON", where);
  else
    columns = dg_columns_new((uint32_t)count, err);
  const uint32_t right = columns ? read_list(columns, list) : 0;
  json_decref(list);
  const bool sound = columns && right == count && have_sound_roles(columns);
  if (!columns) return NULL;
  if (sound) return dg_columns_number(columns), columns;
  if (right == count)
    dg_fail(err, DG_ERR_INPUT,
            "%s: the columns of the table are damaged: several have the labels, or targets are "
            "beside them",
            where);
  else
    dg_fail(err, DG_ERR_INPUT, "%s: column %u of the table is damaged", where, right + 1);
  dg_columns_free(columns);
  return NULL;
}

dg_columns *dg_columns_copy(const dg_columns *columns, dg_error *err) {
  char *text = dg_columns_text(columns, err);
  dg_columns *copy = text ? dg_columns_parse(text, "a copy of the columns", err) : NULL;
  free(text);
  return copy;
}
