/** The bytes of a table, gzipped or not. */
#ifndef DG_CSV_FILE_H
#define DG_CSV_FILE_H

#include "core/data/packed.h"

/** A table that is being read. All zero: not opened. */
typedef struct {
  dg_packed file;
  uint8_t *bytes; /**< [end], the unpacked bytes that were read and are not yet passed over */
  size_t at, end, capacity;
} dg_csv_file;

/**
 * Opens a table and reads its first bytes: the header and the first row, unless they are extremely
 * long. Text in UTF-16 is an error; a byte order mark of UTF-8 is passed over. On failure there is
 * nothing to close. `path` must outlive it.
 */
bool dg_csv_open(dg_csv_file *file, const char *path, dg_error *err);

/** Values in place of a byte: the end of the file, or a failure that was reported. */
enum { DG_CSV_END = -1, DG_CSV_FAILED = -2 };

/** Reads the next piece of the file; returns its first byte. */
int dg_csv_refill(dg_csv_file *file);

/** The next byte. */
static inline int dg_csv_next(dg_csv_file *file) {
  return file->at < file->end ? file->bytes[file->at++] : dg_csv_refill(file);
}

/** Reads the rest and returns where it begins. It ends with a line feed, which is added if the file
    has none there, and a zero byte; its other bytes are not zero. NULL on failure. */
char *dg_csv_rest(dg_csv_file *file, size_t *size);

void dg_csv_close(dg_csv_file *file);

#endif
