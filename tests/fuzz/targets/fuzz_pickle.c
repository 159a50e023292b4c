/* The reader of pickles: every value that it gives can be looked at. */
#include <stdlib.h>

#include "core/exchange/pytorch/pickle.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** Touches a value: its text, or all its items. */
static void touch(const dg_pickle *pickle, const dg_pickle_value *value) {
  if (value->kind == DG_PICKLE_TEXT || value->kind == DG_PICKLE_UNKNOWN)
    fuzz_touch(value->text, value->length);
  if (value->kind < DG_PICKLE_TUPLE || value->kind == DG_PICKLE_GLOBAL) return;
  uint32_t cell = value->first;
  for (uint32_t i = 0; i < value->count; i++, cell = pickle->cells[cell].next)
    if (pickle->cells[cell].value >= pickle->value_count) abort();
  if (value->count && !dg_pickle_item(pickle, value, value->count - 1)) abort();
  if (dg_pickle_item(pickle, value, value->count)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const names[] = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
                                      "torch FloatStorage", NULL};
  dg_pickle pickle;
  dg_error err = {0};
  bool ok = dg_pickle_read(&pickle, "fuzz", (const char *)bytes, size, names, &err);
  if (ok != (err.kind == DG_OK)) abort();
  for (uint32_t i = 0; ok && i < pickle.value_count; i++) touch(&pickle, &pickle.values[i]);
  dg_pickle_free(&pickle);
  return 0;
}
