/**
 * A step in stages, for batches in slices. The caller reduces the results of the slices along a
 * tree (core/parallel/tree.h).
 */
#include "core/exec/internal.h"

/** Nodes [first, end). */
typedef struct {
  uint32_t first, end;
} range;

/** The nodes between two coupling nodes; `gap` 0 is before the first one. */
static range nodes_between(const dg_network *network, uint32_t gap) {
  const dg_slicing *s = &network->slicing;
  return (range){gap ? s->sync_nodes[gap - 1] + 1 : 0,
                 gap < s->sync_count ? s->sync_nodes[gap] : network->graph.node_count};
}

/** The buffers of a node for a slice: `own` with the buffers of a level. */
static dg_op_buffers buffers_on(const dg_network *network, uint32_t node,
                                const dg_network_part *part, dg_op_buffers own) {
  const dg_node *n = &network->graph.nodes[node];
  if (part->level)
    for (uint32_t k = 0; k < n->plan.params; k++)
      own.d_param[k] =
          network->slicing.grad_views[(size_t)(part->level - 1) * network->graph.param_count +
                                      n->first_param + k];
  return own;
}

static dg_bound_op *op_of(const dg_network *network, uint32_t node, uint32_t instance) {
  return &network->ops[(size_t)instance * network->graph.node_count + node];
}

/** Enqueues the op of a node. */
static bool enqueue(const dg_network *network, uint32_t node, bool backward,
                    const dg_op_buffers *buffers, const dg_step *step, dg_error *err) {
  const dg_device_calls *calls = network->device->calls;
  dg_op *op = network->ops[node].op;
  return (backward ? calls->backward : calls->forward)(op, buffers, step, err) ||
         dg_network_name_layer(network, node, err);
}

/** Runs a node for a slice. */
static bool run(const dg_network *network, uint32_t node, bool backward,
                const dg_network_part *part, const dg_step *step, dg_error *err) {
  const dg_bound_op *op = op_of(network, node, part->instance);
  if (backward && !network->graph.nodes[node].wants_backward) return true;
  const dg_op_buffers b = buffers_on(network, node, part, backward ? op->backward : op->buffers);
  return enqueue(network, node, backward, &b, step, err);
}

static dg_buffer *saved_on(const dg_network *network, uint32_t sync, uint32_t level) {
  return network->slicing.saved_views[(size_t)level * network->slicing.sync_count + sync];
}

/** Runs a phase of coupling node `sync` for a slice. Results that forward collects are on the
    slice's level, merged ones on the batch's; the same holds for gradients. */
static bool run_phase(const dg_network *network, uint32_t sync, bool backward, dg_phase phase,
                      const dg_network_part *part, const dg_step *step, dg_error *err) {
  uint32_t node = network->slicing.sync_nodes[sync];
  const dg_bound_op *op = op_of(network, node, part->instance);
  dg_network_part where = *part;
  dg_step s = *step;
  s.phase = phase;
  if (phase != DG_PHASE_COLLECT) where.level = part->root;
  dg_op_buffers b = buffers_on(network, node, &where, backward ? op->backward : op->buffers);
  b.saved = saved_on(network, sync, backward ? part->root : where.level);
  if (phase == DG_PHASE_MERGE) b.other = saved_on(network, sync, part->root + 1);
  return enqueue(network, node, backward, &b, &s, err);
}

bool dg_network_forward_stage(dg_network *network, uint32_t stage, const dg_network_part *part,
                              const dg_step *step, dg_error *err) {
  range nodes = nodes_between(network, stage);
  if (stage && !run_phase(network, stage - 1, false, DG_PHASE_APPLY, part, step, err)) return false;
  for (uint32_t i = nodes.first; i < nodes.end; i++)
    if (!run(network, i, false, part, step, err)) return false;
  return stage == network->slicing.sync_count ||
         run_phase(network, stage, false, DG_PHASE_COLLECT, part, step, err);
}

bool dg_network_backward_stage(dg_network *network, uint32_t stage, const dg_network_part *part,
                               const dg_step *step, dg_error *err) {
  uint32_t gap = network->slicing.sync_count - stage;
  range nodes = nodes_between(network, gap);
  if (stage && !run_phase(network, gap, true, DG_PHASE_APPLY, part, step, err)) return false;
  for (uint32_t i = nodes.end; i-- > nodes.first;)
    if (!run(network, i, true, part, step, err)) return false;
  return gap == 0 || run_phase(network, gap - 1, true, DG_PHASE_COLLECT, part, step, err);
}

bool dg_network_merge_forward(dg_network *network, uint32_t stage, uint32_t level,
                              const dg_step *step, dg_error *err) {
  const dg_network_part part = {.level = level, .root = level};
  return stage >= network->slicing.sync_count ||
         run_phase(network, stage, false, DG_PHASE_MERGE, &part, step, err);
}

bool dg_network_finish_forward(dg_network *network, uint32_t stage, uint32_t level,
                               const dg_step *step, dg_error *err) {
  const dg_network_part part = {.level = level, .root = level};
  return stage >= network->slicing.sync_count ||
         run_phase(network, stage, false, DG_PHASE_FINISH, &part, step, err);
}

bool dg_network_reduce_backward(dg_network *network, uint32_t stage, uint32_t level,
                                const dg_step *step, dg_error *err) {
  dg_bound_op *add = &network->slicing.adds[stage];
  if (!add->op) return true;
  dg_op_buffers b = add->buffers;
  b.in[0] = *dg_network_add_view(network, stage, level + 1);
  b.out[0] = *dg_network_add_view(network, stage, level);
  return network->device->calls->forward(add->op, &b, step, err);
}
