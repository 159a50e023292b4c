#include "core/graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/graph/lower.h"

static bool run_passes(dg_graph *graph, bool train, const dg_op_predicate *can_run, dg_error *err) {
  dg_graph_fuse(graph, can_run);
  if (train) {
    dg_graph_fuse_statistics(graph, can_run);
    dg_graph_direct_gradients(graph);
  } else if (!dg_graph_fold(graph, can_run, err)) {
    return false;
  }
  return dg_graph_check_sizes(graph, err);
}

/** Finds a layer by its name; an unknown one is an error that suggests the nearest known one. */
static bool find_layer(const dg_model *model, const char *name, uint32_t *index, dg_error *err) {
  const char *names[DG_MODEL_LAYERS];
  for (*index = 0; *index < model->layer_count; ++*index) {
    names[*index] = model->layers[*index].name;
    if (strcmp(names[*index], name) == 0) return true;
  }
  const char *near = dg_nearest(name, names, model->layer_count);
  return dg_fail(err, DG_ERR_INPUT, "%s: there is no layer \"%.60s\"%s%s%s", model->path, name,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool lower(dg_graph *graph, const dg_model *model, const char *layer, dg_error *err) {
  uint32_t index = 0, tensor;
  *graph = (dg_graph){0};
  if (!layer) return dg_graph_lower(graph, model, NULL, err);
  uint32_t *tensors = calloc(model->layer_count, sizeof *tensors);
  if (!tensors) return dg_fail_memory(err, model->layer_count * sizeof *tensors);
  bool done = find_layer(model, layer, &index, err) && dg_graph_lower(graph, model, tensors, err);
  tensor = tensors[index];
  free(tensors);
  if (done && dg_graph_cut(graph, tensor, err)) return true;
  dg_graph_free(graph);
  return false;
}

bool dg_graph_build(dg_graph *graph, const dg_model *model, bool train, const char *layer,
                    const dg_op_predicate *can_run, dg_error *err) {
  if (!lower(graph, model, layer, err)) return false;
  if (run_passes(graph, train, can_run, err)) return true;
  dg_graph_free(graph);
  return false;
}
