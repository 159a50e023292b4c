/** The number types of weight files, and their conversion to float32. */
#ifndef DG_ELEMENT_H
#define DG_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  DG_ELEMENT_F32,
  DG_ELEMENT_F64,
  DG_ELEMENT_F16,
  DG_ELEMENT_BF16,
  DG_ELEMENT_I8,
  DG_ELEMENT_I16,
  DG_ELEMENT_I32,
  DG_ELEMENT_I64,
  DG_ELEMENT_U8,
  DG_ELEMENT_U16,
  DG_ELEMENT_U32,
  DG_ELEMENT_U64,
} dg_element;

/** Bytes of one number. */
size_t dg_element_size(dg_element element);

/** Is it an integer type? */
bool dg_element_is_integer(dg_element element);

/** Converts a little-endian number, which need not be aligned, to float32, rounded to nearest. */
float dg_element_read(dg_element element, const void *from);

/** The same for a big-endian number. */
float dg_element_read_big(dg_element element, const void *from);

#endif
