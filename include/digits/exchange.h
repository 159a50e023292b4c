/**
 * Conversion of weights from and to the files of other programs. This is a separate library,
 * digits-exchange (pkg-config: digits-exchange, CMake: digits::exchange), so that programs that
 * only train and predict don't link the libraries for these formats.
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

/** A tensor or layer of a weight file and its name in the model. This struct won't grow. */
typedef struct {
  const char *theirs; /**< "A+B": the sum of the tensors A and B; "A^T": as in `ours` */
  const char *ours;   /**< empty: it is skipped; "B^T": it is our B transposed */
} dg_name_pair;

/** Options of dg_weights_convert. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;        /**< sizeof(dg_convert_options) */
  const char *from;   /**< "pytorch", "hdf5", "npz", "safetensors"; NULL: by the extension */
  const char *to;     /**< "safetensors", "npz", "onnx"; NULL: by the extension */
  const char *layout; /**< order of dimensions in the input, "pytorch" or "keras"; NULL: guessed
                         from its names */
  const dg_name_pair *names;
  size_t name_count;
  void *user;
  /** Called for each tensor: its name in the file (NULL: none), its name in the model (NULL: none,
      the tensor is skipped), and why they were matched. */
  void (*mapped)(void *user, const char *theirs, const char *ours, const char *how);
  /** Read HDF5 in this process. By default a child process (fork) with limits on memory and time
      reads it, since the HDF5 library is not safe against hostile files. Set this only if a program
      must not fork, and only for files that you trust. */
  bool trust_hdf5;
  /** Which weights of a file that has several: the names under which they are, such as "ema" or
      "averaged.model", one in the other. NULL: those under a usual name ("state_dict", "model", …),
      else those at the top; averaged weights are never taken without a key. */
  const char *key;
} dg_convert_options;

/**
 * Reads the weights of a network from `input` and writes them to `output`: from PyTorch's .pth and
 * .pt, Keras's .h5, numpy's .npz and safetensors, to safetensors, .npz and ONNX. `model` NULL: the
 * one that the input contains. `options` NULL: the defaults. Layers with other names are matched by
 * order and shape. Matrices that fit only transposed are transposed, if no other order is possible
 * then. It is an error, which names the layer or tensor, if there are two ways to match, if the
 * names suggest another order, or if something is missing or left over. Tensors that can't be read
 * (text, complex numbers) and integers are left out unless they are needed. A format whose library
 * is missing in this build is an error too. Several threads may convert at the same time.
 */
DG_API bool dg_weights_convert(const char *input, const char *output, const dg_model *model,
                               const dg_convert_options *options, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
