/* The reader of IDX files, plain and gzipped: as arrays of some types, in memory or mapped, and as
   labels. */
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
  static const struct {
    unsigned rank, type;
    uint64_t in_memory;
  } forms[] = {{3, DG_IDX_BYTE, UINT64_MAX},
               {3, DG_IDX_BYTE, 1},
               {2, DG_IDX_FLOAT, 1},
               {4, DG_IDX_DOUBLE, UINT64_MAX},
               {1, DG_IDX_BYTE, 0}};
  const char *path = fuzz_file(bytes, size);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    dg_idx array;
    dg_error err = {0};
    dg_element element;
    bool ok = forms[i].rank == 1 ? dg_idx_read_labels(&array, path, &err)
                                 : dg_idx_read_large(&array, path, forms[i].rank, forms[i].type,
                                                     forms[i].in_memory, &err);
    if (ok != (err.kind == DG_OK) || ok != (array.bytes != NULL)) abort();
    if (!dg_idx_element(forms[i].type, &element)) abort();
    if (ok) fuzz_touch(array.bytes, count_of(&array) * dg_element_size(element));
    dg_idx_free(&array);
  }
  return 0;
}
