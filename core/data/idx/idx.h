/**
 * IDX files, the format of MNIST: four bytes of magic (two zeros, the element type, the rank), a
 * big-endian 32-bit size per dimension, then the elements, last dimension fastest. Types are bytes
 * (0x08), signed bytes (0x09), whole numbers of two and four bytes (0x0b, 0x0c), floats (0x0d) and
 * doubles (0x0e).
 */
#ifndef DG_IDX_H
#define DG_IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/mapping/mapping.h"
#include "core/formats/element.h"

enum { DG_IDX_MAX_RANK = 4, DG_IDX_BYTE = 0x08, DG_IDX_FLOAT = 0x0d, DG_IDX_DOUBLE = 0x0e };

/** An array with its shape; all zero but rank, dims and bytes: of bytes. */
typedef struct {
  unsigned rank; /**< how many of `dims` count: 1 to DG_IDX_MAX_RANK */
  uint32_t dims[DG_IDX_MAX_RANK];
  unsigned type;      /**< of the elements, as in the file; 0: unsigned bytes */
  uint8_t *bytes;     /**< dims[0] * … * dims[rank - 1] elements, big-endian */
  dg_mapping mapping; /**< of the bytes, if they are not in malloc's memory */
} dg_idx;

/** The type of elements of a code; false: there is none. */
bool dg_idx_element(unsigned type, dg_element *element);

/**
 * Reads the file at `path`, plain or gzipped, which must hold an array of this type (0x08, …) and
 * this many dimensions. The header is checked against the size of the file, and a gzipped file's
 * checksum is verified. Errors (DG_ERR_INPUT, DG_ERR_MEMORY) name the file, the field, what was
 * expected and found, and the remedy; `array` is then left without bytes. The caller frees the
 * array with dg_idx_free.
 */
bool dg_idx_read(dg_idx *array, const char *path, unsigned rank, unsigned type, dg_error *err);

/** The same with dg_dataset_options.in_memory; a mapped array must not be written to. */
bool dg_idx_read_large(dg_idx *array, const char *path, unsigned rank, unsigned type,
                       uint64_t in_memory, dg_error *err);

/**
 * The same for labels, a byte each in an array of one dimension. The file may hold whole numbers of
 * one, two or four bytes, or the rows of QMNIST's idx2-int files: 8 numbers, of which the first is
 * the class (the others tell who wrote the digit). A label below 0 or above 255 is an error.
 */
bool dg_idx_read_labels(dg_idx *labels, const char *path, dg_error *err);

/**
 * Writes an array, whose elements are bytes or floats in the machine's order, gzipped or not; the
 * same array gives the same bytes. An old file at `path` is replaced only when the new one is
 * complete.
 */
bool dg_idx_write(const dg_idx *array, const char *path, bool gzip, dg_error *err);

void dg_idx_free(dg_idx *array); /**< an array without bytes is allowed */

#endif
