/** Maps by order and shape: layers with names that the network does not have. */
#include <stdlib.h>

#include "core/base/text.h"
#include "core/exchange/map/alike.h"
#include "core/exchange/map/steps.h"

static bool is_spare(const dg_mapping *m, size_t g) {
  return dg_group_spare(m->arrays, &m->groups.items[g]);
}

/** Pairs the remaining layers on both sides in order, if all of them fit. */
static bool all_fit_in_order(const dg_mapping *m) {
  size_t g = 0;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const dg_own_layer *layer = &m->layers[l];
    if (layer->taken) continue;
    while (g < m->groups.count && (m->used[g] || (is_spare(m, g) && !dg_mapping_fits(m, layer, g))))
      g++;
    if (g == m->groups.count || !dg_mapping_fits(m, layer, g)) return false;
    g++;
  }
  while (g < m->groups.count && (m->used[g] || is_spare(m, g))) g++;
  return g == m->groups.count;
}

/** The remaining groups that fit a layer, in the order in which they are taken. */
static size_t candidates_of(const dg_mapping *m, const dg_own_layer *layer, size_t *found) {
  size_t count = 0;
  for (size_t i = 0; i < m->groups.count; i++)
    if (!m->used[m->order[i]] && dg_mapping_fits(m, layer, m->order[i]))
      found[count++] = m->order[i];
  return count;
}

/** Number of remaining layers that a group fits. */
static size_t rivals_of(const dg_mapping *m, size_t group) {
  size_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    count += !m->layers[l].taken && dg_mapping_fits(m, &m->layers[l], group);
  return count;
}

static bool in_known_order(const dg_mapping *m, const size_t *found, size_t count) {
  bool known = true;
  for (size_t i = 1; i < count && !m->arrays->ordered; i++)
    known &= dg_names_alike(dg_group_name(m, found[0]), dg_group_name(m, found[i]));
  return known;
}

/** Is it only something other than its weights that keeps a group from fitting? */
static bool nearly_fits(const dg_mapping *m, const dg_own_layer *layer, size_t group) {
  dg_source sources[DG_LAYER_PARAMS] = {0};
  dg_layout_fit(m->graph, layer->node, m->arrays, &m->groups.items[group], sources, NULL, 0);
  bool fits = sources[0].from != NULL;
  for (uint32_t i = 0; fits && i < sources[0].param->spec.rank; i++)
    fits = sources[0].stride[i] > 0;
  return fits;
}

/** The group that is probably meant for a layer that no group fits: one that lacks something, one
    with something else than its weights that does not fit, or the only one that is left; the count:
    unknown. */
static size_t meant_for(const dg_mapping *m, const dg_own_layer *layer) {
  size_t left = 0, only = 0, near = m->groups.count;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g]) continue;
    if (dg_layout_lacks(layer->node, m->arrays, &m->groups.items[g])) return g;
    if (near == m->groups.count && nearly_fits(m, layer, g)) near = g;
    only = g;
    left++;
  }
  return left == 1 ? only : near;
}

/** What may help: another layout, unless the names in the file are Keras's. */
static bool advise_missing(const dg_mapping *m, const dg_own_layer *layer) {
  bool keras = m->arrays->layout == DG_LAYOUT_KERAS;
  if (!keras || m->options->layout)
    return dg_fail_suffix(m->err, ", or the layout %s would read them",
                          keras ? "pytorch" : "keras") ||
           dg_advise(m->err, DG_REMEDY_LAYOUT);
  if (layer->node->op.kind == DG_OP_LAYER_NORM)
    dg_fail_suffix(m->err,
                   ", or it has neither scale nor center, which only a whole model (.keras) "
                   "says");
  return dg_advise(m->err, DG_REMEDY_NAMES);
}

/** Writes which layers of the file are left, the first of them. */
static void list_left(const dg_mapping *m, char *text, size_t capacity) {
  size_t left = 0;
  for (size_t g = 0; g < m->groups.count && left < 4; g++)
    if (!m->used[g])
      dg_append(text, capacity, "%s\"%.80s\"", left++ ? ", " : "left of the file are ",
                m->groups.items[g].name);
}

/** A tensor that was not read and that nothing was found for; NULL: there is none. */
static const dg_array *unread_left(const dg_mapping *m) {
  for (size_t g = 0; g < m->groups.count; g++)
    for (size_t i = 0; !m->used[g] && i < m->groups.items[g].count && i < DG_GROUP_MAX; i++) {
      const dg_array *array = &m->arrays->items[m->groups.items[g].members[i]];
      if (array->unread) return array;
    }
  return NULL;
}

static bool fail_missing(dg_mapping *m, const dg_own_layer *layer) {
  const dg_param *param = dg_layout_param(m->graph, layer->node, 0);
  uint64_t dims[4];
  char shape[100], why[DG_MAPPING_WHY] = "";
  dg_source sources[DG_LAYER_PARAMS];
  size_t only = meant_for(m, layer);
  const dg_array *unread = unread_left(m);
  m->misfit = true;
  const dg_group *meant = only < m->groups.count ? &m->groups.items[only] : NULL;
  if (meant) dg_layout_fit(m->graph, layer->node, m->arrays, meant, sources, why, sizeof why);
  if (!meant) list_left(m, why, sizeof why);
  if (meant && dg_layout_lacks(layer->node, m->arrays, meant))
    return dg_fail(m->err, DG_ERR_INPUT, "%s: %s", m->arrays->path, why) ||
           dg_advise(m->err, DG_REMEDY_NAMES);
  for (uint32_t i = 0; i < param->spec.rank; i++) dims[i] = param->spec.dim[i];
  dg_fail(m->err, DG_ERR_INPUT,
          "%s: nothing fits the network's layer \"%s\" (%s, \"%s\" is %s)%s%s; these are the "
          "weights of another network",
          m->arrays->path, layer->node->layer->name, layer->node->layer->kind->type, param->name,
          dg_array_shape(param->spec.rank, dims, shape, sizeof shape), *why ? ": " : "", why);
  if (unread) dg_fail_suffix(m->err, "; \"%s\" %s", unread->name, unread->unread);
  return advise_missing(m, layer);
}

static bool fail_ambiguous(const dg_mapping *m, const dg_own_layer *layer, const size_t *found,
                           size_t count) {
  char names[300] = "";
  for (size_t i = 0; i < count && i < 4; i++)
    dg_append(names, sizeof names, "%s\"%s\"", i ? ", " : "", m->groups.items[found[i]].name);
  return dg_fail(m->err, DG_ERR_INPUT,
                 "%s: the network's layer \"%s\" (%s) could be any of %s%s; say which, such as "
                 "%s=%s",
                 m->arrays->path, layer->node->layer->name, layer->node->layer->kind->type, names,
                 count > 4 ? " and more" : "", m->groups.items[found[0]].name,
                 layer->node->layer->name) ||
         dg_advise(m->err, DG_REMEDY_NAMES);
}

bool dg_map_by_shape(dg_mapping *m) {
  bool ordered = m->arrays->ordered && all_fit_in_order(m), ok = true;
  int64_t empty = m->arrays->empty_norms;
  size_t *found = malloc((m->groups.count + 1) * sizeof *found);
  if (!found) return dg_fail_memory(m->err, (m->groups.count + 1) * sizeof *found);
  for (uint32_t l = 0; ok && l < m->layer_count; l++) {
    dg_own_layer *layer = &m->layers[l];
    if (layer->taken) continue;
    size_t count = candidates_of(m, layer, found);
    if (count == 0 && layer->node->op.kind == DG_OP_LAYER_NORM && empty-- > 0) {
      layer->empty = true;
      ok = dg_mapping_take(m, layer, &(dg_group){0}, "neither scale nor center");
    } else if (count == 0) {
      ok = fail_missing(m, layer);
    } else if (!ordered && count > 1 &&
               (count != rivals_of(m, found[0]) || !in_known_order(m, found, count))) {
      ok = fail_ambiguous(m, layer, found, count);
    } else {
      ok = dg_mapping_take_group(m, layer, found[0], "by order and shape", false);
    }
  }
  free(found);
  return ok;
}
