/**
 * The parameters of products that batch norms were folded into (core/graph/fold.c). The original
 * parameters are unchanged; the folded ones are in a separate buffer and are recomputed whenever
 * parameters are written.
 */
#include <math.h>
#include <stdlib.h>

#include "core/exec/internal.h"

static size_t add_floats(dg_network *network, uint32_t count) {
  size_t offset = network->folded_floats;
  network->folded_floats += dg_network_aligned(network, count);
  return offset;
}

/** The weight of a fold's product. */
static const dg_param *weight_of(const dg_graph *graph, const dg_fold *fold) {
  return &graph->params[graph->nodes[fold->node].first_param];
}

bool dg_network_fold_place(dg_network *network, dg_error *err) {
  const dg_graph *graph = &network->graph;
  if (graph->fold_count == 0) return true;
  network->folds = calloc(graph->fold_count, sizeof *network->folds);
  if (!network->folds) return dg_fail_memory(err, graph->fold_count * sizeof *network->folds);
  for (uint32_t i = 0; i < graph->fold_count; i++) {
    const dg_fold *fold = &graph->folds[i];
    network->folds[i].weight_offset = add_floats(network, weight_of(graph, fold)->count);
    network->folds[i].bias_offset = add_floats(network, graph->params[fold->scale].count);
  }
  return true;
}

bool dg_network_fold_bind(dg_network *network, dg_error *err) {
  const dg_device_calls *calls = network->device->calls;
  const dg_graph *graph = &network->graph;
  if (graph->fold_count == 0) return true;
  size_t bytes = network->folded_floats * sizeof(float);
  network->folded = dg_network_shares_folds(network)
                        ? network->owner->folded
                        : calls->buffer_new(network->device, bytes, err);
  if (!network->folded) return false;
  for (uint32_t i = 0; i < graph->fold_count; i++) {
    const dg_fold *fold = &graph->folds[i];
    dg_folded *f = &network->folds[i];
    f->views[0] = calls->buffer_view(network->folded, f->weight_offset * sizeof(float),
                                     weight_of(graph, fold)->count * sizeof(float), err);
    f->views[1] = calls->buffer_view(network->folded, f->bias_offset * sizeof(float),
                                     graph->params[fold->scale].count * sizeof(float), err);
    if (!f->views[0] || !f->views[1]) return false;
    for (int k = 0; k < 2; k++) network->ops[fold->node].buffers.param[k] = f->views[k];
  }
  return true;
}

/** weight' = weight s and bias' = shift + (bias - mean) s, where s = scale / sqrt(var + eps). */
static void fold_values(const dg_graph *graph, const dg_fold *fold, const dg_folded *f,
                        const float *values, float *folded) {
  const dg_param *weights = weight_of(graph, fold), *norm = &graph->params[fold->scale],
                 *running = &graph->params[fold->running];
  bool biased = graph->nodes[fold->node].plan.params > 1;
  const float *weight = values + weights->offset,
              *bias = biased ? values + weights[1].offset : NULL;
  const float *scale = values + norm[0].offset, *shift = values + norm[1].offset;
  const float *mean = values + running[0].offset, *var = values + running[1].offset;
  size_t channels = norm->count, fan_in = weights->count / channels;
  for (size_t c = 0; c < channels; c++) {
    double s = (double)scale[c] / sqrt((double)var[c] + (double)fold->eps);
    double before = bias ? (double)bias[c] : 0;
    folded[f->bias_offset + c] = (float)((double)shift[c] + (before - (double)mean[c]) * s);
    for (size_t i = c * fan_in; i < (c + 1) * fan_in; i++)
      folded[f->weight_offset + i] = (float)((double)weight[i] * s);
  }
}

bool dg_network_fold_write(dg_network *network, const float *values, dg_error *err) {
  const dg_graph *graph = &network->graph;
  if (graph->fold_count == 0) return true;
  size_t bytes = network->folded_floats * sizeof(float);
  float *folded = calloc(1, bytes);
  if (!folded) return dg_fail_memory(err, bytes);
  for (uint32_t i = 0; i < graph->fold_count; i++)
    fold_values(graph, &graph->folds[i], &network->folds[i], values, folded);
  bool ok = network->device->calls->write(network->folded, 0, folded, bytes, err);
  free(folded);
  return ok;
}

void dg_network_fold_release(dg_network *network) {
  const dg_device_calls *calls = network->device->calls;
  for (uint32_t i = 0; network->folds && i < network->graph.fold_count; i++)
    for (int k = 0; k < 2; k++) calls->buffer_free(network->folds[i].views[k]);
  if (!dg_network_shares_folds(network)) calls->buffer_free(network->folded);
  free(network->folds);
}
