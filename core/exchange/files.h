/**
 * Weight files: a reader and a writer for each format. Each fills `arrays`, whose path is set and
 * all else empty, with every tensor that the file has; what they add stays the caller's to free
 * also where they fail. A file that is damaged, or asks for more than weights need, is an error.
 */
#ifndef DG_FILES_H
#define DG_FILES_H

#include "core/exchange/arrays.h"
#include "core/graph/model_graph.h"
#include "core/model/model.h"

/** Safetensors of digits, PyTorch and others; whole and half numbers become float32. */
bool dg_read_safetensors(dg_arrays *arrays, dg_error *err);
/** State dicts as torch.save writes them since PyTorch 1.6: a zip file with a pickle. Numbers of
    big-endian machines are turned round. */
bool dg_read_pytorch(dg_arrays *arrays, dg_error *err);
/** numpy's .npz: a zip file of arrays. */
bool dg_read_npz(dg_arrays *arrays, dg_error *err);
/**
 * Keras's .h5 and .weights.h5, and data sets of any HDF5 file, by a process of its own with limits
 * of time and memory. Links other than hard ones are an error: nothing else is opened.
 */
bool dg_read_hdf5(dg_arrays *arrays, dg_error *err);

/**
 * The writers: `arrays` are the network's parameters and running statistics, all of them, in its
 * order, as dg_map_arrays makes them. The old file stays until the new one is whole.
 */
bool dg_write_safetensors(const char *path, const dg_model *model, const dg_model_graph *graph,
                          const dg_arrays *arrays, dg_error *err);
/** The model travels in the zip file's comment. */
bool dg_write_npz(const char *path, const dg_model *model, const dg_model_graph *graph,
                  const dg_arrays *arrays, dg_error *err);
/**
 * The whole network as it tests. Its input "image" [N, channels, height, width] is bytes / 255;
 * mean and deviation are in the graph. Its output is "logits" [N, classes].
 */
bool dg_write_onnx(const char *path, const dg_model *model, const dg_model_graph *graph,
                   const dg_arrays *arrays, dg_error *err);

#endif
