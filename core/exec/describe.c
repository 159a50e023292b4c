/** Describes a network as text: layers, shapes, parameters, operations and memory. */

#include "core/base/file/writer.h"
#include "core/exec/internal.h"
#include "digits/bench.h"

static uint64_t params_of(const dg_network *network, const dg_node *node) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < node->plan.params; i++)
    count += network->graph.params[node->first_param + i].count;
  return count;
}

static void describe_nodes(const dg_network *network, dg_writer *w) {
  double total = 0;
  dg_write(w, "%-14s %-36s %-16s %12s %14s\n", "layer", "op", "output", "parameters", "operations");
  for (uint32_t i = 0; i < network->graph.node_count; i++) {
    const dg_node *node = &network->graph.nodes[i];
    double count = dg_network_cost(network, i).forward_operations;
    char shape[64], op[DG_COST_NAME];
    dg_network_op_text(network, i, op);
    dg_write(w, "%-14s %-36s %-16s %12llu %14.0f\n", node->layer->name, op,
             dg_shape_text(&node->plan.out, shape, sizeof shape),
             (unsigned long long)params_of(network, node), count);
    total += count;
  }
  dg_write(w, "%-68s %12llu %14.0f\n", "in all",
           (unsigned long long)dg_network_parameter_count(network), total);
}

static double mebibytes(size_t bytes) {
  return (double)bytes / (1 << 20);
}

static void describe_memory(const dg_network *network, dg_writer *w) {
  size_t params = network->floats * sizeof(float);
  dg_write(w, "\n%s, %u samples a %s, on the device\n", network->train ? "training" : "testing",
           network->max_n, network->sliced ? "slice" : "step");
  dg_write(w, "  parameters                              %10.2f MiB\n", mebibytes(params));
  if (network->train)
    dg_write(w, "  gradients                               %10.2f MiB\n",
             mebibytes(network->learned * sizeof(float) + dg_network_slices_bytes(network)));
  dg_write(w, "  activations, gradients and workspaces   %10.2f MiB (%.2f without sharing)\n",
           mebibytes(dg_network_arena(network)),
           mebibytes(network->instances * dg_network_unshared(network)));
}

/** Plans a network, describes it, and frees it. */
static bool describe_planned(const dg_model *model, dg_device *device, bool train, dg_writer *w,
                             dg_error *err) {
  dg_network *network = dg_network_plan(model, device, model->train.batch, train, err);
  if (!network) return false;
  if (train) describe_nodes(network, w);
  describe_memory(network, w);
  dg_network_free(network);
  return true;
}

bool dg_model_describe(const dg_model *model, dg_device *device, char *text, size_t capacity,
                       size_t *length, dg_error *err) {
  dg_writer w = {text, capacity, 0};
  char shape[64];
  dg_write(&w, "%s: input %s, batch %u, on %s: %s\n\n", model->name,
           dg_shape_text(&model->input, shape, sizeof shape), model->train.batch, device->backend,
           device->info.name);
  bool ok = describe_planned(model, device, true, &w, err) &&
            describe_planned(model, device, false, &w, err);
  *length = w.used;
  return ok;
}
