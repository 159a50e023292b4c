#include "core/graph/build.h"

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

bool dg_graph_build(dg_graph *graph, const dg_model *model, bool train,
                    const dg_op_predicate *can_run, dg_error *err) {
  if (!dg_graph_lower(graph, model, err)) return false;
  if (run_passes(graph, train, can_run, err)) return true;
  dg_graph_free(graph);
  return false;
}
