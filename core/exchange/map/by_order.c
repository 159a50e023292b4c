/** Maps by order alone: tensors whose names contain no layer. */
#include <stdio.h>
#include <string.h>

#include "core/exchange/map/alike.h"
#include "core/exchange/map/steps.h"

static const dg_array *loose_array(const dg_mapping *m, size_t i) {
  return &m->arrays->items[m->groups.loose_members[i]];
}

static bool same_shape(const dg_array *a, const dg_array *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

/** If the file has no order, sorts similar names by their numbers. */
static bool sort_loose(dg_mapping *m) {
  size_t *members = m->groups.loose_members;
  for (size_t i = 1; i < m->groups.loose && !m->arrays->ordered; i++) {
    const char *name = loose_array(m, i)->name, *first = loose_array(m, 0)->name;
    size_t member = members[i], at = i;
    if (!dg_names_alike(first, name))
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: \"%s\" and \"%s\" name no layer, and the file keeps no order: it has to "
                     "be said which tensor is which",
                     m->arrays->path, first, name) ||
             dg_advise(m->err, DG_REMEDY_NAMES);
    for (; at > 0 && dg_names_compare(loose_array(m, at - 1)->name, name) > 0; at--)
      members[at] = members[at - 1];
    members[at] = member;
  }
  return true;
}

/** If the numbers in similar names contradict the file's order, that is an error. */
static bool check_loose(const dg_mapping *m) {
  for (size_t i = 1; i < m->groups.loose; i++)
    for (size_t k = i; k-- > 0;) {
      const dg_array *a = loose_array(m, k), *b = loose_array(m, i);
      int order = same_shape(a, b) ? dg_names_order(a->name, b->name) : 0;
      if (order > 0)
        return dg_fail(m->err, DG_ERR_INPUT,
                       "%s: \"%s\" comes before \"%s\", and their names name no layer: it "
                       "has to be said which tensor is which",
                       m->arrays->path, a->name, b->name) ||
               dg_advise(m->err, DG_REMEDY_NAMES);
      if (order < 0) break; /* those before k were already compared with k */
    }
  return true;
}

/** Do the names of tensors without layer differ in more than their numbers? */
static bool loose_differ(const dg_mapping *m) {
  bool differ = false;
  for (size_t i = 1; i < m->groups.loose; i++)
    differ |= !dg_names_alike(loose_array(m, 0)->name, loose_array(m, i)->name);
  return differ;
}

/** Do the names suggest other parameters for the tensors of a layer than their order does? */
static bool check_roles(const dg_mapping *m, const dg_own_layer *layer) {
  const dg_param *param;
  for (uint32_t i = 0; (param = dg_layout_param(m->graph, layer->node, i)); i++) {
    const dg_array *from = layer->sources[i].from;
    if (from && dg_name_denies(from->name, param->spec.suffix))
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: by its order \"%s\" would be \"%s\", but its name says otherwise: it "
                     "has to be said which tensor is which",
                     m->arrays->path, from->name, param->name) ||
             dg_advise(m->err, DG_REMEDY_NAMES);
  }
  return true;
}

/** How many of the tensors can't be left out. */
static size_t weights_in(const dg_mapping *m) {
  size_t count = 0;
  for (size_t i = 0; i < m->groups.loose; i++) count += !dg_array_spare(loose_array(m, i));
  return count;
}

/** Leaves those out that can be, if the network has places for the others only, or if there are no
    others and layers in names. */
static void drop_spare(dg_mapping *m, size_t wanted) {
  size_t kept = 0, weights = weights_in(m);
  if (m->groups.loose == wanted || (weights != wanted && (weights || !m->groups.count))) return;
  for (size_t i = 0; i < m->groups.loose; i++)
    if (!dg_array_spare(loose_array(m, i)))
      m->groups.loose_members[kept++] = m->groups.loose_members[i];
  m->groups.loose = kept;
}

static bool fail_count(const dg_mapping *m, size_t wanted) {
  size_t weight = 0; /* the first tensor that can't be left out */
  while (weight + 1 < m->groups.loose && dg_array_spare(loose_array(m, weight))) weight++;
  const char *first = loose_array(m, weight)->name;
  if (wanted == 0)
    return dg_fail(m->err, DG_ERR_INPUT,
                   "%s: the network has no place for \"%s\"; %s= leaves it out", m->arrays->path,
                   first, first) ||
           dg_advise(m->err, DG_REMEDY_NAMES);
  const dg_array *unread = NULL;
  for (size_t i = 0; i < m->groups.loose && !unread; i++)
    if (loose_array(m, i)->unread) unread = loose_array(m, i);
  dg_fail(m->err, DG_ERR_INPUT,
          "%s: \"%s\" and the like name no layer, and they are %zu where the network needs %zu: it "
          "has to be said which tensor is which",
          m->arrays->path, first, m->groups.loose, wanted);
  if (unread) dg_fail_suffix(m->err, "; \"%s\" %s", unread->name, unread->unread);
  return dg_advise(m->err, DG_REMEDY_NAMES);
}

/** Takes the next tensors for a layer. */
static bool take_next(dg_mapping *m, dg_own_layer *layer, size_t *at, bool differ) {
  dg_group group = {.numbered = true};
  group.count = dg_layout_tensors(layer->node, m->arrays->layout);
  for (size_t i = 0; i < group.count; i++) group.members[i] = m->groups.loose_members[(*at)++];
  snprintf(group.name, sizeof group.name, "%s", m->arrays->items[group.members[0]].name);
  layer->named = true; /* its names were checked already */
  if (!dg_mapping_take(m, layer, &group, "by order"))
    return dg_fail_prefix(m->err, "taken by their order, tensors don't fit") ||
           dg_advise(m->err, DG_REMEDY_NAMES);
  return !differ || check_roles(m, layer);
}

bool dg_map_loose(dg_mapping *m) {
  size_t at = 0, wanted = 0;
  if (m->groups.loose == 0) return true;
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (!m->layers[l].taken) wanted += dg_layout_tensors(m->layers[l].node, m->arrays->layout);
  drop_spare(m, wanted);
  if (m->groups.loose == 0) return true;
  if (wanted != m->groups.loose) return fail_count(m, wanted);
  if (!sort_loose(m) || !check_loose(m)) return false;
  bool differ = loose_differ(m);
  for (uint32_t l = 0; l < m->layer_count; l++)
    if (!m->layers[l].taken && !take_next(m, &m->layers[l], &at, differ)) return false;
  return true;
}
