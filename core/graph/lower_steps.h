/**
 * Sequences of unequal length in a graph that is being made. A tensor of sequences has their
 * lengths beside it, one number a sample, and beyond them what is of no meaning: before a layer
 * reads there, it is cleared.
 */
#ifndef DG_LOWER_STEPS_H
#define DG_LOWER_STEPS_H

#include "core/graph/lowering.h"

/** The lengths of the network's input. */
dg_lengths *dg_lower_lengths(dg_lowering *l);

/** Adds the nodes of a layer that reads sequences with lengths; `node` is its own, planned. A layer
    that doesn't know lengths is an error. */
bool dg_lower_sequence(dg_lowering *l, dg_node *node, const dg_layer_output *const *in,
                       dg_layer_output *out, dg_error *err);

#endif
