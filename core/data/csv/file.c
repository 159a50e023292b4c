#include "core/data/csv/file.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/encoding.h"
#include "core/base/limits/memory.h"

enum {
  PIECE = 1 << 16,
  MAX_HEAD = 1 << 24,
  HEAD_LINES = 2, /* the header and a row */
  /* A gzipped table of more than so many unpacked bytes may be at most so many times its packed
     size; only tables of blank images pack better. */
  MAX_INFLATION = DG_MAX_INFLATION / 4,
  MAX_UNPACKED = 1 << 26
};

/** Makes room for `more` bytes behind those that were read, and two more. */
static bool grow(dg_csv_file *f, size_t more) {
  if (f->end + more + 2 <= f->capacity) return true;
  const size_t capacity = 2 * f->end + more + 2;
  if (!dg_memory_check(capacity, "the text of the table", f->file.err)) return false;
  uint8_t *bytes = realloc(f->bytes, capacity);
  if (!bytes) return dg_fail_memory(f->file.err, capacity);
  f->bytes = bytes;
  f->capacity = capacity;
  return true;
}

/** Reads up to `count` more bytes behind those that are there. */
static bool read_on(dg_csv_file *f, size_t count, size_t *got) {
  if (!grow(f, count)) return false;
  if (!dg_packed_read(&f->file, f->bytes + f->end, count, got)) return false;
  f->end += *got;
  return true;
}

static size_t count_lines(const uint8_t *bytes, size_t count) {
  size_t lines = 0;
  for (size_t i = 0; i < count; i++) lines += bytes[i] == '\n';
  return lines;
}

static bool read_head(dg_csv_file *f) {
  for (size_t lines = 0, got = 1; lines < HEAD_LINES && got > 0 && f->end < MAX_HEAD;) {
    if (!read_on(f, PIECE, &got)) return false;
    lines += count_lines(f->bytes + f->end - got, got);
  }
  return dg_text_mark((const char *)f->bytes, f->end, f->file.path, &f->at, f->file.err);
}

bool dg_csv_open(dg_csv_file *f, const char *path, dg_error *err) {
  *f = (dg_csv_file){0};
  if (!dg_packed_open_input(&f->file, path, err)) return false;
  const uint64_t most = f->file.size * MAX_INFLATION;
  if (!gzdirect(f->file.stream)) f->file.most = most > MAX_UNPACKED ? most : MAX_UNPACKED;
  if (read_head(f)) return true;
  dg_csv_close(f);
  return false;
}

int dg_csv_refill(dg_csv_file *f) {
  size_t got;
  f->at = f->end = 0;
  if (!read_on(f, PIECE, &got)) return DG_CSV_FAILED;
  return got > 0 ? f->bytes[f->at++] : DG_CSV_END;
}

char *dg_csv_rest(dg_csv_file *f, size_t *size) {
  for (size_t got = 1; got > 0;) {
    const size_t more = f->end < PIECE ? PIECE : f->end;
    if (!read_on(f, more, &got)) return NULL;
  }
  char *text = (char *)f->bytes + f->at;
  *size = f->end - f->at;
  if (memchr(text, '\0', *size)) {
    dg_fail(f->file.err, DG_ERR_INPUT, "%s: this is no text: it holds binary data (a zero byte)",
            f->file.path);
    return NULL;
  }
  if (*size > 0 && text[*size - 1] != '\n') text[(*size)++] = '\n';
  text[*size] = '\0';
  return text;
}

void dg_csv_close(dg_csv_file *f) {
  if (f->file.stream) dg_packed_close(&f->file);
  free(f->bytes);
  *f = (dg_csv_file){0};
}
