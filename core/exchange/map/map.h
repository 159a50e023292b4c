/** Which layer of a file is which of the model. */
#ifndef DG_MAP_H
#define DG_MAP_H

#include "core/exchange/arrays.h"
#include "core/graph/model_graph.h"
#include "digits/exchange.h"

/**
 * Makes `ours`, all parameters and running statistics of the network in its order, of what a file
 * holds:
 *   1. what options->names says is renamed, dropped, added up or transposed, and numbers that no
 *      network needs (PyTorch's num_batches_tracked, Keras's random seeds) are left out;
 *   2. what all names begin with is put aside; layers of the same name are taken, then those whose
 *      names end in ours as no other's do;
 *   3. tensors whose names tell no layer are taken by their order;
 *   4. the layers that are left are taken by order, where every one then fits, else by shape. Of
 *      several that fit the same, the file's order decides, or numbers in names that are alike but
 *      for them; else it is an error;
 *   5. where layers that were taken by order could be exchanged, and the numbers in their names,
 *      names of ours in them, or the places of those taken by name say another order, it is an
 *      error too.
 * If that fails, it is tried with all matrices transposed, as turn.h says. Tensors that were not
 * read, and integers, are left out where the network has no place for them. `theirs` is changed.
 * What is put into `ours` stays the caller's to free also on failure.
 */
bool dg_map_arrays(const dg_model_graph *graph, dg_arrays *theirs,
                   const dg_convert_options *options, dg_arrays *ours, dg_error *err);

#endif
