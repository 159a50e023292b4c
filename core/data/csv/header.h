/** The header of a table of numbers. */
#ifndef DG_CSV_HEADER_H
#define DG_CSV_HEADER_H

#include "core/data/csv/scan.h"

typedef struct {
  const char *name;
  uint32_t column;
} dg_csv_sorted;

/** The names of the columns. */
typedef struct {
  uint32_t count;
  char **names;          /**< [count] */
  dg_csv_sorted *sorted; /**< [count] */
} dg_csv_header;

/**
 * Reads the header at the beginning of a text, and finds out what separates its names: commas,
 * semicolons or tabs. If `scan->point` is a comma, it separates nothing. Names that are empty or
 * given twice, and a header of nothing but numbers, are errors.
 */
bool dg_csv_header_read(dg_csv_header *header, dg_scan *scan);
void dg_csv_header_free(dg_csv_header *header);

enum { DG_NO_COLUMN = UINT32_MAX };

/** The index of a name, or DG_NO_COLUMN. */
uint32_t dg_csv_header_find(const dg_csv_header *header, const char *name);

/** The same; else that of the only one which differs but in upper and lower case. */
uint32_t dg_csv_header_near(const dg_csv_header *header, const char *name);

#endif
