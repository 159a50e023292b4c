/*
 * .npy files of samples, read piece by piece: the first byte says the shape of the model's input,
 * the second one the size of the pieces; the rest is the file.
 */
#include <stdlib.h>

#include "digits/data.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void touch(const dg_ndarray *piece) {
  size_t count = piece->type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
  for (uint32_t i = 0; i < piece->rank; i++) count *= piece->dim[i];
  if (count) fuzz_touch(piece->numbers, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const uint32_t inputs[8][4] = {{0},       {3, 1, 2, 3}, {3, 3, 2, 2}, {3, 2, 2, 2},
                                        {2, 3, 2}, {1, 6},       {3, 3, 2, 3}, {0}};
  input in = {bytes, size};
  const uint32_t *shape = inputs[input_byte(&in) & 7], most = input_byte(&in) + 1u;
  const dg_dataset_options options = {
      .size = sizeof options, .rank = shape[0], .dim = {shape[1], shape[2], shape[3]}};
  dg_error err = {0};
  dg_sample_file *file = dg_sample_file_open(fuzz_file(in.at, in.left), &options, &err);
  dg_ndarray piece = {.dim = {1}};
  if ((file != NULL) != (err.kind == DG_OK)) abort();
  while (file && piece.dim[0] && dg_sample_file_next(file, most, &piece, &err)) touch(&piece);
  dg_sample_file_close(file);
  return 0;
}
