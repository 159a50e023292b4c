/** Builds the graph of a model that will run: lowers the model, then applies all passes in
    order. */
#ifndef DG_BUILD_H
#define DG_BUILD_H

#include "core/graph/passes.h"

/**
 * Builds the graph of a model, which must outlive it. `train`: for training. `layer`: the name of
 * the output layer; NULL: the last one. Passes make only changes that the predicate says can run.
 * Layers that don't fit are errors that name them, and leave the graph empty. Free with
 * dg_graph_free.
 */
bool dg_graph_build(dg_graph *graph, const dg_model *model, bool train, const char *layer,
                    const dg_op_predicate *can_run, dg_error *err);

#endif
