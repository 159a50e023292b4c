#include "core/exchange/map/mapping.h"

bool dg_mapping_fits(const dg_mapping *m, const dg_own_layer *layer, size_t group) {
  dg_source sources[DG_LAYER_PARAMS];
  return dg_layout_fit(m->graph, layer->node, m->arrays, &m->groups.items[group], sources, NULL, 0);
}

/** Why a tensor of a group was not read; NULL: all were. */
static const dg_array *unread_in(const dg_mapping *m, const dg_group *group) {
  for (size_t i = 0; i < group->count && i < DG_GROUP_MAX; i++)
    if (m->arrays->items[group->members[i]].unread) return &m->arrays->items[group->members[i]];
  return NULL;
}

static bool fail_unread(const dg_mapping *m, const dg_array *array) {
  return dg_fail(m->err, DG_ERR_INPUT, "%s: \"%s\" %s", m->arrays->path, array->name,
                 array->unread) ||
         dg_advise(m->err, DG_REMEDY_NAMES);
}

bool dg_mapping_take(dg_mapping *m, dg_own_layer *layer, const dg_group *group, const char *how) {
  char why[DG_MAPPING_WHY];
  const dg_param *param;
  if (!dg_layout_fit(m->graph, layer->node, m->arrays, group, layer->sources, why, sizeof why)) {
    const dg_array *unread = unread_in(m, group);
    m->misfit = true;
    return unread ? fail_unread(m, unread)
                  : dg_fail(m->err, DG_ERR_INPUT, "%s: %s", m->arrays->path, why) ||
                        dg_advise(m->err, DG_REMEDY_NAMES);
  }
  layer->taken = true;
  layer->how = how;
  for (uint32_t i = 0; (param = dg_layout_param(m->graph, layer->node, i)); i++)
    if (layer->sources[i].from && layer->sources[i].from->unread)
      return fail_unread(m, layer->sources[i].from);
  return true;
}

bool dg_mapping_take_group(dg_mapping *m, dg_own_layer *layer, size_t g, const char *how,
                           bool named) {
  layer->named = named;
  layer->group = g;
  m->used[g] = true;
  return dg_mapping_take(m, layer, &m->groups.items[g], how);
}

const char *dg_group_name(const dg_mapping *m, size_t g) {
  return m->groups.items[g].name + m->groups.items[g].prefix;
}

const char *dg_own_name(const dg_own_layer *layer) {
  return layer->node->layer->name;
}
