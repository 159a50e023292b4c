/** Named tensors that are converted from one format of weight files to another. */
#ifndef DG_ARRAYS_H
#define DG_ARRAYS_H

#include "core/base/error.h"
#include "core/formats/element.h"
#include "core/weights/safetensors.h"

/** The framework whose shapes and orders the numbers have. */
typedef enum {
  DG_LAYOUT_PYTORCH, /**< also used here */
  DG_LAYOUT_KERAS,
} dg_layout;

enum { DG_LABEL_SIZE = 64 };

/** One tensor, as float32; or one that is not read, such as text. */
typedef struct {
  char *name;
  char label[DG_LABEL_SIZE]; /**< another name of its layer, by which it may be found; or empty */
  char *unread;              /**< why it was not read: "has the type <U5, ..."; NULL: it was */
  size_t layer; /**< length of the layer's name within the name; 0: it names no layer */
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK];
  uint64_t count; /**< numbers; 0 if it was not read */
  float *data;
  bool integer;        /**< they were integers in the file */
  bool told;           /**< named by the caller */
  bool transposed;     /**< on the caller's word */
  bool turned;         /**< transposed because its shape fits no other way */
  bool summed;         /**< the sum of several, on the caller's word */
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
  char *columns;        /**< those of the table that was learned, as text, or NULL */
  char *classes;        /**< the names of the classes in it, one per line, or NULL */
  double temperature;   /**< see core/weights/temperature.h; 0: none */
  const char *key; /**< what to read of the file, of the caller; a reader that follows a part of it
                      steps over that part; NULL: everything */
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

/**
 * Adds a tensor that is not read, and why, behind its name: "has the type <U5". It is an error only
 * if the network needs it. `dim` NULL: its shape is unknown.
 */
bool dg_arrays_add_unread(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                          const char *why, dg_error *err);

/** Fills a tensor from contiguous numbers in row-major order. */
void dg_array_fill(dg_array *array, dg_element element, const unsigned char *from);

/** May a tensor be left out where the network has no place for it? So it is with those that were
   not read, and with integers, which no weights are, unless the caller named it. */
bool dg_array_spare(const dg_array *array);

/** Exchanges the dimensions of a matrix. */
bool dg_array_transpose(dg_array *array, dg_error *err);

/** Removes tensor number `i`. */
void dg_arrays_drop(dg_arrays *arrays, size_t i);

/** Gives a tensor another name, the first `part` bytes of which become `to`. */
bool dg_array_rename(dg_array *array, size_t part, const char *to, dg_error *err);

/** Keeps the tensors whose names begin with `key` and '.' or '/', without these; none: an error. */
bool dg_arrays_choose(dg_arrays *arrays, const char *key, dg_error *err);

void dg_arrays_free(dg_arrays *arrays);

/** Text of a shape: `[16, 1, 3, 3]`. Returns `text`. */
char *dg_array_shape(uint32_t rank, const uint64_t *dim, char *text, size_t capacity);

#endif
