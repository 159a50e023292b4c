/**
 * Weights from and for other programs' files. This is a library of its own, digits-exchange
 * (pkg-config's digits-exchange, CMake's digits::exchange), so that programs that only train and
 * predict don't link what such files need.
 */
#ifndef DIGITS_EXCHANGE_H
#define DIGITS_EXCHANGE_H

#include <stddef.h>

#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tensor or layer of a weight file and what it is called in the model. This struct won't grow.
 */
typedef struct {
  const char *theirs;
  const char *ours; /**< empty: it is left out */
} dg_name_pair;

/** How to convert. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;        /**< sizeof(dg_convert_options) */
  const char *from;   /**< "pytorch", "hdf5", "npz", "safetensors"; NULL: by the extension */
  const char *to;     /**< "safetensors", "npz", "onnx"; NULL: by the extension */
  const char *layout; /**< whose orders the input has, "pytorch" or "keras"; NULL: by its names */
  const dg_name_pair *names;
  size_t name_count;
  void *user;
  /** Called for each tensor: what of the file (NULL: nothing) makes what of the model (NULL:
      nothing, it is left out), and why. */
  void (*mapped)(void *user, const char *theirs, const char *ours, const char *how);
  /** Read HDF5 in this process. By default a child process reads it (fork), which has limits of
      memory and time, since the HDF5 library does not withstand hostile files. Only for files that
      you trust, where a program must not fork. */
  bool trust_hdf5;
} dg_convert_options;

/**
 * Reads the weights of a network from `input` and writes them to `output`: from PyTorch's .pth
 * and .pt, Keras's .h5, numpy's .npz and safetensors, to safetensors, .npz and ONNX. `model`
 * NULL: the one that the input carries. `options` NULL: the defaults. Layers of other names are
 * mapped by order and shape; where that can be done in two ways, names say another order, or
 * something is missing or left over, it is an error that names it. The libraries that a format
 * needs may be missing in a build: an error too. Several threads may convert at the same time.
 */
DG_API bool dg_weights_convert(const char *input, const char *output, const dg_model *model,
                               const dg_convert_options *options, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
