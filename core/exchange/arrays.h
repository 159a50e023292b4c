/** Named tensors that are converted from one format of weight files to another. */
#ifndef DG_ARRAYS_H
#define DG_ARRAYS_H

#include "core/base/error.h"
#include "core/weights/element.h"
#include "core/weights/safetensors.h"

/** The framework whose shapes and orders the numbers have. */
typedef enum {
  DG_LAYOUT_PYTORCH, /**< also used here */
  DG_LAYOUT_KERAS,
} dg_layout;

enum { DG_LABEL_SIZE = 64 };

/** One tensor, as float32. */
typedef struct {
  char *name;
  char label[DG_LABEL_SIZE]; /**< another name of its layer, by which it may be found; or empty */
  size_t layer; /**< length of the layer's name within the name; 0: it names no layer */
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK];
  uint64_t count; /**< numbers */
  float *data;
  bool integer;        /**< they were integers in the file */
  bool told;           /**< named by the caller */
  uint32_t origin;     /**< 1 + its layer in the settings of the file; 0: not known */
  bool channels_first; /**< Keras's, of an image with channels first */
} dg_array;

enum { DG_SETTINGS_SIZE = 1 << 22 }; /**< most bytes of Keras's settings */

/** The content of a file. Everything is owned. */
typedef struct {
  const char *path;  /**< for messages; of the caller */
  const void *image; /**< the HDF5 file, unpacked; NULL: it is at the path */
  size_t image_size;
  size_t count, capacity;
  dg_array *items;
  uint64_t floats; /**< in all of them */
  uint64_t most;   /**< limit on them; 0: the limit for all weights */
  bool trusted; /**< the file may be read without guards, as dg_convert_options.trust_hdf5 says */
  dg_layout layout;
  bool ordered;         /**< the file keeps the order in which the layers were made */
  char *settings;       /**< Keras's description of the network, JSON, or NULL */
  uint32_t empty_norms; /**< layer norms of the network that have no tensors */
  uint32_t keras;       /**< version of Keras that wrote the file: 2, 3; 0: not known */
  char *model;          /**< the model file in it, or NULL */
  char *classes;        /**< the names of the classes in it, one per line, or NULL */
} dg_arrays;

/**
 * Sets the limit of numbers for a file of so many bytes: real weights pack only so well, and are
 * not one number repeated.
 */
void dg_arrays_bound(dg_arrays *arrays, uint64_t bytes);

/**
 * Adds a tensor of zeros. Its layer is the part of the name before the last '.' or '/'. NULL: an
 * invalid name or size, or out of memory. The pointer is valid until the next one is added.
 */
dg_array *dg_arrays_add(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                        bool integer, dg_error *err);

/** Fills a tensor from contiguous numbers in row-major order. */
void dg_array_fill(dg_array *array, dg_element element, const unsigned char *from);

/** Removes tensor number `i`. */
void dg_arrays_drop(dg_arrays *arrays, size_t i);

void dg_arrays_free(dg_arrays *arrays);

/** Text of a shape: `[16, 1, 3, 3]`. Returns `text`. */
char *dg_array_shape(uint32_t rank, const uint64_t *dim, char *text, size_t capacity);

#endif
