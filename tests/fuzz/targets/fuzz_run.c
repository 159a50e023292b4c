/*
 * Models that are built and run on the cpu backend, forward and backward. An input whose first
 * byte is below ' ' chooses with the others what a generated model has (generate.h); any other is
 * the text of a model. The last byte chooses batch, threads and form.
 */
#include <stdlib.h>
#include <string.h>

#include "core/device.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/generate.h"
#include "tests/fuzz/run_model.h"

enum { THREADS = 2, MAX_FORMS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** A device of so many threads in one of the forms that this processor has; stays open. */
static dg_device *device_of(uint32_t threads, uint32_t form) {
  static dg_device *devices[THREADS][MAX_FORMS];
  static const char *const forms[MAX_FORMS] = {NULL, "avx512", "avx2", "baseline"};
  dg_device **device = &devices[threads - 1][form];
  dg_error err = {0};
  if (*device) return *device;
  *device = dg_open_with("cpu", &(dg_open_options){.threads = threads, .form = forms[form]}, &err);
  if (!*device) return form ? device_of(threads, 0) : NULL;
  fuzz_limit(*device);
  return *device;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const uint32_t batches[] = {1, 2, 3, 4, 17};
  static const fuzz_limits limits = {1 << 18, 1 << 17, 1 << 22};
  if (size < 2) return 0;
  uint32_t last = bytes[size - 1];
  dg_device *device = device_of(1 + last / 5 % THREADS, last / 10 % MAX_FORMS);
  char *text =
      bytes[0] < ' ' ? fuzz_generate(bytes + 1, size - 2) : strndup((const char *)bytes, size - 1);
  if (!device || !text) abort();
  fuzz_run_model(text, device, batches[last % 5], &limits);
  free(text);
  return 0;
}
