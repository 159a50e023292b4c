/** Fields of the text of a table. */
#ifndef DG_CSV_SCAN_H
#define DG_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** A text that is being read, field by field; it ends with a line feed and a zero byte. */
typedef struct {
  const char *at;
  char separator, point; /**< point: of numbers */
  uint64_t line;         /**< from 1 on */
  const char *path;
  dg_error *err;
} dg_scan;

enum { DG_FIELD_SIZE = 256 };

/** A field, without the quotes around it, or without the spaces around it. */
typedef struct {
  char text[DG_FIELD_SIZE];
  size_t length;
  bool quoted;
  bool last; /**< of its line */
} dg_cell;

/** Reads the next field; what isn't printed, isn't UTF-8, is too long or lacks a closing quote is
    an error. `column` is its number for messages, from 0. */
bool dg_scan_field(dg_scan *scan, uint32_t column, dg_cell *field);

/**
 * Reads the next field, if it is a number without quotes and nothing else: the end of the scan is
 * then behind it.
 */
bool dg_scan_number(dg_scan *scan, float *value, bool *last);

/** Passes over an empty line, if one begins here. */
bool dg_scan_blank(dg_scan *scan);

/** Is the whole field a number? `found` says of which kind. */
bool dg_cell_number(const dg_cell *field, char point, float *value, bool *large);

#endif
