/** Batches in slices: the parts of a network that exist once per slice or level. */
#include <stdlib.h>

#include "core/exec/internal.h"
#include "core/op/op.h"
#include "core/parallel/tree.h"

/* ---- how many ----------------------------------------------------------- */

static bool couples_samples(const dg_node *node) {
  return dg_op_traits_of(node->plan.op.kind)->couples_samples;
}

/** Lists the nodes that run in phases (barriers). */
static bool find_sync_nodes(dg_network *network, dg_error *err) {
  dg_slicing *s = &network->slicing;
  const dg_graph *graph = &network->graph;
  s->sync_nodes = calloc(graph->node_count, sizeof *s->sync_nodes);
  if (!s->sync_nodes) return dg_fail_memory(err, graph->node_count * sizeof *s->sync_nodes);
  for (uint32_t i = 0; i < graph->node_count; i++)
    if (couples_samples(&graph->nodes[i])) s->sync_nodes[s->sync_count++] = i;
  return true;
}

bool dg_network_slice(dg_network *network, const dg_train_recipe *recipe, uint32_t max_n,
                      dg_error *err) {
  uint32_t slices = network->train ? recipe->slices : 0;
  network->sliced = slices > 0;
  network->max_n = slices ? (uint32_t)(((uint64_t)max_n + slices - 1) / slices) : max_n;
  network->instances = 1;
  network->slicing.levels = 1;
  if (network->train)
    network->slicing.levels = dg_tree_levels(recipe->accumulate) + dg_tree_levels(slices) - 1;
  if (!slices) return true;
  if (!find_sync_nodes(network, err)) return false;
  if (network->slicing.sync_count) network->instances = slices < max_n ? slices : max_n;
  return true;
}

bool dg_network_phased(const dg_network *network, uint32_t node) {
  return network->slicing.sync_count > 0 && couples_samples(&network->graph.nodes[node]);
}

/* ---- gradients of a stage ----------------------------------------------- */

/** [first, end) */
typedef struct {
  uint32_t first, end;
} range;

/** Where the gradients of a backward stage begin; parameters are in the order of their nodes. They
    include those of the coupling node before the stage's other nodes. */
static uint32_t learns_from(const dg_network *network, uint32_t stage) {
  const dg_graph *graph = &network->graph;
  uint32_t gap = network->slicing.sync_count - stage;
  uint32_t first = gap ? network->slicing.sync_nodes[gap - 1] : 0;
  for (uint32_t i = first; i < graph->node_count; i++)
    if (graph->nodes[i].plan.params) return graph->params[graph->nodes[i].first_param].offset;
  return network->learned;
}

/** The gradients of a backward stage: [first, end). */
static range learned_in(const dg_network *network, uint32_t stage) {
  return (range){learns_from(network, stage),
                 stage ? learns_from(network, stage - 1) : network->learned};
}

static dg_buffer *gradients_on(const dg_network *network, uint32_t level) {
  return level ? network->slicing.gradients[level - 1] : network->gradients;
}

/* ---- preparing and allocating ------------------------------------------- */

bool dg_network_slices_prepare(dg_network *network, bool runs, dg_error *err) {
  dg_slicing *s = &network->slicing;
  for (uint32_t k = 0; k < s->sync_count; k++)
    s->saved_floats +=
        dg_network_aligned(network, network->needs[s->sync_nodes[k]].saved / sizeof(float));
  if (!runs || s->levels == 1) return true;
  s->adds = calloc(s->sync_count + 1, sizeof *s->adds);
  if (!s->adds) return dg_fail_memory(err, (s->sync_count + 1) * sizeof *s->adds);
  for (uint32_t stage = 0; stage <= s->sync_count; stage++) {
    range learned = learned_in(network, stage);
    const dg_op_desc desc = {.kind = DG_OP_ACCUMULATE, .accumulate = {learned.end - learned.first}};
    if (learned.end > learned.first &&
        !dg_bound_prepare(&s->adds[stage], network->device, "accumulate", &desc, 1, true, err))
      return false;
  }
  return true;
}

/** Gradients of the levels above the first, and their views. */
static bool allocate_gradients(dg_network *network, dg_error *err) {
  dg_slicing *s = &network->slicing;
  const dg_device_calls *calls = network->device->calls;
  uint32_t more = s->levels - 1, params = network->graph.param_count;
  s->gradients = calloc(more, sizeof *s->gradients);
  s->grad_views = calloc((size_t)more * params + 1, sizeof *s->grad_views);
  if (!s->gradients || !s->grad_views)
    return dg_fail_memory(err, (size_t)more * params * sizeof *s->grad_views);
  for (uint32_t i = 0; i < more; i++) {
    dg_buffer **views = s->grad_views + (size_t)i * params;
    s->gradients[i] = calls->buffer_new(network->device, network->learned * sizeof(float), err);
    if (!s->gradients[i] || !dg_network_view_params(network, params, s->gradients[i], views, err))
      return false;
  }
  return true;
}

/** Views of the gradients of each stage, on every level. */
static bool view_learned(dg_network *network, dg_error *err) {
  dg_slicing *s = &network->slicing;
  size_t count = ((size_t)s->sync_count + 1) * s->levels;
  s->add_views = calloc(count, sizeof *s->add_views);
  if (!s->add_views) return dg_fail_memory(err, count * sizeof *s->add_views);
  for (uint32_t stage = 0; stage <= s->sync_count; stage++) {
    range learned = learned_in(network, stage);
    size_t bytes = (learned.end - learned.first) * sizeof(float);
    for (uint32_t level = 0; bytes && level < s->levels; level++) {
      dg_buffer **view = dg_network_add_view(network, stage, level);
      *view = network->device->calls->buffer_view(gradients_on(network, level),
                                                  learned.first * sizeof(float), bytes, err);
      if (!*view) return false;
    }
  }
  return true;
}

/** Buffers for what the coupling nodes save, on every level. */
static bool allocate_saved(dg_network *network, dg_error *err) {
  dg_slicing *s = &network->slicing;
  const dg_device_calls *calls = network->device->calls;
  size_t count = (size_t)s->levels * s->sync_count, offset = 0;
  s->saved_views = calloc(count, sizeof *s->saved_views);
  if (!s->saved_views) return dg_fail_memory(err, count * sizeof *s->saved_views);
  s->saved = calls->buffer_new(network->device, s->levels * s->saved_floats * sizeof(float), err);
  for (size_t i = 0; s->saved && i < count; i++) {
    size_t bytes = network->needs[s->sync_nodes[i % s->sync_count]].saved;
    s->saved_views[i] = calls->buffer_view(s->saved, offset, bytes, err);
    if (!s->saved_views[i]) return false;
    offset += dg_network_aligned(network, bytes / sizeof(float)) * sizeof(float);
  }
  return s->saved != NULL;
}

bool dg_network_slices_allocate(dg_network *network, dg_error *err) {
  return (network->slicing.levels == 1 ||
          (allocate_gradients(network, err) && view_learned(network, err))) &&
         (network->slicing.sync_count == 0 || allocate_saved(network, err));
}

size_t dg_network_slices_bytes(const dg_network *network) {
  const dg_slicing *s = &network->slicing;
  return (((size_t)s->levels - 1) * network->learned + s->levels * s->saved_floats) * sizeof(float);
}

static void free_all(const dg_network *network, dg_buffer **buffers, size_t count) {
  for (size_t i = 0; buffers && i < count; i++) network->device->calls->buffer_free(buffers[i]);
  free(buffers);
}

void dg_network_slices_release(dg_network *network) {
  dg_slicing *s = &network->slicing;
  size_t more = s->levels ? s->levels - 1 : 0;
  for (uint32_t i = 0; s->adds && i <= s->sync_count; i++) dg_bound_release(&s->adds[i]);
  free_all(network, s->add_views, ((size_t)s->sync_count + 1) * s->levels);
  free_all(network, s->grad_views, more * network->graph.param_count);
  free_all(network, s->gradients, more);
  free_all(network, s->saved_views, (size_t)s->levels * s->sync_count);
  network->device->calls->buffer_free(s->saved);
  free(s->adds);
  free(s->sync_nodes);
  *s = (dg_slicing){0};
}
