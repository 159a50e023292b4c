/** A model as the graph that is run: lowered, then all passes in their order. */
#ifndef DG_BUILD_H
#define DG_BUILD_H

#include "core/graph/passes.h"

/**
 * Builds the graph of a model, which must outlive it; `train`: one that trains; `layer`: its output
 * is what the layer of that name gives, NULL: the last one. Passes change only what can be run
 * then. Layers that don't fit are errors that name them, and leave the graph empty. Free with
 * dg_graph_free.
 */
bool dg_graph_build(dg_graph *graph, const dg_model *model, bool train, const char *layer,
                    const dg_op_predicate *can_run, dg_error *err);

#endif
