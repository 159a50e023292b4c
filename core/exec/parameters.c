/** Offsets of parameters and running statistics in their buffer, aligned as views need it. */
#include "core/base/size.h"
#include "core/exec/internal.h"
#include "core/graph/plan_layer.h"

static bool fail_large(const dg_param *param, dg_error *err) {
  dg_fail(err, DG_ERR_INPUT,
          "the network would have more than %d parameters, with the gaps between them",
          DG_SIZE_NUMBERS);
  return dg_name_layer(param->layer, err);
}

bool dg_network_place_params(dg_network *network, dg_error *err) {
  dg_graph *graph = &network->graph;
  size_t end = 0;
  for (uint32_t i = 0; i < dg_network_params(network); i++) {
    dg_param *param = &graph->params[i];
    param->offset = (uint32_t)end;
    end += dg_network_aligned(network, param->count);
    if (!dg_size_fits(end)) return fail_large(param, err);
    if (i < graph->param_count) network->learned = (uint32_t)end;
  }
  network->floats = (uint32_t)end;
  return true;
}

bool dg_network_view_params(dg_network *network, uint32_t count, dg_buffer *buffer,
                            dg_buffer **views, dg_error *err) {
  for (uint32_t i = 0; i < count; i++) {
    const dg_param *param = &network->graph.params[i];
    views[i] = network->device->calls->buffer_view(buffer, param->offset * sizeof(float),
                                                   param->count * sizeof(float), err);
    if (!views[i]) return false;
  }
  return true;
}
