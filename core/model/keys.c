#include "core/model/keys.h"

#include <ctype.h>
#include <libconfig.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "digits/model.h"

/** The override that a setting came from (set as its hook), or NULL for the file. */
static const dg_override *override_of(const config_setting_t *setting) {
  return config_setting_is_root(setting) ? NULL : config_setting_get_hook(setting);
}

/** The name of the text that a setting came from: the hook of the root. */
static const char *source_of(const config_setting_t *setting) {
  while (!config_setting_is_root(setting)) setting = config_setting_parent(setting);
  return config_setting_get_hook(setting);
}

bool dg_fail_at(dg_error *err, const config_setting_t *setting, const char *format, ...) {
  char message[sizeof(((dg_error *)0)->message)];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  const dg_override *from = override_of(setting);
  if (from)
    return dg_fail(err, DG_ERR_INPUT, "%s (%s = %s): %s", from->option, from->path, from->value,
                   message);
  const char *source = source_of(setting);
  unsigned line = config_setting_source_line(setting);
  if (line == 0) return dg_fail(err, DG_ERR_INPUT, "%s: %s", source, message);
  return dg_fail(err, DG_ERR_INPUT, "%s:%u: %s", source, line, message);
}

bool dg_fail_unknown(dg_error *err, const config_setting_t *setting, const char *what,
                     const char *word, const char *context, const char *const *names,
                     size_t count) {
  const char *near = dg_nearest(word, names, count);
  if (near)
    return dg_fail_at(err, setting, "unknown %s \"%s\"%s; did you mean \"%s\"?", what, word,
                      context, near);
  char list[500] = "";
  for (size_t i = 0; i < count; i++) dg_append(list, sizeof list, "%s%s", i ? ", " : "", names[i]);
  return dg_fail_at(err, setting, "unknown %s \"%s\"%s; there %s %s", what, word, context,
                    count == 1 ? "is" : "are", count ? list : "none");
}

static void describe_range(const dg_key *key, char *text, size_t capacity) {
  dg_append(text, capacity, " %s %.10g", key->above_low ? ">" : ">=", key->low);
  if (key->high != 0.0)
    dg_append(text, capacity, " and %s %.10g", key->below_high ? "<" : "<=", key->high);
}

static void describe_choices(const dg_key *key, char *text, size_t capacity) {
  for (size_t i = 0; key->choices[i]; i++)
    dg_append(text, capacity, "%s\"%s\"", i ? (key->choices[i + 1] ? ", " : " or ") : "",
              key->choices[i]);
}

/** Text of a key's values: `a whole number >= 1 and <= 10`. */
static void describe_type(const dg_key *key, char *text, size_t capacity) {
  text[0] = '\0';
  switch (key->type) {
  case DG_KEY_COUNT:
    dg_append(text, capacity, "a whole number");
    describe_range(key, text, capacity);
    break;
  case DG_KEY_NUMBER:
    dg_append(text, capacity, "a number");
    describe_range(key, text, capacity);
    break;
  case DG_KEY_PAIR:
    dg_append(text, capacity, "n or [height, width], whole numbers");
    describe_range(key, text, capacity);
    break;
  case DG_KEY_PADDING:
    dg_append(text, capacity, "n, [height, width] or [top, left, bottom, right], whole numbers");
    describe_range(key, text, capacity);
    dg_append(text, capacity, ", or \"same\"");
    break;
  case DG_KEY_SIDES:
    dg_append(text, capacity, "n, [height, width] or [top, left, bottom, right], whole numbers");
    describe_range(key, text, capacity);
    break;
  case DG_KEY_STEP_PADDING:
  case DG_KEY_STEP_SIDES:
    dg_append(text, capacity, "n or [before, after], whole numbers");
    describe_range(key, text, capacity);
    if (key->type == DG_KEY_STEP_PADDING) dg_append(text, capacity, ", or \"same\"");
    break;
  case DG_KEY_BOOL:
    dg_append(text, capacity, "true or false");
    break;
  case DG_KEY_CHOICE:
    describe_choices(key, text, capacity);
    break;
  case DG_KEY_NAME:
    dg_append(text, capacity, "a name of letters, digits, _ and -");
    break;
  case DG_KEY_LINE:
    dg_append(text, capacity, "a line of UTF-8 in quotes, shorter than %d bytes", DG_LINE_SIZE);
    break;
  case DG_KEY_NUMBERS:
    dg_append(text, capacity, "a number");
    describe_range(key, text, capacity);
    dg_append(text, capacity, "%s a list of at most %u of them, [a, b, ...]",
              key->choices ? "," : " or", key->most);
    if (key->choices) dg_append(text, capacity, ", or ");
    if (key->choices) describe_choices(key, text, capacity);
    break;
  }
}

static bool wrong(const dg_key *key, const config_setting_t *setting, dg_error *err) {
  char takes[400];
  describe_type(key, takes, sizeof takes);
  return dg_fail_at(err, setting, "%s must be %s", key->name, takes);
}

static bool in_range(const dg_key *key, double value) {
  if (!isfinite(value)) return false;
  if (value < key->low || (key->above_low && value == key->low)) return false;
  if (key->high == 0.0) return true;
  return value < key->high || (value == key->high && !key->below_high);
}

static bool is_number(const config_setting_t *setting) {
  int type = config_setting_type(setting);
  return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 || type == CONFIG_TYPE_FLOAT;
}

static double number_of(const config_setting_t *setting) {
  switch (config_setting_type(setting)) {
  case CONFIG_TYPE_INT:
    return config_setting_get_int(setting);
  case CONFIG_TYPE_INT64:
    return (double)config_setting_get_int64(setting);
  default:
    return config_setting_get_float(setting);
  }
}

static bool read_count(const dg_key *key, const config_setting_t *setting, uint32_t *out) {
  int type = config_setting_type(setting);
  if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) return false;
  long long value = config_setting_get_int64(setting);
  if (value < 0 || value > UINT32_MAX || !in_range(key, (double)value)) return false;
  *out = (uint32_t)value;
  return true;
}

static bool read_pair(const dg_key *key, const config_setting_t *setting, uint32_t out[2]) {
  if (!config_setting_is_aggregate(setting)) {
    if (!read_count(key, setting, &out[0])) return false;
    out[1] = out[0];
    return true;
  }
  return config_setting_length(setting) == 2 &&
         read_count(key, config_setting_get_elem(setting, 0), &out[0]) &&
         read_count(key, config_setting_get_elem(setting, 1), &out[1]);
}

static bool read_padding(const dg_key *key, const config_setting_t *setting, dg_padding *out) {
  const bool steps = key->type == DG_KEY_STEP_PADDING || key->type == DG_KEY_STEP_SIDES;
  const bool takes_word = key->type == DG_KEY_PADDING || key->type == DG_KEY_STEP_PADDING;
  const char *word = config_setting_get_string(setting);
  *out = (dg_padding){.same = takes_word && word && strcmp(word, "same") == 0};
  if (word) return out->same;
  if (steps) {
    uint32_t ends[2];
    if (!read_pair(key, setting, ends)) return false;
    out->begin[0] = ends[0], out->end[0] = ends[1];
    return true;
  }
  if (!config_setting_is_aggregate(setting) || config_setting_length(setting) != 4) {
    if (!read_pair(key, setting, out->begin)) return false;
    memcpy(out->end, out->begin, sizeof out->end);
    return true;
  }
  for (unsigned i = 0; i < 4; i++)
    if (!read_count(key, config_setting_get_elem(setting, i),
                    &(i < 2 ? out->begin : out->end)[i % 2]))
      return false;
  return true;
}

static bool read_number(const dg_key *key, const config_setting_t *setting, double *out) {
  if (!is_number(setting)) return false;
  *out = number_of(setting);
  return in_range(key, *out) && in_range(key, (float)*out); /* devices compute with floats */
}

static bool read_choice(const dg_key *key, const config_setting_t *setting, int *out,
                        dg_error *err) {
  const char *word = config_setting_get_string(setting);
  if (!word) return wrong(key, setting, err);
  size_t count = 0;
  for (; key->choices[count]; count++) {
    if (strcmp(key->choices[count], word) != 0) continue;
    *out = (int)count;
    return true;
  }
  return dg_fail_unknown(err, setting, key->name, word, "", key->choices, count);
}

void dg_number_list_free(dg_number_list *numbers) {
  free(numbers->values);
  *numbers = (dg_number_list){0};
}

/** The error for one of the numbers of a list. */
static bool wrong_element(const dg_key *key, const config_setting_t *setting, uint32_t index,
                          dg_error *err) {
  const dg_key one = {.type = DG_KEY_NUMBER,
                      .low = key->low,
                      .high = key->high,
                      .above_low = key->above_low,
                      .below_high = key->below_high};
  char takes[400];
  describe_type(&one, takes, sizeof takes);
  return dg_fail_at(err, setting, "number %u of %s must be %s", index + 1, key->name, takes);
}

static bool read_list(const dg_key *key, const config_setting_t *setting, dg_number_list *out,
                      dg_error *err) {
  bool listed = config_setting_is_array(setting) || config_setting_is_list(setting);
  int count = listed ? config_setting_length(setting) : 1;
  if (count < 1 || (uint32_t)count > key->most) return wrong(key, setting, err);
  out->values = malloc((size_t)count * sizeof *out->values);
  if (!out->values) return dg_fail_memory(err, (size_t)count * sizeof *out->values);
  out->count = (uint32_t)count;
  for (uint32_t i = 0; i < out->count; i++) {
    const config_setting_t *element = listed ? config_setting_get_elem(setting, i) : setting;
    if (read_number(key, element, &out->values[i])) continue;
    return listed ? wrong_element(key, setting, i, err) : wrong(key, setting, err);
  }
  return true;
}

static bool read_numbers(const dg_key *key, const config_setting_t *setting, dg_number_list *out,
                         dg_error *err) {
  *out = (dg_number_list){0};
  const char *word = config_setting_get_string(setting);
  if (!key->choices || !word) return read_list(key, setting, out, err);
  size_t count = 0;
  for (; key->choices[count]; count++)
    if (strcmp(key->choices[count], word) == 0) out->word = 1 + (int)count;
  if (out->word) return true;
  if (!dg_nearest(word, key->choices, count)) return wrong(key, setting, err);
  return dg_fail_unknown(err, setting, key->name, word, "", key->choices, count);
}

bool dg_name_read(const char *word, char *out) {
  size_t length = word ? strlen(word) : 0;
  if (length == 0 || length >= DG_NAME_SIZE) return false;
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)word[i]) && word[i] != '_' && word[i] != '-') return false;
  memcpy(out, word, length + 1);
  return true;
}

static bool read_line(const char *line, char *out) {
  size_t length = line ? strlen(line) : DG_LINE_SIZE;
  if (length >= DG_LINE_SIZE) return false;
  if (dg_utf8_fault(line)) return false; /* escapes in quotes can produce any byte */
  for (size_t i = 0; i < length; i++)
    if (iscntrl((unsigned char)line[i])) return false;
  memcpy(out, line, length + 1);
  return true;
}

static bool read_value(const dg_key *key, const config_setting_t *setting, void *value,
                       dg_error *err) {
  bool ok = false;
  switch (key->type) {
  case DG_KEY_COUNT:
    ok = read_count(key, setting, value);
    break;
  case DG_KEY_NUMBER:
    ok = read_number(key, setting, value);
    break;
  case DG_KEY_PAIR:
    ok = read_pair(key, setting, value);
    break;
  case DG_KEY_PADDING:
  case DG_KEY_SIDES:
  case DG_KEY_STEP_PADDING:
  case DG_KEY_STEP_SIDES:
    ok = read_padding(key, setting, value);
    break;
  case DG_KEY_NAME:
    ok = dg_name_read(config_setting_get_string(setting), value);
    break;
  case DG_KEY_LINE:
    ok = read_line(config_setting_get_string(setting), value);
    break;
  case DG_KEY_CHOICE:
    return read_choice(key, setting, value, err);
  case DG_KEY_NUMBERS:
    return read_numbers(key, setting, value, err);
  case DG_KEY_BOOL:
    ok = config_setting_type(setting) == CONFIG_TYPE_BOOL;
    if (ok) *(bool *)value = config_setting_get_bool(setting);
    break;
  }
  return ok || wrong(key, setting, err);
}

static bool unknown_key(const config_setting_t *setting, const dg_key_table *table,
                        const char *const *also, size_t also_count, dg_error *err) {
  const char *names[64];
  size_t count = 0;
  for (size_t i = 0; i < table->count && count < 64; i++) names[count++] = table->keys[i].name;
  for (size_t i = 0; i < also_count && count < 64; i++) names[count++] = also[i];
  char context[120];
  snprintf(context, sizeof context, " in %s", table->what);
  return dg_fail_unknown(err, setting, "key", config_setting_name(setting), context, names, count);
}

static const dg_key *find_key(const dg_key_table *table, const char *name) {
  for (size_t i = 0; i < table->count; i++)
    if (strcmp(table->keys[i].name, name) == 0) return &table->keys[i];
  return NULL;
}

static bool contains(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

bool dg_keys_read(const config_setting_t *group, const dg_key_table *table, const char *const *also,
                  size_t also_count, void *config, dg_error *err) {
  if (table->size) memcpy(config, table->defaults, table->size);
  int given = config_setting_length(group);
  for (int i = 0; i < given; i++) {
    const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
    const char *name = config_setting_name(setting);
    const dg_key *key = find_key(table, name);
    if (key) {
      if (!read_value(key, setting, (char *)config + key->offset, err)) return false;
    } else if (!contains(also, also_count, name)) {
      return unknown_key(setting, table, also, also_count, err);
    }
  }
  for (size_t i = 0; i < table->count; i++) {
    const dg_key *key = &table->keys[i];
    if (key->required && !config_setting_get_member(group, key->name))
      return dg_fail_at(err, group, "%s needs the key \"%s\": %s", table->what, key->name,
                        key->help);
  }
  return true;
}

void dg_key_describe(const dg_key *key, const void *defaults, char *text, size_t capacity) {
  describe_type(key, text, capacity);
  if (key->required) {
    dg_append(text, capacity, "; required");
    return;
  }
  const void *value = (const char *)defaults + key->offset;
  switch (key->type) {
  case DG_KEY_COUNT:
    dg_append(text, capacity, "; default %u", *(const uint32_t *)value);
    break;
  case DG_KEY_NUMBER:
    dg_append(text, capacity, "; default %g", *(const double *)value);
    break;
  case DG_KEY_BOOL:
    dg_append(text, capacity, "; default %s", *(const bool *)value ? "true" : "false");
    break;
  case DG_KEY_CHOICE:
    dg_append(text, capacity, "; default \"%s\"", key->choices[*(const int *)value]);
    break;
  case DG_KEY_PAIR: {
    const uint32_t *pair = value;
    if (pair[0] || key->low == 0.0) dg_append(text, capacity, "; default %u", pair[0]);
    break;
  }
  case DG_KEY_PADDING:
  case DG_KEY_SIDES:
  case DG_KEY_STEP_PADDING:
  case DG_KEY_STEP_SIDES:
    dg_append(text, capacity, "; default 0");
    break;
  case DG_KEY_NUMBERS: {
    const dg_number_list *numbers = value;
    if (numbers->word)
      dg_append(text, capacity, "; default \"%s\"", key->choices[numbers->word - 1]);
    break;
  }
  case DG_KEY_NAME:
  case DG_KEY_LINE:
    break;
  }
}
