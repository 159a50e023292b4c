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

/** Is it the name of a tensor or layer? */
static bool is_name(const dg_arrays *arrays, const char *name) {
  size_t i = 0;
  while (i < arrays->count && !begins_with(arrays->items[i].name, name)) i++;
  return i < arrays->count;
}

/** The tensor of exactly that name, which the caller has not named yet; the count: there is none.
 */
static size_t find_array(const dg_arrays *arrays, const char *name, size_t length) {
  size_t i = 0;
  while (i < arrays->count && (arrays->items[i].told || strlen(arrays->items[i].name) != length ||
                               memcmp(arrays->items[i].name, name, length) != 0))
    i++;
  return i;
}

/** Adds the numbers of tensor `from` to those of `to` and drops it. */
static bool add_up(dg_arrays *arrays, size_t to, size_t from, dg_error *err) {
  dg_array *a = &arrays->items[to];
  const dg_array *b = &arrays->items[from];
  const char *unread = a->unread ? a->name : b->unread ? b->name : NULL;
  char first[100], second[100];
  if (unread)
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" %s", arrays->path, unread,
                   a->unread ? a->unread : b->unread);
  if (a->rank != b->rank || memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) != 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" is %s and \"%s\" %s: they can't be added",
                   arrays->path, a->name, dg_array_shape(a->rank, a->dim, first, sizeof first),
                   b->name, dg_array_shape(b->rank, b->dim, second, sizeof second));
  for (uint64_t i = 0; i < a->count; i++) a->data[i] += b->data[i];
  a->summed = true;
  dg_arrays_drop(arrays, from);
  return true;
}

/**
 * If a name of the caller is "A+B" and no tensor's, makes one tensor of A and B, and so on for
 * more. Fills in the name of the sum, that of the first tensor.
 */
static bool take_sum(dg_arrays *arrays, const char *theirs, const char **sum, dg_error *err) {
  *sum = NULL;
  if (!strchr(theirs, '+') || is_name(arrays, theirs)) return true;
  size_t first = arrays->count;
  for (const char *at = theirs;; at++) {
    size_t length = strcspn(at, "+"), found = find_array(arrays, at, length);
    char name[300];
    if (found == arrays->count) {
      snprintf(name, sizeof name, "%.*s", (int)(length < 250 ? length : 250), at);
      return fail_unknown(arrays, name, err);
    }
    if (first == arrays->count)
      first = found;
    else if (found == first)
      return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" would be added to itself", arrays->path,
                     arrays->items[first].name);
    else if (!add_up(arrays, first, found, err))
      return false;
    else
      first -= found < first;
    at += length;
    if (!*at) break;
  }
  *sum = arrays->items[first].name;
  return true;
}

/** Transposes a tensor on the caller's word. */
static bool transpose(const dg_arrays *arrays, dg_array *array, dg_error *err) {
  if (arrays->layout == DG_LAYOUT_KERAS)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: \"%s\" is transposed already by the layout keras: leave ^T out",
                   arrays->path, array->name);
  array->transposed = true;
  return dg_array_transpose(array, err);
}

/** Renames or drops the tensors that a name begins; transposes the matrices among them. */
static bool rename_all(dg_arrays *arrays, const dg_convert_options *options, const char *theirs,
                       const char *ours, bool turn, dg_error *err) {
  bool found = false, matrix = false;
  for (size_t i = 0; i < arrays->count;) {
    dg_array *array = &arrays->items[i];
    bool meant = !array->told && begins_with(array->name, theirs); /* a=b, b=a: a swap */
    found |= meant;
    if (meant && !*ours) {
      if (options->mapped) options->mapped(options->user, array->name, NULL, "as was said");
      dg_arrays_drop(arrays, i);
      continue;
    }
    bool turned = meant && turn && array->rank == 2;
    matrix |= turned;
    if ((turned && !transpose(arrays, array, err)) ||
        (meant && !dg_array_rename(array, strlen(theirs), ours, err)))
      return false;
    array->told |= meant;
    i++;
  }
  if (found && turn && !matrix)
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%s\" has no matrix to transpose", arrays->path,
                   theirs);
  return found || fail_unknown(arrays, theirs, err);
}

/** Copies a name without a "^T" at its end, and says whether it had one. */
static bool cut_mark(const dg_arrays *arrays, char *copy, const char *name, bool *turn,
                     size_t capacity) {
  size_t length = strlen(name);
  bool marked = length > 2 && strcmp(name + length - 2, "^T") == 0 && !is_name(arrays, name);
  *turn ^= marked;
  return snprintf(copy, capacity, "%.*s", (int)(marked ? length - 2 : length), name) <
         (int)capacity;
}

/** Renames, drops, adds up or transposes as one pair of names says. */
static bool apply(dg_arrays *arrays, const dg_convert_options *options, const dg_name_pair *pair,
                  dg_error *err) {
  char theirs[1000], ours[300], name[300];
  const char *sum;
  bool turn = false;
  if (!cut_mark(arrays, theirs, pair->theirs, &turn, sizeof theirs) ||
      !cut_mark(arrays, ours, pair->ours, &turn, sizeof ours))
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%.80s\" is too long for a name", arrays->path,
                   pair->theirs);
  if (!take_sum(arrays, theirs, &sum, err)) return false;
  if (sum) snprintf(name, sizeof name, "%s", sum);
  return rename_all(arrays, options, sum ? name : theirs, ours, turn, err);
}

/** The reason why no network needs a tensor; NULL: it may be needed. */
static const char *needless(const dg_array *array) {
  const char *last = array->name + (array->layer ? array->layer + 1 : 0);
  if (strcmp(last, "num_batches_tracked") == 0) return "a count of batches";
  if (strcmp(last, "n_averaged") == 0) return "a count of averages";
  if (strstr(array->name, "seed_generator")) return "the state of a random generator";
  return NULL;
}

/**
 * torch.nn.MultiheadAttention's in_proj_weight and in_proj_bias are tensors of its own, not of a
 * layer in_proj, as its out_proj.weight is. They become in_proj.weight and in_proj.bias.
 */
static void split_in_proj(dg_array *array) {
  static const char *const names[] = {"in_proj_weight", "in_proj_bias"};
  const size_t begin = array->layer ? array->layer + 1 : 0, layer = begin + strlen("in_proj");
  for (size_t i = 0; i < 2 && !array->told; i++)
    if (strcmp(array->name + begin, names[i]) == 0) {
      array->name[layer] = '.';
      array->layer = layer;
    }
}

bool dg_names_prepare(dg_arrays *arrays, const dg_convert_options *options, dg_error *err) {
  for (size_t i = 0; i < options->name_count; i++)
    if (!apply(arrays, options, &options->names[i], err)) return false;
  for (size_t i = 0; arrays->layout == DG_LAYOUT_PYTORCH && i < arrays->count; i++)
    split_in_proj(&arrays->items[i]);
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

bool dg_group_spare(const dg_arrays *arrays, const dg_group *group) {
  for (size_t i = 0; i < group->count && i < DG_GROUP_MAX; i++)
    if (!dg_array_spare(&arrays->items[group->members[i]])) return false;
  return true;
}

/** Does a group's name count when the common prefix is looked for? */
static bool has_say(const dg_arrays *arrays, const dg_group *group) {
  return !group->told && !dg_group_spare(arrays, group);
}

/**
 * Removes the prefix that all names have: "model.", "module._orig_mod.", "layers/". The last part
 * is always kept.
 */
static void find_prefix(dg_groups *groups, const dg_arrays *arrays) {
  const dg_group *first = NULL;
  size_t prefix = 0, next = 0;
  for (size_t g = 0; g < groups->count && !first; g++)
    if (has_say(arrays, &groups->items[g])) first = &groups->items[g];
  while (first && (next = behind_part(first, prefix)) > 0) {
    for (size_t g = 0; g < groups->count; g++)
      if (has_say(arrays, &groups->items[g]) &&
          (behind_part(&groups->items[g], prefix) != next ||
           memcmp(groups->items[g].name, first->name, next) != 0))
        next = 0;
    if (!next) break;
    prefix = next;
  }
  for (size_t g = 0; g < groups->count; g++)
    if (!groups->items[g].told && first && strncmp(groups->items[g].name, first->name, prefix) == 0)
      groups->items[g].prefix = prefix;
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
  find_prefix(groups, arrays);
  return true;
}

void dg_groups_free(dg_groups *groups) {
  free(groups->items);
  free(groups->loose_members);
  *groups = (dg_groups){0};
}
