/** The parameters of a network in a weight file, named and shaped as PyTorch names and shapes them.
 */
#ifndef DG_WEIGHTS_H
#define DG_WEIGHTS_H

#include "core/network/network.h"

/** Writes all parameters, with the effective model file in the metadata. */
bool dg_weights_save(dg_network *network, const dg_model *model, const char *path, dg_error *err);

/**
 * Reads all parameters and states; PyTorch's num_batches_tracked is passed over. A file whose
 * tensors are not just the network's, by name and shape, is an error that names the first that
 * differs; the network is then as it was.
 */
bool dg_weights_load(dg_network *network, const char *path, dg_error *err);

#endif
