#include "core/exchange/map/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

/* ---- renaming ----------------------------------------------------------- */

/** Does a name begin with `part`, followed by '.', '/' or its end? */
static bool begins_with(const char *name, const char *part) {
  size_t length = strlen(part);
  return strncmp(name, part, length) == 0 && (!name[length] || strchr("./", name[length]));
}

static bool rename_one(dg_array *array, const char *part, const char *to, dg_error *err) {
  const char *rest = array->name + strlen(part);
  size_t size = strlen(to) + strlen(rest) + 1;
  char *name = malloc(size);
  if (!name) return dg_fail_memory(err, size);
  snprintf(name, size, "%s%s", to, rest);
  free(array->name);
  array->name = name;
  array->layer = 0;
  for (size_t i = 0; name[i]; i++)
    if (name[i] == '.' || name[i] == '/') array->layer = i;
  return true;
}

static bool fail_unknown(const dg_arrays *arrays, const char *name, dg_error *err) {
  const char **known = malloc((arrays->count + 1) * sizeof *known);
  if (!known) return dg_fail_memory(err, arrays->count * sizeof *known);
  for (size_t i = 0; i < arrays->count; i++) known[i] = arrays->items[i].name;
  const char *near = dg_nearest(name, known, arrays->count);
  dg_fail(err, DG_ERR_INPUT, "%s has no tensor or layer \"%s\"%s%s%s", arrays->path, name,
          near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  free(known);
  return false;
}

/** Renames or drops the tensors of one pair of names. */
static bool apply(dg_arrays *arrays, const dg_convert_options *options, const dg_name_pair *pair,
                  dg_error *err) {
  bool found = false;
  for (size_t i = 0; i < arrays->count;) {
    dg_array *array = &arrays->items[i];
    bool meant = !array->told && begins_with(array->name, pair->theirs); /* a=b, b=a: a swap */
    found |= meant;
    if (meant && !*pair->ours) {
      if (options->mapped) options->mapped(options->user, array->name, NULL, "as was said");
      dg_arrays_drop(arrays, i);
      continue;
    }
    if (meant && !rename_one(array, pair->theirs, pair->ours, err)) return false;
    array->told |= meant;
    i++;
  }
  return found || fail_unknown(arrays, pair->theirs, err);
}

/** The reason why no network needs a tensor; NULL: it may be needed. */
static const char *needless(const dg_array *array) {
  if (array->integer && strstr(array->name, "num_batches_tracked")) return "a count of batches";
  if (array->integer && strcmp(array->name, "n_averaged") == 0) return "a count of averages";
  if (strstr(array->name, "seed_generator")) return "the state of a random generator";
  return NULL;
}

bool dg_names_prepare(dg_arrays *arrays, const dg_convert_options *options, dg_error *err) {
  for (size_t i = 0; i < options->name_count; i++)
    if (!apply(arrays, options, &options->names[i], err)) return false;
  for (size_t i = 0; i < arrays->count;) {
    const char *why = needless(&arrays->items[i]);
    if (why && options->mapped) options->mapped(options->user, arrays->items[i].name, NULL, why);
    if (why)
      dg_arrays_drop(arrays, i);
    else
      i++;
  }
  return true;
}

/* ---- layers ------------------------------------------------------------- */

/**
 * Length of the part of a name that names the layer. In Keras, parts within the layer follow:
 * "/gru_cell/kernel", "/cell/vars/0", "/backward_lstm/...".
 */
static size_t layer_length(const dg_array *array, dg_layout layout) {
  static const char *const within[] = {"/vars/", "/cell/", "_cell/", "/forward_", "/backward_"};
  size_t length = array->layer;
  if (array->origin && !array->told) return length;
  for (size_t i = 0; layout == DG_LAYOUT_KERAS && i < sizeof within / sizeof *within; i++) {
    const char *found = strstr(array->name, within[i]);
    if (!found) continue;
    while (found > array->name && *found != '/') found--; /* "_cell/": back to its beginning */
    if ((size_t)(found - array->name) < length) length = (size_t)(found - array->name);
  }
  return length;
}

static dg_group *group_of(dg_groups *groups, const char *name, size_t length) {
  for (size_t i = groups->count; i-- > 0;)
    if (strlen(groups->items[i].name) == length && memcmp(groups->items[i].name, name, length) == 0)
      return &groups->items[i];
  dg_group *group = &groups->items[groups->count++];
  snprintf(group->name, sizeof group->name, "%.*s", (int)length, name);
  return group;
}

/** The index in a group's name after its first '.' or '/' from `at` on; 0: there is none. */
static size_t behind_part(const dg_group *group, size_t at) {
  size_t length = at + strcspn(group->name + at, "./");
  return group->name[length] && group->name[length + 1] ? length + 1 : 0;
}

/**
 * Removes the prefix that all names have: "model.", "module._orig_mod.", "layers/". The last part
 * is always kept.
 */
static void find_prefix(dg_groups *groups) {
  const dg_group *first = NULL;
  size_t prefix = 0, next = 0;
  for (size_t g = 0; g < groups->count && !first; g++)
    if (!groups->items[g].told) first = &groups->items[g];
  while (first && (next = behind_part(first, prefix)) > 0) {
    for (size_t g = 0; g < groups->count; g++)
      if (!groups->items[g].told && (behind_part(&groups->items[g], prefix) != next ||
                                     memcmp(groups->items[g].name, first->name, next) != 0))
        next = 0;
    if (!next) break;
    prefix = next;
  }
  for (size_t g = 0; g < groups->count; g++)
    if (!groups->items[g].told) groups->items[g].prefix = prefix;
}

bool dg_groups_make(dg_groups *groups, const dg_arrays *arrays, dg_error *err) {
  *groups = (dg_groups){.items = calloc(arrays->count + 1, sizeof *groups->items),
                        .loose_members = calloc(arrays->count + 1, sizeof(size_t))};
  if (!groups->items || !groups->loose_members)
    return dg_fail_memory(err, arrays->count * sizeof *groups->items);
  for (size_t i = 0; i < arrays->count; i++) {
    size_t length = layer_length(&arrays->items[i], arrays->layout);
    if (length == 0) {
      groups->loose_members[groups->loose++] = i;
      continue;
    }
    dg_group *group = group_of(groups, arrays->items[i].name, length);
    if (group->count == 0) group->label = arrays->items[i].label;
    if (group->count < DG_GROUP_MAX) group->members[group->count] = i;
    group->count++;
    group->told |= arrays->items[i].told;
  }
  find_prefix(groups);
  return true;
}

void dg_groups_free(dg_groups *groups) {
  free(groups->items);
  free(groups->loose_members);
  *groups = (dg_groups){0};
}
