/**
 * Readers and writers of weight files. A reader fills `arrays`, of which only the path is set, with
 * every tensor of the file; the caller frees them, also after a failure. A file that is damaged, or
 * exceeds the limits for weights, is an error.
 */
#ifndef DG_FILES_H
#define DG_FILES_H

#include "core/exchange/arrays.h"
#include "core/graph/model_graph.h"
#include "core/model/model.h"

/** Safetensors of digits, PyTorch and others; integers and half floats become float32. */
bool dg_read_safetensors(dg_arrays *arrays, dg_error *err);
/** State dicts as torch.save writes them: a zip file with a pickle, or a pickle before PyTorch 1.6.
   Big-endian numbers are byte-swapped. */
bool dg_read_pytorch(dg_arrays *arrays, dg_error *err);
/** numpy's .npz: a zip file of arrays. */
bool dg_read_npz(dg_arrays *arrays, dg_error *err);
/**
 * Keras's .h5 and .weights.h5, and data sets of any HDF5 file, read in a child process with limits
 * on time and memory. Links other than hard ones are an error, so no other file is opened.
 */
bool dg_read_hdf5(dg_arrays *arrays, dg_error *err);
/** Keras 3's .keras: a zip file of settings (JSON) and an HDF5 file, which is read like any other.
 */
bool dg_read_keras(dg_arrays *arrays, dg_error *err);

/**
 * The writers. `arrays` are all parameters and running statistics of the network, in its order, as
 * dg_map_arrays makes them. An old file is replaced only when the new one is complete.
 */
bool dg_write_safetensors(const char *path, const dg_model *model, const dg_model_graph *graph,
                          const dg_arrays *arrays, dg_error *err);
/** The model is stored in the zip file's comment. */
bool dg_write_npz(const char *path, const dg_model *model, const dg_model_graph *graph,
                  const dg_arrays *arrays, dg_error *err);
/**
 * The whole network for inference. Its input "image" [N, channels, height, width] is bytes / 255;
 * mean and deviation are in the graph. Its output is "logits" [N, classes].
 */
bool dg_write_onnx(const char *path, const dg_model *model, const dg_model_graph *graph,
                   const dg_arrays *arrays, dg_error *err);

#endif
