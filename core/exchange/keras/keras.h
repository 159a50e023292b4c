/** What the settings in a file of Keras say about its tensors and about our model. */
#ifndef DG_KERAS_H
#define DG_KERAS_H

#include "core/exchange/arrays.h"
#include "core/exchange/keras/network.h"
#include "core/graph/model_graph.h"
#include "digits/exchange.h"

/**
 * Finds the layer of each tensor (`origin`), names those that have only numbers in the file, and
 * puts all into the order of the network.
 */
bool dg_keras_place(const dg_keras_network *network, dg_arrays *arrays, dg_error *err);

/**
 * Compares the network of the file with ours, from the outputs to the inputs, after `ours` were
 * mapped. Every difference that changes answers is reported as `options` say. It is an error if a
 * layer's tensors went to a layer that stands elsewhere in our network.
 */
bool dg_keras_compare(const dg_keras_network *network, const dg_model_graph *graph,
                      const dg_model *model, const dg_arrays *ours, const char *path,
                      const dg_convert_options *options, dg_error *err);

/** For a file of Keras without settings: reports that, and norms whose eps is not its default. */
void dg_keras_doubt(const dg_model_graph *graph, const dg_convert_options *options);

#endif
