/** The built-in table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/columns.h"
#include "core/data/drawn/builtin.h"
#include "core/data/drawn/noise.h"

enum { COLUMNS = 12, TARGETS = 2, CLASSES = 3, SEED = 1 };

static const char *const classes[CLASSES] = {"low", "middle", "high"};

/** Where the thirds of y1 begin, as measured over four million rows. */
static const float thirds[CLASSES - 1] = {9.023f, 13.081f};

/** Mean and deviation of each column. */
static const struct {
  float mean, deviation;
} units[COLUMNS] = {{0, 1},  {50, 10}, {-3, 0.5f}, {0, 2},    {1000, 100}, {0.5f, 0.1f},
                    {20, 5}, {0, 1},   {7, 3},     {-40, 20}, {100, 30},   {0, 1}};

/** Draws row number `index` of a part: its columns and its targets. */
static void draw_row(dg_part part, uint32_t index, float *row, float y[TARGETS]) {
  dg_random r = dg_random_start(SEED, dg_stream(DG_STREAM_TABLE, (uint32_t)part), index, 0);
  float u[COLUMNS];
  for (int i = 0; i < COLUMNS; i++) {
    u[i] = dg_flat(&r);
    row[i] = units[i].mean + units[i].deviation * u[i];
  }
  y[0] = 10 + 3 * u[0] - 2 * u[1] + u[2] + 2 * u[3] * u[4] + (u[5] > 0.5f ? 3.0f : 0.0f) +
         DG_TABLE_NOISE_1 * dg_noise(&r);
  y[1] = -100 + 40 * u[6] + 20 * u[7] - 30 * u[0] * u[8] + (u[9] > 0 ? 25.0f : 0.0f) +
         DG_TABLE_NOISE_2 * dg_noise(&r);
}

/** Which targets are wanted, in which order. */
typedef struct {
  uint32_t count; /**< 0: classes */
  uint32_t which[TARGETS];
} choice;

static bool fail_choice(const char *given, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT,
                 "builtin:table has the label class and the targets y1 and y2, not \"%.80s\"",
                 given) ||
         dg_advise(err, DG_REMEDY_COLUMN);
}

static bool choose(const dg_dataset_options *o, choice *c, dg_error *err) {
  static const struct {
    const char *targets;
    choice choice;
  } all[] = {{"y1,y2", {2, {0, 1}}}, {"y2,y1", {2, {1, 0}}}, {"y1", {1, {0}}}, {"y2", {1, {1}}}};
  *c = (choice){0};
  if (o->label && o->targets)
    return dg_fail(err, DG_ERR_INPUT, "a table has labels or targets, not both: leave out one");
  if (o->label) return strcmp(o->label, "class") == 0 || fail_choice(o->label, err);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(o->targets ? o->targets : "y1,y2", all[i].targets) == 0)
      return *c = all[i].choice, true;
  return fail_choice(o->targets, err);
}

static bool draw_part(dg_samples *samples, dg_part part, uint32_t count, const choice *c,
                      dg_error *err) {
  const dg_sample_kind kind = {.shape = {1, {COLUMNS}},
                               .type = DG_NUMBERS_FLOATS,
                               .targets = c->count,
                               .targets_type = c->count ? DG_NUMBERS_FLOATS : DG_NUMBERS_BYTES};
  if (!dg_samples_new(samples, count, &kind, err)) return false;
  for (uint32_t i = 0; i < count; i++) {
    float y[TARGETS];
    draw_row(part, i, (float *)samples->inputs + (size_t)i * COLUMNS, y);
    if (!c->count) samples->labels[i] = (uint8_t)((y[0] >= thirds[0]) + (y[0] >= thirds[1]));
    for (uint32_t k = 0; k < c->count; k++)
      ((float *)samples->targets)[(size_t)i * c->count + k] = y[c->which[k]];
  }
  return true;
}

static bool name_column(dg_column *column, const char *letter, uint32_t number,
                        dg_column_role role) {
  char name[16];
  snprintf(name, sizeof name, "%s%u", letter, number);
  column->role = role;
  column->name = strdup(number ? name : letter);
  return column->name != NULL;
}

/** Names columns and targets, or classes. */
static dg_columns *name_columns(const choice *c, dg_error *err) {
  const uint32_t others = c->count ? c->count : 1;
  dg_columns *columns = dg_columns_new(COLUMNS + others, err);
  bool ok = columns != NULL;
  for (uint32_t i = 0; ok && i < COLUMNS; i++) {
    dg_column *column = &columns->at[i];
    column->means = malloc(sizeof *column->means);
    ok = column->means && name_column(column, "x", i + 1, DG_COLUMN_NUMBER);
    if (ok) *column->means = units[i].mean;
  }
  for (uint32_t k = 0; ok && k < c->count; k++)
    ok = name_column(&columns->at[COLUMNS + k], "y", c->which[k] + 1, DG_COLUMN_TARGET);
  if (ok && !c->count) ok = name_column(&columns->at[COLUMNS], "class", 0, DG_COLUMN_LABEL);
  for (uint32_t k = 0; ok && !c->count && k < CLASSES; k++)
    ok = dg_texts_add(&columns->at[COLUMNS].texts, classes[k], strlen(classes[k]));
  if (ok) dg_columns_number(columns);
  if (ok || !columns) return columns;
  dg_columns_free(columns);
  return dg_fail_memory(err, sizeof *columns), NULL;
}

dg_dataset *dg_builtin_table(const dg_dataset_options *options, dg_error *err) {
  choice c;
  dg_dataset *set = choose(options, &c, err) ? dg_dataset_new("builtin:table", err) : NULL;
  if (set) set->columns = name_columns(&c, err);
  if (set && set->columns && draw_part(&set->train, DG_PART_TRAIN, DG_TABLE_TRAIN, &c, err) &&
      draw_part(&set->test, DG_PART_TEST, DG_TABLE_TEST, &c, err)) {
    for (uint32_t k = 0; !c.count && k < CLASSES; k++)
      snprintf(set->names.name[k], DG_CLASS_SIZE, "%s", classes[k]);
    set->names.count = c.count ? 0 : CLASSES;
    dg_dataset_count_classes(set);
    return set;
  }
  dg_dataset_close(set);
  return NULL;
}
