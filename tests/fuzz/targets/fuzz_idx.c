/* The reader of IDX files, plain and gzipped: as images and as labels. */
#include <stdlib.h>

#include "core/data/idx/idx.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t count_of(const dg_idx *array) {
  size_t count = 1;
  for (unsigned i = 0; i < array->rank; i++) count *= array->dims[i];
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const char *path = fuzz_file(bytes, size);
  for (unsigned rank = 1; rank <= 3; rank += 2) {
    dg_idx array;
    dg_error err = {0};
    bool ok = dg_idx_read(&array, path, rank, &err);
    if (ok != (err.kind == DG_OK) || ok != (array.bytes != NULL)) abort();
    if (ok) fuzz_touch(array.bytes, count_of(&array));
    dg_idx_free(&array);
  }
  return 0;
}
