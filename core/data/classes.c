#include "core/data/classes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/encoding.h"
#include "core/base/file/input.h"
#include "core/base/text.h"

enum { MAX_BYTES = 1 << 20 };

/** Can it be printed on one line? */
static bool is_plain(const char *name) {
  for (const char *at = name; *at; at++)
    if (iscntrl((unsigned char)*at)) return false;
  return !dg_utf8_fault(name);
}

bool dg_classes_add(dg_classes *classes, const char *name, size_t length, const char *where,
                    dg_error *err) {
  if (classes->count == DG_CLASSES)
    return dg_fail(err, DG_ERR_INPUT, "%s: more than %d classes; leave some out", where,
                   DG_CLASSES);
  char *out = classes->name[classes->count];
  if (length < DG_CLASS_SIZE) {
    memcpy(out, name, length);
    out[length] = '\0';
  }
  if (length >= DG_CLASS_SIZE || strlen(out) < length || !is_plain(out))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the name of class %u must be a line of UTF-8 of at most %d bytes; change "
                   "it",
                   where, classes->count, DG_CLASS_SIZE - 1);
  classes->count++;
  return true;
}

/** Bytes of a line without the white space at its end. */
static size_t trimmed(const char *line, size_t length) {
  while (length > 0 && isspace((unsigned char)line[length - 1])) length--;
  return length;
}

bool dg_classes_parse(dg_classes *classes, const char *text, const char *where, dg_error *err) {
  *classes = (dg_classes){0};
  while (*text) {
    size_t length = strcspn(text, "\n");
    if (!dg_classes_add(classes, text, trimmed(text, length), where, err)) return false;
    text += length + (text[length] == '\n');
  }
  return classes->count > 0 ||
         dg_fail(err, DG_ERR_INPUT, "%s: no name in it; one a line is expected", where);
}

bool dg_classes_read(dg_classes *classes, const char *path, dg_error *err) {
  size_t size;
  char *text = dg_input_read(path, MAX_BYTES, &size, err);
  const char *names = text ? dg_text_begin(text, size, path, err) : NULL;
  bool ok = names && dg_classes_parse(classes, names, path, err);
  free(text);
  return ok;
}

char *dg_classes_text(const dg_classes *classes, dg_error *err) {
  size_t bytes = (size_t)classes->count * DG_CLASS_SIZE + 1;
  char *text = calloc(bytes, 1);
  if (!text) return dg_fail_memory(err, bytes), NULL;
  for (uint32_t i = 0; i < classes->count; i++) dg_append(text, bytes, "%s\n", classes->name[i]);
  return text;
}

const char *dg_class_name(const dg_classes *classes, uint32_t label, char number[DG_CLASS_SIZE]) {
  if (label < classes->count && *classes->name[label]) return classes->name[label];
  snprintf(number, DG_CLASS_SIZE, "%u", label);
  return number;
}

uint32_t dg_classes_differ(const dg_classes *a, const dg_classes *b) {
  uint32_t label = 0, count = a->count < b->count ? a->count : b->count;
  while (label < count &&
         (!*a->name[label] || !*b->name[label] || strcmp(a->name[label], b->name[label]) == 0))
    label++;
  return label;
}
