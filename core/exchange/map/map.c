#include "core/exchange/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/map/alike.h"
#include "core/exchange/map/steps.h"
#include "core/exchange/map/turn.h"

/* ---- by name ------------------------------------------------------------ */

/** Does a group end in a layer's name, or have it as its other name? */
static bool has_name(const dg_mapping *m, size_t g, const char *name) {
  const char *label = m->groups.items[g].label;
  return dg_name_ends(dg_group_name(m, g), name) || (label && strcmp(label, name) == 0);
}

/** The only remaining group that fits a layer and ends in its name; else the count. */
static size_t only_with_name(const dg_mapping *m, const dg_own_layer *layer) {
  size_t found = m->groups.count;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g] || !has_name(m, g, dg_own_name(layer)) || !dg_mapping_fits(m, layer, g))
      continue;
    if (found < m->groups.count) return m->groups.count;
    found = g;
  }
  return found;
}

/** Takes groups with the same name; then groups that are the only ones to end in it. */
static bool take_by_name(dg_mapping *m) {
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (size_t g = 0; g < m->groups.count; g++)
      if (!m->layers[l].taken && strcmp(dg_group_name(m, g), dg_own_name(&m->layers[l])) == 0 &&
          !dg_mapping_take_group(m, &m->layers[l], g, "same name", true))
        return false;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    size_t g = m->layers[l].taken ? m->groups.count : only_with_name(m, &m->layers[l]);
    if (g < m->groups.count && !dg_mapping_take_group(m, &m->layers[l], g, "same name", true))
      return false;
  }
  return true;
}

/* ---- names against order ------------------------------------------------ */

/** Could the groups of two layers be exchanged? */
static bool exchangeable(const dg_mapping *m, const dg_own_layer *a, const dg_own_layer *b) {
  return dg_mapping_fits(m, a, b->group) && dg_mapping_fits(m, b, a->group);
}

/**
 * Does the name of the group of `a` mention layer `b` and not `a`? A name that ends in the name of
 * `b` counts even if `b` already has a group of its name.
 */
static bool speaks_of(const dg_mapping *m, const dg_own_layer *a, const dg_own_layer *b) {
  const char *name = dg_group_name(m, a->group);
  if (dg_name_mentions(name, dg_own_name(a))) return false;
  if (b->named) return dg_name_ends(name, dg_own_name(b));
  return dg_name_mentions(name, dg_own_name(b)) &&
         !dg_name_mentions(dg_group_name(m, b->group), dg_own_name(b));
}

/** Do the names of two layers' groups suggest that they were swapped? */
static bool contradict(const dg_mapping *m, const dg_own_layer *a, const dg_own_layer *b) {
  int theirs = dg_names_order(dg_group_name(m, a->group), dg_group_name(m, b->group));
  int ours = dg_names_order(dg_own_name(a), dg_own_name(b));
  bool numbers = theirs != 0 && (theirs > 0) != (ours > 0);
  bool order = m->arrays->ordered && a->group > b->group;
  return numbers || order || speaks_of(m, a, b) || speaks_of(m, b, a);
}

/** Checks that names and order agree for layers that could be exchanged and were not both found by
    name. */
static bool check_order(const dg_mapping *m) {
  for (uint32_t i = 0; i < m->layer_count; i++)
    for (uint32_t k = 0; k < i; k++) {
      const dg_own_layer *a = &m->layers[k], *b = &m->layers[i];
      if ((a->named && b->named) || a->empty || b->empty) continue;
      const dg_group *first = &m->groups.items[a->group], *second = &m->groups.items[b->group];
      if (first->told || second->told || !contradict(m, a, b) || !exchangeable(m, a, b)) continue;
      return dg_fail(
                 m->err, DG_ERR_INPUT,
                 "%s: by their order and shape \"%s\" would be the network's \"%s\", and \"%s\" "
                 "its \"%s\", but their names say another order: say which is which: "
                 "%s=%s or %s=%s",
                 m->arrays->path, first->name, dg_own_name(a), second->name, dg_own_name(b),
                 first->name, dg_own_name(a), first->name, dg_own_name(b)) ||
             dg_advise(m->err, DG_REMEDY_NAMES);
    }
  return true;
}

/* ---- all together ------------------------------------------------------- */

static bool check_rest(const dg_mapping *m) {
  for (size_t g = 0; g < m->groups.count; g++)
    if (!m->used[g] && !dg_group_spare(m->arrays, &m->groups.items[g]))
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: the network has no place for \"%s\"; %s= leaves it out", m->arrays->path,
                     m->groups.items[g].name, m->groups.items[g].name) ||
             dg_advise(m->err, DG_REMEDY_NAMES);
  return true;
}

/* ---- telling the caller ------------------------------------------------- */

/** Tells where a parameter comes from. */
static void tell_source(const dg_mapping *m, const dg_source *source, const char *how) {
  const dg_array *from = source->from;
  char text[100];
  snprintf(text, sizeof text, "%s%s%s", how, from && from->summed ? ", added up" : "",
           from && (from->turned || from->transposed) ? ", transposed" : "");
  m->options->mapped(m->options->user, from ? from->name : NULL, source->param->name, text);
}

static bool is_used(const dg_mapping *m, const dg_array *array) {
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (uint32_t i = 0; dg_layout_param(m->graph, m->layers[l].node, i); i++)
      if (m->layers[l].sources[i].from == array) return true;
  return false;
}

/** Tells what was mapped, and what was left out since the network has no place for it. */
static void tell(const dg_mapping *m) {
  if (!m->options->mapped) return;
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (uint32_t i = 0; dg_layout_param(m->graph, m->layers[l].node, i); i++)
      tell_source(m, &m->layers[l].sources[i], m->layers[l].how);
  for (size_t i = 0; i < m->arrays->count; i++) {
    const dg_array *array = &m->arrays->items[i];
    if (dg_array_spare(array) && !is_used(m, array))
      m->options->mapped(m->options->user, array->name, NULL,
                         array->unread ? array->unread : "integers, which no weights are");
  }
}

/** Sorts the groups: in the file's order, or by the numbers in their names. */
static bool sort_groups(dg_mapping *m) {
  m->order = malloc((m->groups.count + 1) * sizeof *m->order);
  if (!m->order) return dg_fail_memory(m->err, (m->groups.count + 1) * sizeof *m->order);
  for (size_t i = 0; i < m->groups.count; i++) {
    size_t at = i;
    for (; !m->arrays->ordered && at > 0 &&
           dg_names_compare(dg_group_name(m, m->order[at - 1]), dg_group_name(m, i)) > 0;
         at--)
      m->order[at] = m->order[at - 1];
    m->order[at] = i;
  }
  return true;
}

/** Forgets an attempt. */
static void release(dg_mapping *m) {
  free(m->used);
  free(m->order);
  free(m->layers);
  dg_groups_free(&m->groups);
  m->used = NULL;
  m->order = NULL;
  m->layers = NULL;
  m->layer_count = 0;
}

static bool prepare(dg_mapping *m) {
  const dg_model_graph *graph = m->graph;
  if (!dg_groups_make(&m->groups, m->arrays, m->err) || !sort_groups(m)) return false;
  m->used = calloc(m->groups.count + 1, sizeof *m->used);
  m->layers = calloc(graph->node_count + 1, sizeof *m->layers);
  if (!m->used || !m->layers) return dg_fail_memory(m->err, graph->node_count * sizeof *m->layers);
  for (uint32_t i = 0; i < graph->node_count; i++)
    if (graph->nodes[i].params) m->layers[m->layer_count++].node = &graph->nodes[i];
  return true;
}

static bool attempt(dg_mapping *m) {
  return prepare(m) && take_by_name(m) && dg_map_loose(m) && dg_map_by_shape(m) && check_rest(m) &&
         check_order(m);
}

/** Maps the tensors as they are, else with all matrices transposed; if both fail, the error is that
    of the first. */
static bool map(dg_mapping *m) {
  dg_error *err = m->err, first = {0}, second = {0};
  bool any = false, ok;
  m->err = &first;
  ok = attempt(m);
  if (!ok && m->misfit && m->arrays->layout == DG_LAYOUT_PYTORCH) {
    release(m);
    m->err = &second;
    ok = dg_turn_others(m, &any) && any && attempt(m);
  }
  m->err = err;
  if (!ok && err) *err = second.kind == DG_ERR_MEMORY ? second : first;
  return ok;
}

bool dg_map_arrays(const dg_model_graph *graph, dg_arrays *theirs,
                   const dg_convert_options *options, dg_arrays *ours, dg_error *err) {
  dg_mapping m = {.graph = graph, .options = options, .arrays = theirs, .err = err};
  bool ok =
      dg_names_prepare(theirs, options, err) && dg_turn_told(&m) && map(&m) && dg_turn_check(&m);
  if (ok) tell(&m);
  ok = ok && dg_map_fill(&m, ours);
  release(&m);
  return ok;
}
