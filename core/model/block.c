#include "core/model/block.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/names.h"

typedef struct {
  uint32_t repeat, first;
} numbers;

static const dg_key keys[] = {
    {.name = "repeat",
     .type = DG_KEY_COUNT,
     .offset = offsetof(numbers, repeat),
     .low = 1,
     .high = DG_MODEL_LAYERS},
    {.name = "first",
     .type = DG_KEY_COUNT,
     .offset = offsetof(numbers, first),
     .high = DG_BLOCK_NUMBER - DG_MODEL_LAYERS},
};
static const numbers defaults = {1, 0};

bool dg_block_is(const config_setting_t *group) {
  return config_setting_is_group(group) &&
         (config_setting_get_member(group, "layers") || config_setting_get_member(group, "repeat"));
}

/** Checks the name: a copy's must be one, and without copies there is no number in it. */
static bool check_name(const config_setting_t *group, const dg_block *block, dg_error *err) {
  const config_setting_t *name = config_setting_get_member(group, "name");
  char copy[DG_NAME_SIZE];
  if (!name && !block->numbered)
    return dg_fail_at(err, group, "a block needs a name, or repeat = N; for copies with numbers");
  const char *number = block->name ? strchr(block->name, '#') : NULL;
  if (number && !block->numbered)
    return dg_fail_at(err, name,
                      "# in a block's name stands for the number of a copy, but the "
                      "block has no repeat = N;");
  if ((!name || block->name) && dg_block_name(block, block->repeat - 1, copy)) return true;
  return dg_fail_at(err, name ? name : group,
                    "a block's name must be parts of letters, digits, _ and -, joined by dots, and "
                    "with at most one # for the number of a copy, shorter than %d bytes",
                    DG_NAME_SIZE);
}

bool dg_block_read(const config_setting_t *group, dg_block *block, dg_error *err) {
  static const dg_key_table table = DG_KEY_TABLE("a block of layers", keys, defaults);
  static const char *const also[] = {"name", "input", "layers"};
  numbers given;
  if (!dg_keys_read(group, &table, also, sizeof also / sizeof *also, &given, err)) return false;
  const config_setting_t *name = config_setting_get_member(group, "name");
  const config_setting_t *first = config_setting_get_member(group, "first");
  *block = (dg_block){.name = name ? config_setting_get_string(name) : NULL,
                      .numbered = config_setting_get_member(group, "repeat"),
                      .repeat = given.repeat,
                      .first = given.first,
                      .input = config_setting_get_member(group, "input"),
                      .layers = config_setting_get_member(group, "layers")};
  if (first && !block->numbered)
    return dg_fail_at(err, first, "first needs repeat = N; it is the number of the first copy");
  if (!block->layers || !config_setting_is_list(block->layers) ||
      config_setting_length(block->layers) == 0)
    return dg_fail_at(err, block->layers ? block->layers : group,
                      "a block needs layers: layers = ( { type = \"linear\"; … }, … );");
  return check_name(group, block, err);
}

/** What stands before and after the number of a copy. */
typedef struct {
  size_t before;
  const char *dot, *after;
} affixes;

static affixes affixes_of(const dg_block *block) {
  const char *name = block->name ? block->name : "", *number = strchr(name, '#');
  if (number) return (affixes){(size_t)(number - name), "", number + 1};
  return (affixes){strlen(name), block->name && block->numbered ? "." : "", ""};
}

bool dg_block_name(const dg_block *block, uint32_t copy, char *out) {
  const affixes a = affixes_of(block);
  char number[16] = "", name[2 * DG_NAME_SIZE];
  if (a.before + strlen(a.after) >= DG_NAME_SIZE) return false;
  if (block->numbered) snprintf(number, sizeof number, "%u", block->first + copy);
  snprintf(name, sizeof name, "%.*s%s%s%s", (int)a.before, block->name ? block->name : "", a.dot,
           number, a.after);
  return dg_names_read(name, out);
}

bool dg_block_match(const dg_block *block, const char *path, uint32_t *copy, const char **rest) {
  const affixes a = affixes_of(block);
  char name[DG_NAME_SIZE];
  *copy = 0;
  if (block->numbered) {
    if (strncmp(path, block->name ? block->name : "", a.before) != 0) return false;
    const char *digits = path + a.before;
    if (strncmp(digits, a.dot, strlen(a.dot)) != 0) return false;
    digits += strlen(a.dot);
    const unsigned long number = isdigit((unsigned char)*digits) ? strtoul(digits, NULL, 10) : 0;
    if (number < block->first || number - block->first >= block->repeat) return false;
    *copy = (uint32_t)number - block->first;
  }
  if (!dg_block_name(block, *copy, name)) return false;
  const size_t length = strlen(name);
  *rest = path + length + 1;
  return strncmp(path, name, length) == 0 && path[length] == '.';
}
