#include "core/exchange/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/names.h"
#include "core/support/text.h"

/** One of our layers with parameters, and what makes it. */
typedef struct {
  const dg_outline_node *node;
  bool taken;
  dg_source sources[DG_LAYER_PARAMS];
} own_layer;

/** A mapping on its way. */
typedef struct {
  const dg_outline *outline;
  const dg_convert_options *options;
  dg_arrays *arrays;
  dg_groups groups;
  bool *used; /**< of each group */
  uint32_t layer_count;
  own_layer *layers;
  dg_error *err;
} mapping;

enum { WHY = 500 };

/* ---- taking ------------------------------------------------------------- */

static bool fits(const mapping *m, const own_layer *layer, const dg_group *group) {
  dg_source sources[DG_LAYER_PARAMS];
  char why[WHY];
  return dg_layout_fit(m->outline, layer->node, m->arrays, group, sources, why, sizeof why);
}

/** Takes a group for a layer, which it must fit. */
static bool take(mapping *m, own_layer *layer, const dg_group *group, const char *how) {
  char why[WHY];
  if (!dg_layout_fit(m->outline, layer->node, m->arrays, group, layer->sources, why, sizeof why))
    return dg_fail(m->err, DG_ERR_INPUT, "%s: %s", m->arrays->path, why);
  layer->taken = true;
  const dg_param *param;
  for (uint32_t i = 0; (param = dg_layout_param(m->outline, layer->node, i)); i++)
    if (m->options->mapped)
      m->options->mapped(m->options->user,
                         layer->sources[i].from ? layer->sources[i].from->name : NULL, param->name,
                         how);
  return true;
}

/* ---- by name ------------------------------------------------------------ */

static bool take_by_name(mapping *m) {
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (size_t g = 0; g < m->groups.count; g++) {
      if (strcmp(m->groups.items[g].name, m->layers[l].node->layer->name) != 0) continue;
      if (!take(m, &m->layers[l], &m->groups.items[g], "same name")) return false;
      m->used[g] = true;
    }
  return true;
}

/* ---- by order alone ----------------------------------------------------- */

/** Tensors without layers in their names are dealt out to the layers that are left, in order. */
static bool take_loose(mapping *m) {
  size_t at = 0, wanted = 0;
  if (m->groups.loose == 0) return true;
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (!m->layers[l].taken) wanted += dg_layout_tensors(m->layers[l].node, m->arrays->layout);
  if (wanted != m->groups.loose)
    return dg_fail(m->err, DG_ERR_INPUT,
                   "%s: \"%s\" and the like name no layer, and they are %zu where the network "
                   "needs %zu: say with --map THEIRS=OURS which tensor is which",
                   m->arrays->path, m->arrays->items[m->groups.loose_members[0]].name,
                   m->groups.loose, wanted);
  for (uint32_t l = 0; l < m->layer_count; l++) {
    if (m->layers[l].taken) continue;
    dg_group group = {.numbered = true};
    group.count = dg_layout_tensors(m->layers[l].node, m->arrays->layout);
    for (size_t i = 0; i < group.count; i++) group.members[i] = m->groups.loose_members[at++];
    snprintf(group.name, sizeof group.name, "%s", m->arrays->items[group.members[0]].name);
    if (take(m, &m->layers[l], &group, "by order")) continue;
    return dg_fail_prefix(m->err, "taken by their order, tensors don't fit (--map THEIRS=OURS says "
                                  "which is which)");
  }
  return true;
}

/* ---- by order and shape ------------------------------------------------- */

/** The k-th layer that is left on both sides, if they fit everywhere. */
static bool all_fit_in_order(const mapping *m) {
  size_t g = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    if (m->layers[l].taken) continue;
    while (g < m->groups.count && m->used[g]) g++;
    if (g == m->groups.count || !fits(m, &m->layers[l], &m->groups.items[g])) return false;
    g++;
  }
  while (g < m->groups.count && m->used[g]) g++;
  return g == m->groups.count;
}

/** Groups that fit a layer, by the numbers in their names where the file keeps no order. */
static size_t candidates_of(const mapping *m, const own_layer *layer, size_t *found) {
  size_t count = 0;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g] || !fits(m, layer, &m->groups.items[g])) continue;
    size_t at = count++;
    while (!m->arrays->ordered && at > 0 &&
           dg_names_compare(m->groups.items[found[at - 1]].name, m->groups.items[g].name) > 0) {
      found[at] = found[at - 1];
      at--;
    }
    found[at] = g;
  }
  return count;
}

/** Layers that are left and that a group fits. */
static size_t rivals_of(const mapping *m, const dg_group *group) {
  size_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    count += !m->layers[l].taken && fits(m, &m->layers[l], group);
  return count;
}

static bool in_known_order(const mapping *m, const size_t *found, size_t count) {
  bool known = true;
  for (size_t i = 1; i < count && !m->arrays->ordered; i++)
    known &= dg_names_alike(m->groups.items[found[0]].name, m->groups.items[found[i]].name);
  return known;
}

static bool fail_missing(const mapping *m, const own_layer *layer) {
  const dg_param *param = dg_layout_param(m->outline, layer->node, 0);
  uint64_t dims[4];
  char shape[100], why[WHY] = "";
  dg_source sources[DG_LAYER_PARAMS];
  size_t left = m->groups.count, only = 0;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g])
      left--;
    else
      only = g;
  }
  if (left == 1)
    dg_layout_fit(m->outline, layer->node, m->arrays, &m->groups.items[only], sources, why,
                  sizeof why);
  for (uint32_t i = 0; i < param->spec.rank; i++) dims[i] = param->spec.dim[i];
  return dg_fail(
      m->err, DG_ERR_INPUT,
      "%s: nothing fits the network's layer \"%s\" (%s, \"%s\" is %s)%s%s; these are the "
      "weights of another network, or --layout %s would read them",
      m->arrays->path, layer->node->layer->name, layer->node->layer->kind->type, param->name,
      dg_array_shape(param->spec.rank, dims, shape, sizeof shape), *why ? ": " : "", why,
      m->arrays->layout == DG_LAYOUT_KERAS ? "pytorch" : "keras");
}

static bool fail_ambiguous(const mapping *m, const own_layer *layer, const size_t *found,
                           size_t count) {
  char names[300] = "";
  for (size_t i = 0; i < count && i < 4; i++)
    dg_append(names, sizeof names, "%s\"%s\"", i ? ", " : "", m->groups.items[found[i]].name);
  return dg_fail(m->err, DG_ERR_INPUT,
                 "%s: the network's layer \"%s\" (%s) could be any of %s%s; say which by "
                 "--map %s=%s",
                 m->arrays->path, layer->node->layer->name, layer->node->layer->kind->type, names,
                 count > 4 ? " and more" : "", m->groups.items[found[0]].name,
                 layer->node->layer->name);
}

/** Takes, for each layer that is left, the first of the groups that fit it, if that is no guess. */
static bool take_by_shape(mapping *m) {
  bool ordered = m->arrays->ordered && all_fit_in_order(m), right = true;
  size_t *found = malloc((m->groups.count + 1) * sizeof *found);
  if (!found) return dg_fail_memory(m->err, (m->groups.count + 1) * sizeof *found);
  for (uint32_t l = 0; right && l < m->layer_count; l++) {
    own_layer *layer = &m->layers[l];
    if (layer->taken) continue;
    size_t count = candidates_of(m, layer, found);
    if (count == 0) {
      right = fail_missing(m, layer);
    } else if (!ordered && count > 1 &&
               (count != rivals_of(m, &m->groups.items[found[0]]) ||
                !in_known_order(m, found, count))) {
      right = fail_ambiguous(m, layer, found, count);
    } else {
      right = take(m, layer, &m->groups.items[found[0]], "by order and shape");
      m->used[found[0]] = true;
    }
  }
  free(found);
  return right;
}

/* ---- all together ------------------------------------------------------- */

static bool check_rest(const mapping *m) {
  for (size_t g = 0; g < m->groups.count; g++)
    if (!m->used[g])
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: the network has no place for \"%s\"; --map %s= leaves it out",
                     m->arrays->path, m->groups.items[g].name, m->groups.items[g].name);
  return true;
}

/** Copies what was mapped, in the network's order: all parameters, then all states. */
static bool fill(const mapping *m, dg_arrays *ours) {
  for (uint32_t p = 0; p < m->outline->param_count; p++) {
    const dg_param *param = &m->outline->params[p];
    uint64_t dims[DG_TENSOR_RANK] = {0};
    for (uint32_t i = 0; i < param->spec.rank; i++) dims[i] = param->spec.dim[i];
    dg_array *array = dg_arrays_add(ours, param->name, param->spec.rank, dims, false, m->err);
    if (!array) return false;
    for (uint32_t l = 0; l < m->layer_count; l++)
      for (uint32_t i = 0; i < m->layers[l].node->params + m->layers[l].node->states; i++)
        if (m->layers[l].sources[i].param == param)
          dg_layout_take(&m->layers[l].sources[i], array->data);
  }
  return true;
}

static bool prepare(mapping *m) {
  const dg_outline *o = m->outline;
  if (!dg_names_prepare(m->arrays, m->options, m->err) ||
      !dg_groups_make(&m->groups, m->arrays, m->err))
    return false;
  m->used = calloc(m->groups.count + 1, sizeof *m->used);
  m->layers = calloc(o->node_count, sizeof *m->layers);
  if (!m->used || !m->layers) return dg_fail_memory(m->err, o->node_count * sizeof *m->layers);
  for (uint32_t i = 0; i < o->node_count; i++)
    if (o->nodes[i].params) m->layers[m->layer_count++].node = &o->nodes[i];
  return true;
}

bool dg_map_arrays(const dg_outline *outline, dg_arrays *theirs, const dg_convert_options *options,
                   dg_arrays *ours, dg_error *err) {
  mapping m = {.outline = outline, .options = options, .arrays = theirs, .err = err};
  bool right = prepare(&m) && take_by_name(&m) && take_loose(&m) && take_by_shape(&m) &&
               check_rest(&m) && fill(&m, ours);
  free(m.used);
  free(m.layers);
  dg_groups_free(&m.groups);
  return right;
}
