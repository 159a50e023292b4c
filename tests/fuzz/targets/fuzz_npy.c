/* The reader of .npy arrays; the numbers that it reads are written and read again to the same. */
#include <stdlib.h>
#include <string.h>

#include "core/exchange/numpy/npy.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_again(const dg_array *array) {
  dg_error err = {0};
  size_t size;
  dg_arrays again = {.path = "again"};
  unsigned char *made = dg_npy_make(array, &size, &err);
  if (!made || !dg_npy_read(&again, "a", made, size, &err)) abort();
  const dg_array *b = &again.items[0];
  if (b->rank != array->rank || b->count != array->count ||
      memcmp(b->dim, array->dim, sizeof b->dim) != 0 ||
      memcmp(b->data, array->data, array->count * sizeof *array->data) != 0)
    abort();
  dg_arrays_free(&again);
  free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  dg_arrays arrays = {.path = "fuzz"};
  dg_error err = {0};
  bool ok = dg_npy_read(&arrays, "a", bytes, size, &err);
  if (ok != (err.kind == DG_OK)) abort();
  if (ok && !arrays.items[0].unread) read_again(&arrays.items[0]);
  dg_arrays_free(&arrays);
  return 0;
}
