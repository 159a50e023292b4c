/** Numbers with names, on their way from one format of weight files to another. */
#ifndef DG_ARRAYS_H
#define DG_ARRAYS_H

#include "core/base/error.h"
#include "core/weights/element.h"
#include "core/weights/safetensors.h"

/** Whose shapes and orders numbers have. */
typedef enum {
  DG_LAYOUT_PYTORCH, /**< and ours */
  DG_LAYOUT_KERAS,
} dg_layout;

/** One tensor, as float32. */
typedef struct {
  char *name;
  size_t layer; /**< bytes of the name that name the layer; 0: the name tells none */
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK];
  uint64_t count; /**< numbers */
  float *data;
  bool integer; /**< they were whole numbers in the file */
  bool told;    /**< the caller has named it */
} dg_array;

/** What a file holds. All is owned. */
typedef struct {
  const char *path; /**< for messages; of the caller */
  size_t count, capacity;
  dg_array *items;
  uint64_t floats; /**< in all of them */
  uint64_t most;   /**< numbers that they may have; 0: as many as any weights */
  bool trusted; /**< the file may be read without guards, as dg_convert_options.trust_hdf5 says */
  dg_layout layout;
  bool ordered;  /**< the file keeps the order in which the layers were made */
  char *model;   /**< the model file that it carries, or NULL */
  char *classes; /**< the names of the classes that it carries, a line each, or NULL */
} dg_arrays;

/**
 * Sets how many numbers a file of so many bytes may make: packing makes weights smaller, not
 * nothing, and a tensor that says one number over and over is none either.
 */
void dg_arrays_bound(dg_arrays *arrays, uint64_t bytes);

/**
 * Adds a tensor, its numbers 0, its layer what stands before the last '.' or '/' of its name.
 * NULL: a name or size that no weights have, or out of memory. The pointer is good until the next
 * one is added.
 */
dg_array *dg_arrays_add(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                        bool integer, dg_error *err);

/** Fills a tensor from numbers that lie densely in memory, row by row. */
void dg_array_fill(dg_array *array, dg_element element, const unsigned char *from);

/** Removes tensor number `i`. */
void dg_arrays_drop(dg_arrays *arrays, size_t i);

void dg_arrays_free(dg_arrays *arrays);

/** Text of a shape: `[16, 1, 3, 3]`. Returns `text`. */
char *dg_array_shape(uint32_t rank, const uint64_t *dim, char *text, size_t capacity);

#endif
