/* Time series of the UCR archive: the text to learn from, a zero byte, the text to test. */
#include <stdlib.h>
#include <string.h>

#include "core/data/series/ucr.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const paths[] = {"a_TRAIN.tsv", "a_TEST.tsv"};
  char *first = calloc(size + 1, 1), *second = calloc(size + 1, 1);
  const size_t length = size ? strnlen((const char *)bytes, size) : 0;
  dg_error err = {0};
  dg_dataset *set = dg_dataset_new("fuzz", NULL);
  if (size) memcpy(first, bytes, length);
  if (length < size) memcpy(second, bytes + length + 1, size - length - 1);
  bool ok = dg_ucr_parse(set, (char *const[]){first, second}, paths, &err);
  if (ok != (err.kind == DG_OK)) abort();
  for (int p = 0; ok && p < 2; p++) {
    const dg_samples *s = p ? &set->test : &set->train;
    fuzz_touch(s->inputs, s->count * dg_input_bytes(&s->kind));
    if ((s->lengths != NULL) != s->kind.lengths) abort();
    for (uint32_t i = 0; s->lengths && i < s->count; i++)
      if (s->lengths[i] == 0 || s->lengths[i] > s->kind.shape.dim[0]) abort();
    for (uint32_t i = 0; i < s->count; i++)
      if (s->labels[i] >= set->names.count) abort();
  }
  dg_dataset_close(set);
  free(first);
  free(second);
  return 0;
}
