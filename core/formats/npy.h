/**
 * numpy's .npy (numpy.lib.format): a magic string, a header that is a Python dictionary of type,
 * order and shape, and the numbers.
 */
#ifndef DG_FORMATS_NPY_H
#define DG_FORMATS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/formats/element.h"

enum { DG_NPY_RANK = 8, DG_NPY_TYPE = 24 };

extern const char dg_npy_magic[6]; /**< what a file begins with; no closing zero */

/** What a header says. */
typedef struct {
  char type[DG_NPY_TYPE]; /**< "<f4"; "": one of several parts */
  bool known;             /**< `element` and `big_endian` are those of the type */
  dg_element element;
  bool big_endian;
  bool truths; /**< its bytes are True and False */
  bool fortran;
  uint32_t rank;
  uint64_t dim[DG_NPY_RANK];
  size_t begin; /**< offset of the numbers */
} dg_npy;

/** Reads the header of a file's bytes; false: it is not sound. */
bool dg_npy_parse(dg_npy *npy, const unsigned char *bytes, size_t size);

/** The count of numbers; UINT64_MAX: more than `most`. */
uint64_t dg_npy_count(const dg_npy *npy, uint64_t most);

/** The place of number `i`, counted with the last dimension fastest, among the numbers. */
uint64_t dg_npy_place(const dg_npy *npy, uint64_t i);

#endif
