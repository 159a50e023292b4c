#include "core/data/csv/scan.h"

#include <ctype.h>
#include <string.h>

#include "core/base/text.h"
#include "core/data/csv/number.h"

static bool fail(const dg_scan *s, uint32_t column, const char *found, const char *remedy) {
  return dg_fail(s->err, DG_ERR_INPUT, "%s:%llu: column %u: %s; %s", s->path,
                 (unsigned long long)s->line, column + 1, found, remedy);
}

/** Where a line ends that may have a carriage return, or NULL: it doesn't end here. */
static const char *line_end(const char *at) {
  if (*at == '\r' && at[1] == '\n') at++;
  return *at == '\n' ? at : NULL;
}

static bool add(const dg_scan *s, uint32_t column, dg_cell *f, char c) {
  if (f->length == DG_FIELD_SIZE - 1)
    return fail(s, column, "a value of more than 255 bytes", "correct the line or remove it");
  f->text[f->length++] = c;
  return true;
}

static bool read_quoted(dg_scan *s, uint32_t column, dg_cell *f) {
  const uint64_t begin = s->line;
  f->quoted = true;
  for (s->at++; *s->at != '"' || s->at[1] == '"'; s->at++) {
    if (!*s->at) {
      s->line = begin;
      return fail(s, column, "the quote that begins here has no end", "close it, or double it");
    }
    if (*s->at == '\n') s->line++;
    if (*s->at == '"') s->at++;
    if (!add(s, column, f, *s->at)) return false;
  }
  s->at++;
  return *s->at == s->separator || line_end(s->at) ||
         fail(s, column, "something follows the closing quote",
              "double the quotes inside of a value");
}

static bool read_bare(dg_scan *s, uint32_t column, dg_cell *f) {
  while (*s->at == ' ' || (*s->at == '\t' && s->separator != '\t')) s->at++;
  for (; *s->at && *s->at != s->separator && !line_end(s->at); s->at++)
    if (!add(s, column, f, *s->at)) return false;
  while (f->length > 0 && (f->text[f->length - 1] == ' ' || f->text[f->length - 1] == '\t'))
    f->length--;
  return true;
}

/** Text of one line in UTF-8. */
static bool check_text(const dg_scan *s, uint32_t column, const dg_cell *f) {
  for (size_t i = 0; i < f->length; i++)
    if (iscntrl((unsigned char)f->text[i]))
      return fail(s, column, "a value holds a control character", "remove it");
  return !dg_utf8_fault(f->text) ||
         fail(s, column, "a value is not UTF-8", "save the table as UTF-8");
}

bool dg_scan_field(dg_scan *s, uint32_t column, dg_cell *f) {
  f->length = 0;
  f->quoted = false;
  const bool ok = *s->at == '"' ? read_quoted(s, column, f) : read_bare(s, column, f);
  if (!ok) return false;
  f->text[f->length] = '\0';
  if (!check_text(s, column, f)) return false;
  const char *end = line_end(s->at);
  f->last = end || !*s->at;
  if (end) s->at = end;
  if (*s->at) s->at++;
  s->line += f->last;
  return true;
}

bool dg_scan_number(dg_scan *s, float *value, bool *last) {
  const char *at = s->at;
  if (dg_number_read(&at, s->point, value) != DG_NUMBER_READ) return false;
  *last = *at != s->separator;
  if (*last) {
    at = line_end(at);
    if (!at) return false;
    s->line++;
  }
  s->at = at + 1;
  return true;
}

bool dg_scan_blank(dg_scan *s) {
  const char *end = line_end(s->at);
  if (!end) return false;
  s->at = end + 1;
  s->line++;
  return true;
}

bool dg_cell_number(const dg_cell *f, char point, float *value, bool *large) {
  const char *at = f->text;
  const dg_number_found found = dg_number_read(&at, point, value);
  *large = found == DG_NUMBER_LARGE;
  return found != DG_NUMBER_NONE && *at == '\0';
}
