/* The reader of CSV tables, plain and gzipped. */
#include <stdlib.h>

#include "core/data/csv/csv.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  dg_samples samples;
  dg_error err = {0};
  bool ok = dg_csv_read(&samples, fuzz_file(bytes, size), &err);
  if (ok != (err.kind == DG_OK) || ok != (samples.inputs != NULL)) abort();
  if (ok) fuzz_touch(samples.inputs, samples.count * dg_input_bytes(&samples.kind));
  if (samples.labels) fuzz_touch(samples.labels, samples.count);
  dg_samples_free(&samples);
  return 0;
}
