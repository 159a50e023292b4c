#include "tests/fuzz/input.h"

#include <stdio.h>
#include <string.h>

uint8_t input_byte(input *in) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++;
}

const uint8_t *input_bytes(input *in, size_t *size) {
  const uint8_t *begin = in->at;
  if (*size > in->left) *size = in->left;
  in->at += *size;
  in->left -= *size;
  return begin;
}

static const char *const words[] = {"",
                                    "fc1",
                                    "fc2",
                                    "fc10",
                                    "n1",
                                    "n2",
                                    "conv1",
                                    "norm",
                                    "out",
                                    "a",
                                    "b",
                                    "model",
                                    "module",
                                    "layers",
                                    "dense",
                                    "dense_1",
                                    "weight",
                                    "bias",
                                    "kernel",
                                    "gamma",
                                    "beta",
                                    "vars",
                                    "0",
                                    "1",
                                    "2",
                                    "3",
                                    "cell",
                                    "gru_cell",
                                    "backward_layer",
                                    "forward_layer",
                                    "recurrent_kernel",
                                    "moving_mean",
                                    "moving_variance",
                                    "running_mean",
                                    "running_var",
                                    "weight_ih_l0",
                                    "weight_hh_l0",
                                    "bias_ih_l0",
                                    "bias_hh_l0",
                                    "weight_ih_l0_reverse",
                                    "weight_hh_l0_reverse",
                                    "bias_ih_l0_reverse",
                                    "num_batches_tracked",
                                    "seed_generator",
                                    "lin",
                                    "arr_",
                                    "10"};
enum { WORDS = sizeof words / sizeof *words };

/** Adds a word, cut where there is no room. */
static void add(char *name, size_t capacity, const char *word) {
  size_t used = strlen(name);
  snprintf(name + used, capacity - used, "%s", word);
}

void input_name(input *in, char *name, size_t capacity) {
  static const char *const parts[] = {".", "/", "_", ""};
  uint8_t head = input_byte(in);
  name[0] = '\0';
  if (head == 255) {
    size_t size = input_byte(in);
    if (size >= capacity) size = capacity - 1;
    const uint8_t *bytes = input_bytes(in, &size);
    memcpy(name, bytes, size);
    name[size] = '\0';
    return;
  }
  for (uint8_t i = 0; i < 1 + head % 4; i++) {
    if (i > 0) add(name, capacity, parts[head >> 2 & 3]);
    add(name, capacity, words[input_byte(in) % WORDS]);
  }
}
