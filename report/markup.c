#include "report/markup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/base/text.h"

/** Makes space for `more` bytes and a closing zero. */
static bool reserve(markup *m, size_t more) {
  if (m->failed || m->length + more < m->capacity) return !m->failed;
  size_t capacity = 2 * (m->length + more + 1);
  char *text = realloc(m->text, capacity);
  m->failed = !text;
  if (m->failed) return false;
  m->text = text;
  m->capacity = capacity;
  return true;
}

static void add_bytes(markup *m, const char *bytes, size_t size) {
  if (!reserve(m, size)) return;
  memcpy(m->text + m->length, bytes, size);
  m->length += size;
  m->text[m->length] = '\0';
}

void markup_add(markup *m, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, args);
  m->failed |= size < 0;
  if (!m->failed && reserve(m, (size_t)size)) {
    vsnprintf(m->text + m->length, (size_t)size + 1, format, again);
    m->length += (size_t)size;
  }
  va_end(again);
  va_end(args);
}

static const char *entity(char c) {
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  default:
    return NULL;
  }
}

/** Adds text with special characters of HTML and XML escaped. */
static void add_text(markup *m, const char *text) {
  for (; *text; text++) {
    const char *name = entity(*text);
    add_bytes(m, name ? name : text, name ? strlen(name) : 1);
  }
}

void markup_escape(markup *m, const char *text) {
  char piece[256];
  while (text && *text) {
    size_t blanks = strspn(text, "\n\t"), length = strcspn(text + blanks, "\n\t");
    add_bytes(m, text, blanks);
    for (text += blanks; length > 0;) {
      size_t read = dg_visible(piece, sizeof piece, text, length);
      add_text(m, piece);
      text += read;
      length -= read;
    }
  }
}

void markup_base64(markup *m, const uint8_t *bytes, size_t size) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < size; i += 3) {
    size_t here = size - i < 3 ? size - i : 3;
    uint32_t three = (uint32_t)bytes[i] << 16;
    if (here > 1) three |= (uint32_t)bytes[i + 1] << 8;
    if (here > 2) three |= bytes[i + 2];
    char four[4] = {letters[three >> 18], letters[three >> 12 & 63],
                    here > 1 ? letters[three >> 6 & 63] : '=',
                    here > 2 ? letters[three & 63] : '='};
    add_bytes(m, four, sizeof four);
  }
}

void markup_append(markup *m, const markup *other) {
  m->failed |= other->failed;
  if (other->text) add_bytes(m, other->text, other->length);
}

bool markup_write(const markup *m, const char *path, dg_error *err) {
  if (m->failed) return dg_fail_memory(err, m->length);
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  dg_file_write(&file, m->text, m->length);
  return dg_file_commit(&file, err);
}

void markup_free(markup *m) {
  free(m->text);
  *m = (markup){0};
}
