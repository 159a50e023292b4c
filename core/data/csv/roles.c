#include "core/data/csv/roles.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

/** The first names of a header, for messages. Returns `text`. */
static char *list_names(const dg_csv_header *h, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < h->count && strlen(text) < capacity / 2; i++)
    dg_append(text, capacity, "%s%.40s", i ? ", " : "", h->names[i]);
  return text;
}

static uint32_t find(const dg_csv_header *h, const char *name, const dg_scan *s) {
  char names[400];
  const uint32_t column = dg_csv_header_near(h, name);
  if (column != DG_NO_COLUMN) return column;
  const char *near =
      dg_nearest(name, (const char *const *)h->names, h->count < 1000 ? h->count : 0);
  if (near)
    dg_fail(s->err, DG_ERR_INPUT, "%s:1: there is no column \"%.80s\"; did you mean \"%s\"?",
            s->path, name, near);
  else
    dg_fail(s->err, DG_ERR_INPUT, "%s:1: there is no column \"%.80s\"; there are %s", s->path, name,
            list_names(h, names, sizeof names));
  return DG_NO_COLUMN;
}

static bool mark_label(const dg_csv_header *h, const char *label, const dg_scan *s,
                       dg_column_role *roles) {
  char names[400];
  const uint32_t column = label ? find(h, label, s) : dg_csv_header_near(h, "label");
  if (column != DG_NO_COLUMN) return roles[column] = DG_COLUMN_LABEL, true;
  if (label) return false;
  return dg_fail(s->err, DG_ERR_INPUT,
                 "%s:1: which column has the labels? None is called label; there are %s", s->path,
                 list_names(h, names, sizeof names)) ||
         dg_advise(s->err, DG_REMEDY_COLUMN);
}

/** Marks the columns of a list of names; their places follow those of the features. */
static bool mark_targets(const dg_csv_header *h, const char *list, const dg_scan *s, uint32_t *of,
                         dg_column_role *roles, uint32_t *count) {
  for (const char *at = list, *end; at; at = *end ? end + 1 : NULL) {
    char name[DG_COLUMN_NAME + 1];
    end = at + strcspn(at, ",");
    if (end == at || (size_t)(end - at) > DG_COLUMN_NAME)
      return dg_fail(s->err, DG_ERR_INPUT,
                     "targets are names of columns, separated by commas, not \"%.80s\"", list);
    memcpy(name, at, (size_t)(end - at));
    name[end - at] = '\0';
    const uint32_t column = find(h, name, s);
    if (column == DG_NO_COLUMN) return false;
    if (roles[column] == DG_COLUMN_TARGET)
      return dg_fail(s->err, DG_ERR_INPUT, "the target \"%s\" is named twice", name);
    roles[column] = DG_COLUMN_TARGET;
    of[column] = (*count)++;
  }
  return true;
}

/** Makes the columns: features and labels in the order of the header, then the targets in theirs,
    which is in `of`. */
static dg_columns *make(const dg_csv_header *h, const dg_column_role *roles, uint32_t targets,
                        const dg_scan *s, uint32_t *of) {
  dg_columns *columns = dg_columns_new(h->count, s->err);
  bool ok = columns != NULL;
  for (uint32_t i = 0, next = 0; ok && i < h->count; i++) {
    of[i] = roles[i] == DG_COLUMN_TARGET ? h->count - targets + of[i] : next++;
    dg_column *column = &columns->at[of[i]];
    column->role = roles[i];
    column->name = strdup(h->names[i]);
    ok = column->name || dg_fail_memory(s->err, strlen(h->names[i]));
  }
  if (ok) return columns;
  dg_columns_free(columns);
  return NULL;
}

dg_columns *dg_csv_roles_learn(const dg_csv_header *h, const dg_dataset_options *o,
                               const dg_scan *s, uint32_t *of) {
  uint32_t targets = 0;
  if (o->label && o->targets) {
    dg_fail(s->err, DG_ERR_INPUT, "a table has labels or targets, not both: leave out one");
    return NULL;
  }
  dg_column_role *roles = calloc(h->count, sizeof *roles);
  if (!roles) return dg_fail_memory(s->err, h->count * sizeof *roles), NULL;
  bool ok = o->targets ? mark_targets(h, o->targets, s, of, roles, &targets)
                       : mark_label(h, o->label, s, roles);
  const uint32_t others = targets ? targets : 1;
  if (ok && h->count == others)
    ok = dg_fail(s->err, DG_ERR_INPUT, "%s:1: there is no other column to learn from", s->path);
  dg_columns *columns = ok ? make(h, roles, targets, s, of) : NULL;
  free(roles);
  return columns;
}

/* ---- columns that were learned ------------------------------------------- */

/** Takes the next name of a list, for a target. */
static bool take_name(const char **list, char **name, const dg_scan *s) {
  const size_t length = strcspn(*list, ",");
  free(*name);
  *name = strndup(*list, length);
  *list += length + ((*list)[length] == ',');
  return *name || dg_fail_memory(s->err, length);
}

/** Gives labels and targets the names that they have in this table. */
static bool rename_answers(dg_columns *columns, const dg_dataset_options *o, const dg_scan *s) {
  const bool label = dg_columns_have_label(columns);
  const char *names = label ? o->label : o->targets;
  uint32_t given = 1;
  if (label ? o->targets != NULL : o->label != NULL)
    return dg_fail(s->err, DG_ERR_INPUT, "%s: %s were learned, not %s", s->path,
                   label ? "labels" : "targets", label ? "targets" : "labels");
  for (const char *at = names; at && *at && !label; at++) given += *at == ',';
  if (names && !label && given != dg_columns_targets(columns))
    return dg_fail(s->err, DG_ERR_INPUT, "%s: %u targets were learned, but %u are named", s->path,
                   dg_columns_targets(columns), given);
  bool ok = true;
  for (uint32_t i = 0; ok && names && i < columns->count; i++)
    if (columns->at[i].role == DG_COLUMN_LABEL || columns->at[i].role == DG_COLUMN_TARGET)
      ok = take_name(&names, &columns->at[i].name, s);
  return ok;
}

/** Finds each of the columns in the header. */
static bool find_learned(const dg_csv_header *h, const dg_columns *columns, const dg_scan *s,
                         uint32_t *of) {
  for (uint32_t i = 0; i < columns->count; i++) {
    const char *name = columns->at[i].name;
    const uint32_t column = dg_csv_header_near(h, name);
    if (column == DG_NO_COLUMN) {
      char names[400];
      return dg_fail(s->err, DG_ERR_INPUT,
                     "%s:1: there is no column \"%.80s\", which the table to train has; there are "
                     "%s",
                     s->path, name, list_names(h, names, sizeof names));
    }
    if (of[column] != DG_NO_COLUMN)
      return dg_fail(s->err, DG_ERR_INPUT, "%s:1: \"%.80s\" is the name of two learned columns",
                     s->path, name);
    of[column] = i;
  }
  return true;
}

/** Tells which columns of the header are left out. `known` are all that were learned. */
static void note_others(const dg_csv_header *h, const dg_columns *known,
                        const dg_dataset_options *o, const dg_scan *s, const uint32_t *of) {
  char text[700] = "";
  uint32_t others = 0;
  for (uint32_t i = 0; o->note && i < h->count; i++) {
    bool answer = false;
    if (of[i] < known->count) continue;
    for (uint32_t k = 0; k < known->count; k++)
      answer |= strcmp(known->at[k].name, h->names[i]) == 0;
    if (answer) continue;
    if (others++ == 0)
      dg_append(text, sizeof text, "%.300s: left out, since not learned: ", s->path);
    if (strlen(text) < sizeof text / 2)
      dg_append(text, sizeof text, "%s%.60s", others > 1 ? ", " : "", h->names[i]);
  }
  if (others) o->note(o->user, text);
}

dg_columns *dg_csv_roles_follow(const dg_csv_header *h, const dg_columns *learned,
                                const dg_dataset_options *o, bool answers, const dg_scan *s,
                                uint32_t *of) {
  dg_columns *columns = dg_columns_copy(learned, s->err);
  for (uint32_t i = 0; i < h->count; i++) of[i] = DG_NO_COLUMN;
  if (columns && !answers) dg_columns_keep_features(columns);
  if (columns && (!answers || rename_answers(columns, o, s)) && find_learned(h, columns, s, of)) {
    note_others(h, answers ? columns : learned, o, s, of);
    for (uint32_t i = 0; i < h->count; i++)
      if (of[i] == DG_NO_COLUMN) of[i] = columns->count;
    columns->at[columns->count++].role = DG_COLUMN_IGNORED;
    return columns;
  }
  dg_columns_free(columns);
  return NULL;
}

dg_columns *dg_csv_roles_plain(const dg_csv_header *h, const dg_dataset_options *o,
                               const dg_scan *s, uint32_t *of) {
  uint32_t targets = 0, next = 0;
  dg_column_role *roles = calloc(h->count, sizeof *roles);
  if (!roles) return dg_fail_memory(s->err, h->count * sizeof *roles), NULL;
  const bool named = o->label || (!o->targets && dg_csv_header_near(h, "label") != DG_NO_COLUMN);
  bool ok = (!o->targets || mark_targets(h, o->targets, s, of, roles, &targets)) &&
            (!named || mark_label(h, o->label, s, roles));
  dg_columns *columns = ok ? dg_columns_new(h->count, s->err) : NULL;
  for (uint32_t i = 0; columns && i < h->count; i++) {
    of[i] = roles[i] == DG_COLUMN_NUMBER ? next++ : DG_NO_COLUMN;
    if (of[i] == DG_NO_COLUMN) continue;
    columns->at[of[i]].name = strdup(h->names[i]);
    ok = ok && (columns->at[of[i]].name || dg_fail_memory(s->err, strlen(h->names[i])));
  }
  for (uint32_t i = 0; columns && i < h->count; i++)
    if (of[i] == DG_NO_COLUMN) of[i] = next;
  free(roles);
  if (columns) {
    columns->count = next;
    columns->at[columns->count++].role = DG_COLUMN_IGNORED;
  }
  if (ok) return columns;
  dg_columns_free(columns);
  return NULL;
}
