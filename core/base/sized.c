#include "core/base/sized.h"

#include <string.h>

void dg_sized_give(void *array, size_t size, size_t index, const void *element, size_t known) {
  char *to = (char *)array + index * size;
  size_t shared = size < known ? size : known;
  memcpy(to, element, shared);
  memset(to + shared, 0, size - shared);
}

/** Is any byte beyond those that the library knows not zero? */
static bool asks_for_more(const char *options, size_t known, size_t size) {
  for (size_t i = known; i < size; i++)
    if (options[i]) return true;
  return false;
}

bool dg_sized_take(void *own, size_t known, const void *options, const char *type, dg_error *err) {
  size_t size = known;
  memset(own, 0, known);
  if (options) memcpy(&size, options, sizeof size);
  if (size < sizeof size)
    return dg_fail(err, DG_ERR_INPUT, "%s.size is %zu; set it to sizeof(%s)", type, size, type);
  if (options && asks_for_more(options, known, size))
    return dg_fail(err, DG_ERR_UNSUPPORTED,
                   "%s asks for something that this version of the library does not know", type);
  if (options) memcpy(own, options, size < known ? size : known);
  memcpy(own, &known, sizeof known);
  return true;
}
