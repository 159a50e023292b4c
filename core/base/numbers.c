#include "core/base/numbers.h"

#include <math.h>

#include "core/base/text.h"

size_t dg_first_nonfinite(const float *values, size_t count) {
  size_t i = 0;
  while (i < count && isfinite(values[i])) i++;
  return i;
}

uint32_t dg_argmax(const float *values, uint32_t count) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < count; i++)
    if (values[i] > values[best]) best = i;
  return best;
}

char *dg_index_text(uint32_t rank, const uint64_t *dim, size_t index, char *text, size_t capacity) {
  uint64_t numbers = 1;
  text[0] = '\0';
  for (uint32_t i = 0; i < rank; i++) numbers *= dim[i];
  for (uint32_t i = 0; i < rank; i++) {
    numbers /= dim[i];
    dg_append(text, capacity, "%s%llu", i ? ", " : "[", (unsigned long long)(index / numbers));
    index %= numbers;
  }
  if (rank) dg_append(text, capacity, "]");
  return text;
}

char *dg_shape_text(const dg_shape *shape, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < shape->rank; i++)
    dg_append(text, capacity, "%s%u", i ? ", " : "[", shape->dim[i]);
  dg_append(text, capacity, "]");
  return text;
}
