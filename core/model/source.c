#include "core/model/source.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/encoding.h"
#include "core/base/file/file.h"
#include "core/base/text.h"

/* ---- reading ------------------------------------------------------------ */

/** Refuses text that is not UTF-8, since weight files store it as UTF-8. */
static bool check_encoding(const char *text, const char *where, bool with_line, dg_error *err) {
  const char *fault = dg_utf8_fault(text);
  if (!fault) return true;
  unsigned line = 1;
  for (const char *at = text; at < fault; at++) line += *at == '\n';
  char location[16] = "";
  if (with_line) snprintf(location, sizeof location, ":%u", line);
  return dg_fail(err, DG_ERR_INPUT, "%s%s: the text is not UTF-8; save it as UTF-8", where,
                 location);
}

/** Skips a string or comment that starts at `at`; returns `at` if there is none. */
static const char *skip_opaque(const char *at) {
  if (*at == '"') {
    for (at++; *at && *at != '"'; at++)
      if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : at;
  }
  if (*at == '#' || (at[0] == '/' && at[1] == '/')) return at + strcspn(at, "\n");
  if (at[0] == '/' && at[1] == '*') {
    const char *end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
  }
  return at;
}

static size_t word_length(const char *at) {
  size_t length = 0;
  while (isalnum((unsigned char)at[length]) || strchr("_.+-", at[length])) {
    if (at[length] == '\0') break;
    length++;
  }
  return length;
}

/** Is a word a whole number that would wrap in libconfig's 32 bits? */
static bool wraps(const char *word, size_t length) {
  const char *digits = word + (*word == '-' || *word == '+');
  char *end;
  if (!isdigit((unsigned char)*digits)) return false;
  errno = 0;
  long long value = strtoll(word, &end, 0);
  if (end != word + length) return false;
  return errno == ERANGE || value > INT32_MAX || value < INT32_MIN;
}

/** The state of checking a text. */
typedef struct {
  const char *where;
  bool with_line;
  unsigned line;
  size_t depth;                     /**< of nested groups and lists */
  size_t keys[DG_SOURCE_DEPTH + 1]; /**< so far, in each of them */
} location;

/** Makes an error that begins with the location. */
__attribute__((format(printf, 3, 4))) static bool fail_in(const location *p, dg_error *err,
                                                          const char *format, ...) {
  char message[400];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (!p->with_line) return dg_fail(err, DG_ERR_INPUT, "%s: %s", p->where, message);
  return dg_fail(err, DG_ERR_INPUT, "%s:%u: %s", p->where, p->line, message);
}

/** Refuses text beyond the limits: depth needs stack, and many keys in a group need time. */
static bool count_symbol(location *p, char symbol, dg_error *err) {
  if (strchr("{([", symbol)) {
    if (p->depth == DG_SOURCE_DEPTH)
      return fail_in(p, err, "there are more than %d groups and lists within each other",
                     DG_SOURCE_DEPTH);
    p->keys[++p->depth] = 0;
  }
  if (strchr("})]", symbol) && p->depth > 0) p->depth--;
  if (strchr("=:", symbol) && ++p->keys[p->depth] > DG_SOURCE_KEYS)
    return fail_in(p, err, "a group has more than %d keys", DG_SOURCE_KEYS);
  return true;
}

/** The end of the token at `at`: a string, a comment, a word, or else one byte. NULL: refused. */
static const char *check_piece(location *p, const char *at, dg_error *err) {
  const char *next = skip_opaque(at);
  if (next != at) return next;
  size_t length = word_length(at);
  bool ok = true;
  if (length && wraps(at, length))
    ok = fail_in(p, err, "the number %.*s%s is too large", length < 40 ? (int)length : 40, at,
                 length < 40 ? "" : "...");
  else if (strncmp(at, "@include", 8) == 0)
    ok = fail_in(p, err, "@include is not allowed; a model is one file");
  else if (!length)
    ok = count_symbol(p, *at, err);
  return ok ? at + (length ? length : 1) : NULL;
}

bool dg_source_check(const char *text, const char *where, bool with_line, dg_error *err) {
  if (strlen(text) > DG_SOURCE_SIZE)
    return dg_fail(err, DG_ERR_INPUT, "%s: the model's text has %zu bytes, more than %d", where,
                   strlen(text), DG_SOURCE_SIZE);
  if (!check_encoding(text, where, with_line, err)) return false;
  location p = {.where = where, .with_line = with_line, .line = 1};
  for (const char *at = text; *at;) {
    const char *next = check_piece(&p, at, err);
    if (!next) return false;
    for (; at < next; at++) p.line += *at == '\n';
  }
  return true;
}

bool dg_source_complete(const config_setting_t *setting) {
  if (config_setting_type(setting) == CONFIG_TYPE_STRING && !config_setting_get_string(setting))
    return false;
  for (int i = 0; i < config_setting_length(setting); i++) {
    const config_setting_t *part = config_setting_get_elem(setting, (unsigned)i);
    if (config_setting_is_group(setting) && !config_setting_name(part)) return false;
    if (!dg_source_complete(part)) return false;
  }
  return true;
}

bool dg_source_parse(config_t *config, const char *text, const char *where, dg_error *err) {
  if (!dg_source_check(text, where, true, err)) return false;
  if (!config_read_string(config, text)) {
    const char *fault = config_error_text(config);
    bool mixed = strstr(fault, "mismatched element type"); /* whole and other numbers, mostly */
    return dg_fail(err, DG_ERR_INPUT, "%s:%d: %s%s", where, config_error_line(config), fault,
                   mixed ? "; write all numbers of a list alike: [1.0, 2.5]" : "");
  }
  if (!dg_source_complete(config_root_setting(config))) return dg_fail_memory(err, strlen(text));
  config_setting_set_hook(config_root_setting(config), (void *)(uintptr_t)where);
  return true;
}

bool dg_source_read(config_t *config, const char *path, dg_error *err) {
  size_t size;
  char *text = dg_file_read(path, DG_SOURCE_SIZE, &size, err);
  const char *begin = text ? dg_text_begin(text, size, path, err) : NULL;
  bool ok = begin && dg_source_parse(config, begin, path, err);
  free(text);
  return ok;
}

/* ---- writing ------------------------------------------------------------ */

/** Writes a number with enough digits to read the same double back; libconfig writes fewer. */
static void write_number(FILE *file, double value) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  char *comma = strchr(text, ','); /* used by some locales */
  if (comma) *comma = '.';
  fprintf(file, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void write_string(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; text++) {
    if (iscntrl((unsigned char)*text)) {
      fprintf(file, "\\x%02X", (unsigned char)*text);
      continue;
    }
    if (*text == '"' || *text == '\\') fputc('\\', file);
    fputc(*text, file);
  }
  fputc('"', file);
}

static void write_value(FILE *file, const config_setting_t *setting, int depth);

/** Writes the settings of a group, one per line. */
static void write_members(FILE *file, const config_setting_t *group, int depth) {
  for (int i = 0; i < config_setting_length(group); i++) {
    const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
    fprintf(file, "%*s%s = ", 2 * depth, "", config_setting_name(member));
    write_value(file, member, depth);
    fputs(";\n", file);
  }
}

/** Writes the values of a list or an array; groups, which are layers, each begin a new line. */
static void write_elements(FILE *file, const config_setting_t *list, int depth) {
  for (int i = 0; i < config_setting_length(list); i++) {
    const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
    if (i) fputc(',', file);
    if (config_setting_is_group(element))
      fprintf(file, "\n%*s", 2 * depth + 2, "");
    else if (i)
      fputc(' ', file);
    write_value(file, element, depth + 1);
  }
}

static void write_value(FILE *file, const config_setting_t *setting, int depth) {
  switch (config_setting_type(setting)) {
  case CONFIG_TYPE_INT:
    fprintf(file, "%d", config_setting_get_int(setting));
    break;
  case CONFIG_TYPE_INT64:
    fprintf(file, "%lldL", config_setting_get_int64(setting));
    break;
  case CONFIG_TYPE_FLOAT:
    write_number(file, config_setting_get_float(setting));
    break;
  case CONFIG_TYPE_BOOL:
    fputs(config_setting_get_bool(setting) ? "true" : "false", file);
    break;
  case CONFIG_TYPE_STRING:
    write_string(file, config_setting_get_string(setting));
    break;
  case CONFIG_TYPE_ARRAY:
    fputc('[', file);
    write_elements(file, setting, depth);
    fputc(']', file);
    break;
  case CONFIG_TYPE_LIST:
    fputc('(', file);
    write_elements(file, setting, depth);
    fputc(')', file);
    break;
  case CONFIG_TYPE_GROUP:
    fputs("{\n", file);
    write_members(file, setting, depth + 1);
    fprintf(file, "%*s}", 2 * depth, "");
    break;
  }
}

char *dg_source_text(const config_setting_t *setting) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (!file) return NULL;
  if (config_setting_is_root(setting))
    write_members(file, setting, 0);
  else
    write_value(file, setting, 0);
  bool ok = !ferror(file);
  if (fclose(file) == 0 && ok) return text;
  free(text);
  return NULL;
}
