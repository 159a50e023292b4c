/* Sets of CIFAR's records in a tar archive, gzipped or not; archives of an odd size are unpacked to a
   file, not to memory. */
#include <stdlib.h>

#include "core/data/cifar/cifar.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const dg_dataset_options options = {.size = sizeof options, .in_memory = size % 2};
  dg_error err = {0};
  dg_dataset *set = dg_dataset_from_cifar(fuzz_file(bytes, size), &options, &err);
  if ((set != NULL) != (err.kind == DG_OK)) abort();
  if (set) {
    fuzz_touch(set->train.inputs, set->train.count * dg_input_bytes(&set->train.kind));
    fuzz_touch(set->train.labels, set->train.count);
    fuzz_touch(set->test.inputs, set->test.count * dg_input_bytes(&set->test.kind));
  }
  dg_dataset_close(set);
  return 0;
}
