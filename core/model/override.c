#include "core/model/override.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/model/block.h"
#include "core/model/source.h"

enum { MAX_NAMES = 256 };

/* ---- values ------------------------------------------------------------- */

/** Copies a setting's value, line and override; `override`, if not NULL, is where it now comes
 * from.
 */
static bool copy_setting(const config_setting_t *from, config_setting_t *parent, const char *name,
                         const dg_override *override) {
  int type = config_setting_type(from);
  config_setting_t *to = config_setting_add(parent, name, type);
  if (!to) return false;
  config_setting_set_hook(to,
                          override ? (void *)(uintptr_t) override : config_setting_get_hook(from));
  to->line = override ? 0 : from->line;
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

/* ---- copies of blocks --------------------------------------------------- */

/** The search for the layer that an override changes. */
typedef struct {
  const dg_override *override;
  dg_error *err;
  bool failed;
} search;

/** Adds copy number `copy` of a block to a list of layers, as a block by itself. */
static bool add_copy(config_setting_t *list, const config_setting_t *group, const dg_block *block,
                     uint32_t copy) {
  static const char *const left[] = {"name", "repeat", "first"};
  char name[DG_NAME_SIZE];
  config_setting_t *to = config_setting_add(list, NULL, CONFIG_TYPE_GROUP);
  config_setting_t *called = to ? config_setting_add(to, "name", CONFIG_TYPE_STRING) : NULL;
  dg_block_name(block, copy, name);
  if (!called || !config_setting_set_string(called, name)) return false;
  to->line = called->line = group->line;
  for (int i = 0; i < config_setting_length(group); i++) {
    const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
    const char *key = config_setting_name(member);
    bool leave = copy > 0 && strcmp(key, "input") == 0;
    for (size_t k = 0; k < sizeof left / sizeof *left; k++) leave |= strcmp(key, left[k]) == 0;
    if (!leave && !copy_setting(member, to, key, NULL)) return false;
  }
  return true;
}

/** Makes in `to` what `layers` is with element `index`, a block, replaced by its copies. */
static bool write_out(config_setting_t *to, const config_setting_t *layers, unsigned index,
                      const dg_block *block) {
  const unsigned count = (unsigned)config_setting_length(layers);
  bool ok = true;
  for (unsigned i = 0; ok && i < count; i++) {
    const config_setting_t *group = config_setting_get_elem(layers, i);
    if (i != index) ok = copy_setting(group, to, NULL, NULL);
    for (uint32_t k = 0; ok && i == index && k < block->repeat; k++)
      ok = add_copy(to, group, block, k);
  }
  return ok;
}

/** Is there space for all copies of a block in a model's text? */
static bool fits(const config_setting_t *group, const dg_block *block, search *s) {
  char *text = dg_source_text(group);
  const size_t size = text ? strlen(text) : 0;
  free(text);
  if (!text) return dg_fail_memory(s->err, 1);
  return size <= DG_SOURCE_SIZE / block->repeat ||
         dg_fail(s->err, DG_ERR_INPUT,
                 "%s: \"%s\" changes one copy of a block; with all of them written out the model "
                 "has more than %d bytes",
                 s->override->option, s->override->path, DG_SOURCE_SIZE);
}

/** Replaces a block, element `index` of a list, by its copies; gives one of them. The list is
    another one then. */
static config_setting_t *unroll(config_setting_t *layers, unsigned index, const dg_block *block,
                                uint32_t copy, search *s) {
  config_setting_t *parent = config_setting_parent(layers), *list = NULL;
  config_t made;
  s->failed = !fits(config_setting_get_elem(layers, index), block, s);
  if (s->failed) return NULL;
  config_init(&made);
  config_setting_t *to = config_setting_add(config_root_setting(&made), "layers", CONFIG_TYPE_LIST);
  if (to) to->line = layers->line;
  if (to && write_out(to, layers, index, block) && config_setting_remove(parent, "layers") &&
      copy_setting(to, parent, "layers", NULL))
    list = config_setting_get_member(parent, "layers");
  config_destroy(&made);
  if (list) return config_setting_get_elem(list, index + copy);
  s->failed = true;
  return dg_fail_memory(s->err, DG_SOURCE_SIZE), NULL;
}

/* ---- layers ------------------------------------------------------------- */

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

static config_setting_t *find_layer(config_setting_t *layers, const char *name, search *s);

/** Finds a layer of a block, element `index` of a list, or the block itself. */
static config_setting_t *find_in_block(config_setting_t *layers, unsigned index, const char *name,
                                       search *s) {
  config_setting_t *group = config_setting_get_elem(layers, index);
  dg_block block;
  uint32_t copy;
  const char *rest;
  if (!dg_block_read(group, &block, NULL)) return NULL;
  const char *own = block.name ? block.name : "";
  const size_t length = strlen(own);
  if (length && strcmp(own, name) == 0) return group;
  config_setting_t *inside = config_setting_get_member(group, "layers");
  if (dg_block_match(&block, name, &copy, &rest) && find_layer(inside, rest, NULL)) {
    if (block.numbered && s) group = unroll(layers, index, &block, copy, s);
    return group ? find_layer(config_setting_get_member(group, "layers"), rest, s) : NULL;
  }
  if (!block.numbered || strncmp(own, name, length) != 0) return NULL;
  if (length && name[length] != '.') return NULL;
  return find_layer(inside, name + length + (length > 0), s);
}

/** The layer or block of that name in a list, as the file has it; with `s`, a single copy of a
   block becomes a block by itself. */
static config_setting_t *find_layer(config_setting_t *layers, const char *name, search *s) {
  config_setting_t *found = NULL;
  const char *its;
  for (unsigned i = 0; !found && i < (unsigned)config_setting_length(layers); i++) {
    config_setting_t *layer = config_setting_get_elem(layers, i);
    if (dg_block_is(layer))
      found = find_in_block(layers, i, name, s);
    else if (config_setting_lookup_string(layer, "name", &its) && strcmp(its, name) == 0)
      found = layer;
    if (s && s->failed) return NULL;
  }
  return found ? found : find_unnamed(layers, name);
}

/* ---- paths -------------------------------------------------------------- */

static bool names_no_key(const dg_override *override, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" names no key of the model", override->option,
                 override->path);
}

/** The error for a path that begins with no group and no layer. */
static config_setting_t *name_nearest(const config_setting_t *layers, const dg_override *override,
                                      const char *name, dg_error *err) {
  const char *names[MAX_NAMES] = {"data", "train"}, *its;
  size_t count = 2;
  for (int i = 0; layers && i < config_setting_length(layers) && count < MAX_NAMES; i++)
    if (config_setting_lookup_string(config_setting_get_elem(layers, (unsigned)i), "name", &its))
      names[count++] = its;
  const char *near = dg_nearest(name, names, count);
  dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" is neither a group (data, train) nor a named layer%s%s%s",
          override->option, name, near ? "; did you mean \"" : "", near ? near : "",
          near ? "\"?" : "");
  return NULL;
}

/** The group of the model that a path with `size` bytes names; missing groups are added. */
static config_setting_t *walk(config_setting_t *group, const char *path, size_t size) {
  const char *last = path + size;
  for (size_t depth = 0; group && path < last; depth++) {
    const size_t part = strcspn(path, ".");
    char name[DG_OVERRIDE_PART + 1];
    if (part == 0 || part > DG_OVERRIDE_PART || depth == DG_SOURCE_DEPTH) return NULL;
    snprintf(name, sizeof name, "%.*s", (int)part, path);
    config_setting_t *next = config_setting_lookup(group, name);
    if (!next) next = config_setting_add(group, name, CONFIG_TYPE_GROUP);
    group = next && config_setting_is_group(next) ? next : NULL;
    path += part + 1;
  }
  return group;
}

/** The group that a path names without its last part: of the model, or a layer or block. */
static config_setting_t *find_group(config_t *config, const dg_override *override, dg_error *err) {
  config_setting_t *root = config_root_setting(config), *layers = config_lookup(config, "layers");
  const char *path = override->path, *last = strrchr(path, '.');
  if (!last) return root;
  char name[DG_OVERRIDE_PART + 1];
  const size_t size = strcspn(path, ".");
  if (size == 0 || size > DG_OVERRIDE_PART) return names_no_key(override, err), NULL;
  snprintf(name, sizeof name, "%.*s", (int)size, path);
  if (strcmp(name, "data") == 0 || strcmp(name, "train") == 0 ||
      config_setting_lookup(root, name)) {
    config_setting_t *group = walk(root, path, (size_t)(last - path));
    return group ? group : (names_no_key(override, err), NULL);
  }
  if (last - path > DG_OVERRIDE_PART) return names_no_key(override, err), NULL;
  snprintf(name, sizeof name, "%.*s", (int)(last - path), path);
  search s = {override, err, false};
  bool listed = layers && config_setting_is_list(layers);
  config_setting_t *layer = listed ? find_layer(layers, name, &s) : NULL;
  if (!layer && !s.failed) return name_nearest(listed ? layers : NULL, override, name, err);
  return layer;
}

bool dg_source_override(config_t *config, const dg_override *override, dg_error *err) {
  if (!dg_source_check(override->value, override->option, false, err)) return false;
  const char *dot = strrchr(override->path, '.'), *key = dot ? dot + 1 : override->path;
  if (*key == '\0') return names_no_key(override, err);
  config_setting_t *group = find_group(config, override, err);
  if (!group) return false;
  config_t value;
  config_init(&value);
  bool ok = parse_value(&value, override->value);
  const config_setting_t *from = ok ? config_lookup(&value, "value") : NULL;
  bool lost = ok && (!from || !dg_source_complete(from)); /* libconfig does not report it */
  if (from && !lost) {
    config_setting_remove(group, key);
    ok = copy_setting(from, group, key, override);
  }
  config_destroy(&value);
  if (lost) return dg_fail_memory(err, strlen(override->value));
  if (!ok)
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" is no value", override->option, override->value);
  return dg_source_complete(config_root_setting(config)) ||
         dg_fail_memory(err, strlen(override->value));
}
