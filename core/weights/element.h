/** The types of numbers that weight files hold, and what they are as float32. */
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

/** Is it a whole number? */
bool dg_element_is_integer(dg_element element);

/** A number as float32, rounded to nearest; it need not be aligned, and is little-endian. */
float dg_element_read(dg_element element, const void *from);

/** The same of a number that is big-endian. */
float dg_element_read_big(dg_element element, const void *from);

#endif
