/**
 * The columns of a table of numbers: what later tables need to be read the same way. They go with
 * weights as text.
 */
#ifndef DG_COLUMNS_H
#define DG_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "digits/data.h"

/** A different text of a column. */
typedef struct {
  char *text;
  uint32_t place; /**< its class, or its number among those of the column */
} dg_column_text;

/** The different texts of a column. */
typedef struct {
  uint32_t count, capacity;
  dg_column_text *at; /**< [count], sorted by their bytes */
} dg_column_texts;

enum { DG_COLUMN_TEXTS = 256, DG_COLUMN_NAME = 255 /**< bytes of a name or text at most */ };

typedef enum {
  DG_COLUMN_NUMBER,
  DG_COLUMN_TEXT,    /**< gives a number for each of its texts: 1 or 0 */
  DG_COLUMN_LABEL,   /**< its texts are the classes */
  DG_COLUMN_TARGET,  /**< in the order of the targets; columns of other roles may lie between */
  DG_COLUMN_IGNORED, /**< while a table is read: stands for all columns of its header that aren't
                        used */
} dg_column_role;

typedef struct {
  char *name;
  dg_column_role role;
  dg_column_texts texts; /**< of texts and labels */
  float *means;          /**< [dg_column_width] over the training part; NULL: it has no features */
  uint32_t features, targets; /**< of all columns before it (dg_columns_number) */
} dg_column;

struct dg_columns {
  uint32_t count;
  dg_column *at; /**< [count], and room for one more */
};

/** `count` columns without names, or NULL. */
dg_columns *dg_columns_new(uint32_t count, dg_error *err);
dg_columns *dg_columns_copy(const dg_columns *columns, dg_error *err);

/** Leaves the labels or targets out. */
void dg_columns_keep_features(dg_columns *columns);

/** Has it labels, not targets? */
bool dg_columns_have_label(const dg_columns *columns);

/** How many numbers of a sample a column gives. */
uint32_t dg_column_width(const dg_column *column);

/** How many numbers of a sample all columns give, and how many targets. */
uint64_t dg_columns_features(const dg_columns *columns);
uint32_t dg_columns_targets(const dg_columns *columns);

/** Numbers the features and targets of columns that are complete, which their names are found by.
 */
void dg_columns_number(dg_columns *columns);

/** Names of these numbers, as dg_dataset_feature_name and dg_dataset_target_name. */
const char *dg_columns_feature(const dg_columns *columns, uint32_t index, char *name, size_t size);
const char *dg_columns_target(const dg_columns *columns, uint32_t index);

/** Finds a text; NULL: there is none such. */
dg_column_text *dg_texts_find(const dg_column_texts *texts, const char *text, size_t length);

/** Adds a text that is not there, with its count before as its place; false: there is no memory. */
bool dg_texts_add(dg_column_texts *texts, const char *text, size_t length);

/** Do both have the same features, with the same texts? The error names the first that differs, and
    where both are from. */
bool dg_columns_same(const dg_columns *learned, const dg_columns *given, const char *where,
                     const char *source, dg_error *err);

/** The columns as text (JSON), in new memory. */
char *dg_columns_text(const dg_columns *columns, dg_error *err);

/** The columns from such text, which may come from strangers; messages name `where` it is from. */
dg_columns *dg_columns_parse(const char *text, const char *where, dg_error *err);

#endif
