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

enum { MAX_NAMES = 256 };

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

/** Refuses what libconfig silently accepts or parses slowly; the message begins with `where`. */
static bool check_text(const char *text, const char *where, bool with_line, dg_error *err) {
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

/** Does every setting have its name and text? libconfig drops them if it runs out of memory. */
static bool is_complete(const config_setting_t *setting) {
  if (config_setting_type(setting) == CONFIG_TYPE_STRING && !config_setting_get_string(setting))
    return false;
  for (int i = 0; i < config_setting_length(setting); i++) {
    const config_setting_t *part = config_setting_get_elem(setting, (unsigned)i);
    if (config_setting_is_group(setting) && !config_setting_name(part)) return false;
    if (!is_complete(part)) return false;
  }
  return true;
}

bool dg_source_parse(config_t *config, const char *text, const char *where, dg_error *err) {
  if (!check_text(text, where, true, err)) return false;
  if (!config_read_string(config, text)) {
    const char *fault = config_error_text(config);
    bool mixed = strstr(fault, "mismatched element type"); /* whole and other numbers, mostly */
    return dg_fail(err, DG_ERR_INPUT, "%s:%d: %s%s", where, config_error_line(config), fault,
                   mixed ? "; write all numbers of a list alike: [1.0, 2.5]" : "");
  }
  if (!is_complete(config_root_setting(config))) return dg_fail_memory(err, strlen(text));
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

/* ---- overriding --------------------------------------------------------- */

/** Marks a setting as coming from an override, for its location in messages. */
static void mark(config_setting_t *setting, const dg_override *override) {
  config_setting_set_hook(setting, (void *)(uintptr_t) override);
}

static bool copy_setting(const config_setting_t *from, config_setting_t *parent, const char *name,
                         const dg_override *override) {
  int type = config_setting_type(from);
  config_setting_t *to = config_setting_add(parent, name, type);
  if (!to) return false;
  mark(to, override);
  switch (type) {
  case CONFIG_TYPE_INT:
    return config_setting_set_int(to, config_setting_get_int(from));
  case CONFIG_TYPE_INT64:
    return config_setting_set_int64(to, config_setting_get_int64(from));
  case CONFIG_TYPE_FLOAT:
    return config_setting_set_float(to, config_setting_get_float(from));
  case CONFIG_TYPE_BOOL:
    return config_setting_set_bool(to, config_setting_get_bool(from));
  case CONFIG_TYPE_STRING:
    return config_setting_set_string(to, config_setting_get_string(from));
  default:
    break;
  }
  for (int i = 0; i < config_setting_length(from); i++) {
    const config_setting_t *part = config_setting_get_elem(from, (unsigned)i);
    if (!copy_setting(part, to, config_setting_name(part), override)) return false;
  }
  return true;
}

/** Parses `text` as the value of a setting "value"; a word without quotes is taken as a string, and
    an array of whole and other numbers, which libconfig has not, as a list. */
static bool parse_value(config_t *config, const char *text) {
  char line[1200];
  if (strpbrk(text, ";\n")) return false;
  if (snprintf(line, sizeof line, "value = %s;", text) >= (int)sizeof line) return false;
  if (config_read_string(config, line)) return true;
  if (strpbrk(text, "\"\\") || *text == '\0') return false;
  size_t length = strlen(text);
  if (*text == '[' && text[length - 1] == ']') {
    snprintf(line, sizeof line, "value = (%.*s);", (int)length - 2, text + 1);
    return config_read_string(config, line);
  }
  snprintf(line, sizeof line, "value = \"%s\";", text);
  return config_read_string(config, line);
}

/** Is a layer called so in the file? */
static bool is_named(config_setting_t *layers, const char *name) {
  const char *its;
  for (int i = 0; i < config_setting_length(layers); i++)
    if (config_setting_lookup_string(config_setting_get_elem(layers, (unsigned)i), "name", &its) &&
        strcmp(its, name) == 0)
      return true;
  return false;
}

/** The layer without a name that dg_names_make will call so: the second relu "relu2". */
static config_setting_t *find_unnamed(config_setting_t *layers, const char *name) {
  size_t length = strlen(name);
  while (length > 0 && isdigit((unsigned char)name[length - 1])) length--;
  unsigned number = 0;
  for (int i = 0; name[length] && i < config_setting_length(layers); i++) {
    config_setting_t *layer = config_setting_get_elem(layers, (unsigned)i);
    const char *type, *its;
    char made[DG_OVERRIDE_PART + 24];
    if (!config_setting_lookup_string(layer, "type", &type) || strlen(type) != length ||
        memcmp(type, name, length) != 0 || config_setting_lookup_string(layer, "name", &its))
      continue;
    do snprintf(made, sizeof made, "%s%u", type, ++number);
    while (is_named(layers, made));
    if (strcmp(made, name) == 0) return layer;
  }
  return NULL;
}

/** A group of the model or a layer by its name, or a group that may be added: data, train. */
static config_setting_t *find_head(config_t *config, const char *name, const dg_override *override,
                                   dg_error *err) {
  const char *names[MAX_NAMES] = {"data", "train"};
  size_t count = 2;
  config_setting_t *root = config_root_setting(config), *head = config_setting_lookup(root, name);
  config_setting_t *layers = config_lookup(config, "layers");
  for (int i = 0; !head && layers && i < config_setting_length(layers); i++) {
    config_setting_t *layer = config_setting_get_elem(layers, (unsigned)i);
    const char *its;
    if (!config_setting_lookup_string(layer, "name", &its)) continue;
    if (strcmp(its, name) == 0) head = layer;
    if (count < MAX_NAMES) names[count++] = its;
  }
  if (!head && layers) head = find_unnamed(layers, name);
  if (head) return head;
  if (strcmp(name, "data") == 0 || strcmp(name, "train") == 0)
    return config_setting_add(root, name, CONFIG_TYPE_GROUP);
  const char *near = dg_nearest(name, names, count);
  dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" is neither a group (data, train) nor a named layer%s%s%s",
          override->option, name, near ? "; did you mean \"" : "", near ? near : "",
          near ? "\"?" : "");
  return NULL;
}

static bool names_no_key(const dg_override *override, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" names no key of the model", override->option,
                 override->path);
}

/** The group that a path names without its last part; missing groups are added. */
static config_setting_t *find_group(config_t *config, const dg_override *override, dg_error *err) {
  config_setting_t *group = config_root_setting(config);
  const char *last = strrchr(override->path, '.');
  size_t depth = 0;
  for (const char *part = override->path; last && part < last; depth++) {
    size_t size = strcspn(part, ".");
    char name[DG_OVERRIDE_PART + 1];
    if (size == 0 || size > DG_OVERRIDE_PART || depth == DG_SOURCE_DEPTH)
      return names_no_key(override, err), NULL;
    snprintf(name, sizeof name, "%.*s", (int)size, part);
    config_setting_t *next = config_setting_lookup(group, name);
    if (part == override->path) {
      next = find_head(config, name, override, err);
      if (!next) return NULL;
    } else if (!next) {
      next = config_setting_add(group, name, CONFIG_TYPE_GROUP);
    }
    if (!next || !config_setting_is_group(next)) return names_no_key(override, err), NULL;
    group = next;
    part += size + 1;
  }
  return group;
}

bool dg_source_override(config_t *config, const dg_override *override, dg_error *err) {
  if (!check_text(override->value, override->option, false, err)) return false;
  const char *dot = strrchr(override->path, '.'), *key = dot ? dot + 1 : override->path;
  if (*key == '\0') return names_no_key(override, err);
  config_setting_t *group = find_group(config, override, err);
  if (!group) return false;
  config_t value;
  config_init(&value);
  bool ok = parse_value(&value, override->value);
  const config_setting_t *from = ok ? config_lookup(&value, "value") : NULL;
  bool lost = ok && (!from || !is_complete(from)); /* libconfig does not report it */
  if (from && !lost) {
    config_setting_remove(group, key);
    ok = copy_setting(from, group, key, override);
  }
  config_destroy(&value);
  if (lost) return dg_fail_memory(err, strlen(override->value));
  if (!ok)
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" is no value", override->option, override->value);
  return is_complete(config_root_setting(config)) || dg_fail_memory(err, strlen(override->value));
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

char *dg_source_text(const config_t *config) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (!file) return NULL;
  write_members(file, config_root_setting(config), 0);
  bool ok = !ferror(file);
  if (fclose(file) == 0 && ok) return text;
  free(text);
  return NULL;
}
