/*
 * Sets of numpy's arrays: the first byte says the shape of the model's input, whether arrays are
 * kept in memory, and whether the rest is an .npz file, or inputs, targets and, if it says so,
 * lengths as .npy files; two bytes each tell how long those before the last are.
 */
#include <stdlib.h>
#include <string.h>

#include "core/data/arrays/npz.h"
#include "core/data/arrays/set.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void look_at(const dg_samples *s) {
  fuzz_touch(s->inputs, s->count * dg_input_bytes(&s->kind));
  fuzz_touch(s->kind.targets ? s->targets : s->labels, s->count * dg_target_bytes(&s->kind));
  if (s->lengths) fuzz_touch(s->lengths, s->count * sizeof *s->lengths);
  if ((s->lengths != NULL) != s->kind.lengths) abort();
  for (uint32_t i = 0; s->lengths && i < s->count; i++)
    if (s->lengths[i] == 0 || s->lengths[i] > s->kind.shape.dim[0]) abort();
}

static bool take_array(dg_numbers *numbers, input *in, size_t size, dg_error *err) {
  const uint8_t *from = input_bytes(in, &size);
  uint8_t *bytes = malloc(size + 1);
  memcpy(bytes, from, size);
  return dg_numbers_from_npy(numbers, bytes, size, err);
}

static size_t take_size(input *in) {
  size_t size = input_byte(in);
  return size | (size_t)input_byte(in) << 8;
}

/** A set of two arrays, with lengths or without; NULL: they are refused. */
static dg_dataset *take_arrays(input *in, bool lengths, const dg_dataset_options *options,
                               dg_error *err) {
  dg_numbers arrays[DG_ARRAYS] = {{.path = "a", .name = "X"},
                                  {.path = "a", .name = "y"},
                                  [DG_SET_ARRAYS] = {.path = "a", .name = "lengths"}};
  dg_dataset *set = dg_dataset_new("fuzz", err);
  bool ok = take_array(&arrays[0], in, take_size(in), err) &&
            take_array(&arrays[1], in, lengths ? take_size(in) : in->left, err) &&
            (!lengths || take_array(&arrays[DG_SET_ARRAYS], in, in->left, err)) &&
            dg_arrays_take(set, arrays, options, err);
  for (unsigned i = 0; i < DG_ARRAYS; i++) dg_numbers_free(&arrays[i]);
  if (ok) return set;
  dg_dataset_close(set);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const uint32_t inputs[8][4] = {{0},       {3, 1, 2, 3}, {3, 3, 2, 2}, {3, 2, 2, 2},
                                        {2, 3, 2}, {1, 6},       {3, 3, 2, 3}, {0}};
  input in = {bytes, size};
  const uint8_t what = input_byte(&in);
  const uint32_t *shape = inputs[what & 7];
  const dg_dataset_options options = {.size = sizeof options,
                                      .rank = shape[0],
                                      .dim = {shape[1], shape[2], shape[3]},
                                      .targets = what & 16 ? "y" : NULL,
                                      .in_memory = what & 32 ? 1 : 0};
  dg_error err = {0};
  dg_dataset *set = what & 8 ? dg_dataset_from_npz(fuzz_file(in.at, in.left), &options, &err)
                             : take_arrays(&in, what & 32, &options, &err);
  if ((set != NULL) != (err.kind == DG_OK)) abort();
  if (set) look_at(&set->train), look_at(&set->test);
  dg_dataset_close(set);
  return 0;
}
