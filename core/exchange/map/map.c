#include "core/exchange/map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/numbers.h"
#include "core/base/text.h"
#include "core/exchange/map/alike.h"
#include "core/exchange/map/names.h"

/** One of our layers with parameters, and what makes it. */
typedef struct {
  const dg_outline_node *node;
  bool taken, named; /**< named: by its name, not by an order */
  size_t group;      /**< that it was made of; of no meaning with tensors whose names tell none */
  dg_source sources[DG_LAYER_PARAMS];
} own_layer;

/** A mapping on its way. */
typedef struct {
  const dg_outline *outline;
  const dg_convert_options *options;
  dg_arrays *arrays;
  dg_groups groups;
  bool *used;    /**< of each group */
  size_t *order; /**< the groups as the file has them, or by the numbers in their names */
  uint32_t layer_count;
  own_layer *layers;
  dg_error *err;
} mapping;

enum { WHY = 700 };

/* ---- taking ------------------------------------------------------------- */

static bool fits(const mapping *m, const own_layer *layer, size_t group) {
  dg_source sources[DG_LAYER_PARAMS];
  return dg_layout_fit(m->outline, layer->node, m->arrays, &m->groups.items[group], sources, NULL,
                       0);
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

/** Takes group number `g`. */
static bool take_group(mapping *m, own_layer *layer, size_t g, const char *how, bool named) {
  layer->named = named;
  layer->group = g;
  m->used[g] = true;
  return take(m, layer, &m->groups.items[g], how);
}

/* ---- by name ------------------------------------------------------------ */

/** What a group is called, without what all are called. */
static const char *name_of(const mapping *m, size_t g) {
  return m->groups.items[g].name + m->groups.items[g].prefix;
}

static const char *our_name(const own_layer *layer) {
  return layer->node->layer->name;
}

/** The one group that is left, fits a layer and has its name as the last part; else the count. */
static size_t only_with_name(const mapping *m, const own_layer *layer) {
  size_t found = m->groups.count;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g] || !dg_name_ends(name_of(m, g), our_name(layer)) || !fits(m, layer, g)) continue;
    if (found < m->groups.count) return m->groups.count;
    found = g;
  }
  return found;
}

/** Takes what has the same name; then what has it as the last part, as nothing else has. */
static bool take_by_name(mapping *m) {
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (size_t g = 0; g < m->groups.count; g++)
      if (!m->layers[l].taken && strcmp(name_of(m, g), our_name(&m->layers[l])) == 0 &&
          !take_group(m, &m->layers[l], g, "same name", true))
        return false;
  for (uint32_t l = 0; l < m->layer_count; l++) {
    size_t g = m->layers[l].taken ? m->groups.count : only_with_name(m, &m->layers[l]);
    if (g < m->groups.count && !take_group(m, &m->layers[l], g, "same name", true)) return false;
  }
  return true;
}

/* ---- by order alone ----------------------------------------------------- */

static const dg_array *loose_array(const mapping *m, size_t i) {
  return &m->arrays->items[m->groups.loose_members[i]];
}

static bool same_shape(const dg_array *a, const dg_array *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

/** The order of a file that keeps none is that of the numbers in names that are alike. */
static bool sort_loose(mapping *m) {
  size_t *members = m->groups.loose_members;
  for (size_t i = 1; i < m->groups.loose && !m->arrays->ordered; i++) {
    const char *name = loose_array(m, i)->name, *first = loose_array(m, 0)->name;
    size_t member = members[i], at = i;
    if (!dg_names_alike(first, name))
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: \"%s\" and \"%s\" name no layer, and the file keeps no order: say with "
                     "--map THEIRS=OURS which tensor is which",
                     m->arrays->path, first, name);
    for (; at > 0 && dg_names_compare(loose_array(m, at - 1)->name, name) > 0; at--)
      members[at] = members[at - 1];
    members[at] = member;
  }
  return true;
}

/** Where names that are alike but for their numbers come in another order, which one counts? */
static bool check_loose(const mapping *m) {
  for (size_t i = 1; i < m->groups.loose; i++)
    for (size_t k = i; k-- > 0;) {
      const dg_array *a = loose_array(m, k), *b = loose_array(m, i);
      int order = same_shape(a, b) ? dg_names_order(a->name, b->name) : 0;
      if (order > 0)
        return dg_fail(m->err, DG_ERR_INPUT,
                       "%s: \"%s\" comes before \"%s\", and their names name no layer: say with "
                       "--map THEIRS=OURS which tensor is which",
                       m->arrays->path, a->name, b->name);
      if (order < 0) break; /* those before it were compared with it */
    }
  return true;
}

/** Do the names of lone tensors differ by more than their numbers? */
static bool loose_differ(const mapping *m) {
  bool differ = false;
  for (size_t i = 1; i < m->groups.loose; i++)
    differ |= !dg_names_alike(loose_array(m, 0)->name, loose_array(m, i)->name);
  return differ;
}

/** Do the names say that the tensors of a layer are other parameters than their order makes them?
 */
static bool check_roles(const mapping *m, const own_layer *layer) {
  const dg_param *param;
  for (uint32_t i = 0; (param = dg_layout_param(m->outline, layer->node, i)); i++) {
    const dg_array *from = layer->sources[i].from;
    if (from && dg_name_denies(from->name, param->spec.suffix))
      return dg_fail(m->err, DG_ERR_INPUT,
                     "%s: by its order \"%s\" would be \"%s\", but its name says otherwise: say "
                     "with --map THEIRS=OURS which tensor is which",
                     m->arrays->path, from->name, param->name);
  }
  return true;
}

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
                   m->arrays->path, loose_array(m, 0)->name, m->groups.loose, wanted);
  if (!sort_loose(m) || !check_loose(m)) return false;
  bool differ = loose_differ(m);
  for (uint32_t l = 0; l < m->layer_count; l++) {
    own_layer *layer = &m->layers[l];
    if (layer->taken) continue;
    dg_group group = {.numbered = true};
    group.count = dg_layout_tensors(layer->node, m->arrays->layout);
    for (size_t i = 0; i < group.count; i++) group.members[i] = m->groups.loose_members[at++];
    snprintf(group.name, sizeof group.name, "%s", m->arrays->items[group.members[0]].name);
    layer->named = true; /* its names were looked at already */
    if (!take(m, layer, &group, "by order"))
      return dg_fail_prefix(m->err, "taken by their order, tensors don't fit (--map THEIRS=OURS "
                                    "says which is which)");
    if (differ && !check_roles(m, layer)) return false;
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
    if (g == m->groups.count || !fits(m, &m->layers[l], g)) return false;
    g++;
  }
  while (g < m->groups.count && m->used[g]) g++;
  return g == m->groups.count;
}

/** Groups that are left and fit a layer, in the order in which they are taken. */
static size_t candidates_of(const mapping *m, const own_layer *layer, size_t *found) {
  size_t count = 0;
  for (size_t i = 0; i < m->groups.count; i++)
    if (!m->used[m->order[i]] && fits(m, layer, m->order[i])) found[count++] = m->order[i];
  return count;
}

/** Layers that are left and that a group fits. */
static size_t rivals_of(const mapping *m, size_t group) {
  size_t count = 0;
  for (uint32_t l = 0; l < m->layer_count; l++)
    count += !m->layers[l].taken && fits(m, &m->layers[l], group);
  return count;
}

static bool in_known_order(const mapping *m, const size_t *found, size_t count) {
  bool known = true;
  for (size_t i = 1; i < count && !m->arrays->ordered; i++)
    known &= dg_names_alike(name_of(m, found[0]), name_of(m, found[i]));
  return known;
}

/** The group that a layer which none fits may be meant for: one that lacks something, or the last
    that is left; the count: nobody knows. */
static size_t meant_for(const mapping *m, const own_layer *layer) {
  size_t left = 0, only = 0;
  for (size_t g = 0; g < m->groups.count; g++) {
    if (m->used[g]) continue;
    if (dg_layout_lacks(layer->node, m->arrays, &m->groups.items[g])) return g;
    only = g;
    left++;
  }
  return left == 1 ? only : m->groups.count;
}

static bool fail_missing(const mapping *m, const own_layer *layer) {
  const dg_param *param = dg_layout_param(m->outline, layer->node, 0);
  uint64_t dims[4];
  char shape[100], why[WHY] = "";
  dg_source sources[DG_LAYER_PARAMS];
  size_t only = meant_for(m, layer);
  const dg_group *meant = only < m->groups.count ? &m->groups.items[only] : NULL;
  if (meant) dg_layout_fit(m->outline, layer->node, m->arrays, meant, sources, why, sizeof why);
  if (meant && dg_layout_lacks(layer->node, m->arrays, meant))
    return dg_fail(m->err, DG_ERR_INPUT, "%s: %s", m->arrays->path, why);
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
                 "--map %s=%s; --map THEIRS= leaves one out",
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
               (count != rivals_of(m, found[0]) || !in_known_order(m, found, count))) {
      right = fail_ambiguous(m, layer, found, count);
    } else {
      right = take_group(m, layer, found[0], "by order and shape", false);
    }
  }
  free(found);
  return right;
}

/* ---- names against order ------------------------------------------------ */

/** Could the groups of two layers be exchanged? */
static bool exchangeable(const mapping *m, const own_layer *a, const own_layer *b) {
  return fits(m, a, b->group) && fits(m, b, a->group);
}

/**
 * Does the group of `a`, by its name, speak of the layer `b` and not of its own? A layer that has a
 * group of its name already is meant by what ends in that name, too.
 */
static bool speaks_of(const mapping *m, const own_layer *a, const own_layer *b) {
  const char *name = name_of(m, a->group);
  if (dg_name_mentions(name, our_name(a))) return false;
  if (b->named) return dg_name_ends(name, our_name(b));
  return dg_name_mentions(name, our_name(b)) &&
         !dg_name_mentions(name_of(m, b->group), our_name(b));
}

/** Do the names of two layers' groups say that they were taken the wrong way round? */
static bool contradict(const mapping *m, const own_layer *a, const own_layer *b) {
  int theirs = dg_names_order(name_of(m, a->group), name_of(m, b->group));
  int ours = dg_names_order(our_name(a), our_name(b));
  bool numbers = theirs != 0 && (theirs > 0) != (ours > 0);
  bool places = m->arrays->ordered && a->group > b->group;
  return numbers || places || speaks_of(m, a, b) || speaks_of(m, b, a);
}

/** Where layers could be exchanged, and not both were found by name: do names and order agree? */
static bool check_order(const mapping *m) {
  for (uint32_t i = 0; i < m->layer_count; i++)
    for (uint32_t k = 0; k < i; k++) {
      const own_layer *a = &m->layers[k], *b = &m->layers[i];
      if (a->named && b->named) continue;
      const dg_group *first = &m->groups.items[a->group], *second = &m->groups.items[b->group];
      if (first->told || second->told || !contradict(m, a, b) || !exchangeable(m, a, b)) continue;
      return dg_fail(
          m->err, DG_ERR_INPUT,
          "%s: by their order and shape \"%s\" would be the network's \"%s\", and \"%s\" "
          "its \"%s\", but their names say another order: say which is which by "
          "--map %s=%s or --map %s=%s",
          m->arrays->path, first->name, our_name(a), second->name, our_name(b), first->name,
          our_name(a), first->name, our_name(b));
    }
  return true;
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

/** Copies one parameter, whose numbers must be finite. */
static bool take_numbers(const mapping *m, const dg_source *source, float *out) {
  const dg_array *from = source->from;
  char place[200];
  size_t at = from ? dg_first_unfinite(from->data, from->count) : 0;
  if (from && at < from->count)
    return dg_fail(m->err, DG_ERR_RUNTIME,
                   "%s: \"%s\" is not finite, or too large for float32: it is %g at %s",
                   m->arrays->path, from->name, (double)from->data[at],
                   dg_place_text(from->rank, from->dim, at, place, sizeof place));
  dg_layout_take(source, out);
  return true;
}

/** A variance below 0 was made of something else. */
static bool check_variance(const mapping *m, const dg_param *param, const dg_array *array) {
  bool right = true;
  if (strcmp(param->spec.suffix, "running_var") == 0)
    for (uint64_t i = 0; i < array->count; i++) right &= !(array->data[i] < 0);
  return right ||
         dg_fail(m->err, DG_ERR_INPUT,
                 "%s: what would be \"%s\" has numbers below 0, which no variance has: say "
                 "with --map THEIRS=OURS which tensor is which",
                 m->arrays->path, param->name);
}

/** Copies what was mapped, in the network's order: all parameters, then all states. */
static bool fill(const mapping *m, dg_arrays *ours) {
  for (uint32_t p = 0; p < m->outline->param_count; p++) {
    const dg_param *param = &m->outline->params[p];
    const dg_source *source = NULL;
    uint64_t dims[DG_TENSOR_RANK] = {0};
    for (uint32_t i = 0; i < param->spec.rank; i++) dims[i] = param->spec.dim[i];
    dg_array *array = dg_arrays_add(ours, param->name, param->spec.rank, dims, false, m->err);
    if (!array) return false;
    for (uint32_t l = 0; l < m->layer_count; l++)
      for (uint32_t i = 0; i < m->layers[l].node->params + m->layers[l].node->states; i++)
        if (m->layers[l].sources[i].param == param) source = &m->layers[l].sources[i];
    if (source && !take_numbers(m, source, array->data)) return false;
    if (!check_variance(m, param, array)) return false;
  }
  return true;
}

/** Puts the groups in order: the file's, or that of the numbers in their names. */
static bool sort_groups(mapping *m) {
  m->order = malloc((m->groups.count + 1) * sizeof *m->order);
  if (!m->order) return dg_fail_memory(m->err, (m->groups.count + 1) * sizeof *m->order);
  for (size_t i = 0; i < m->groups.count; i++) {
    size_t at = i;
    for (; !m->arrays->ordered && at > 0 &&
           dg_names_compare(name_of(m, m->order[at - 1]), name_of(m, i)) > 0;
         at--)
      m->order[at] = m->order[at - 1];
    m->order[at] = i;
  }
  return true;
}

static bool prepare(mapping *m) {
  const dg_outline *o = m->outline;
  if (!dg_names_prepare(m->arrays, m->options, m->err) ||
      !dg_groups_make(&m->groups, m->arrays, m->err) || !sort_groups(m))
    return false;
  m->used = calloc(m->groups.count + 1, sizeof *m->used);
  m->layers = calloc(o->node_count + 1, sizeof *m->layers);
  if (!m->used || !m->layers) return dg_fail_memory(m->err, o->node_count * sizeof *m->layers);
  for (uint32_t i = 0; i < o->node_count; i++)
    if (o->nodes[i].params) m->layers[m->layer_count++].node = &o->nodes[i];
  return true;
}

bool dg_map_arrays(const dg_outline *outline, dg_arrays *theirs, const dg_convert_options *options,
                   dg_arrays *ours, dg_error *err) {
  mapping m = {.outline = outline, .options = options, .arrays = theirs, .err = err};
  bool right = prepare(&m) && take_by_name(&m) && take_loose(&m) && take_by_shape(&m) &&
               check_rest(&m) && check_order(&m) && fill(&m, ours);
  free(m.used);
  free(m.order);
  free(m.layers);
  dg_groups_free(&m.groups);
  return right;
}
