#include "core/model/shape.h"

#include <string.h>

#include "core/base/text.h"

bool dg_shape_equal(const dg_shape *a, const dg_shape *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

char *dg_shape_text(const dg_shape *shape, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < shape->rank; i++)
    dg_append(text, capacity, "%s%u", i ? ", " : "[", shape->dim[i]);
  dg_append(text, capacity, "]");
  return text;
}
