/* Embeddings and positions. */

/* The word of a number, as dg_word_of in core/op/attention/embedding.h. */
inline uint word_of(float number, uint words) {
  if (!(number > 0.0f)) return 0;
  return number < (float)words ? (uint)number : words - 1;
}

/* A block of the row of each place. */
kernel void embedding_forward(global const float *numbers, global const float *weight,
                              global float *y, uint places, uint words, uint width) {
  const uint f = get_global_id(0) * WIDTH, place = get_global_id(1);
  if (f >= width || place >= places) return;
  const size_t from = (size_t)word_of(numbers[place], words) * width + f;
  store_block(load_block(weight + from, width - f), y + (size_t)place * width + f, width - f);
}

/* A block of the gradient of each word: the sum over its places, in their order. */
kernel void embedding_backward(global const float *numbers, global const float *dy,
                               global float *d_weight, uint places, uint words, uint width) {
  const uint f = get_global_id(0) * WIDTH, word = get_global_id(1);
  if (f >= width || word >= words) return;
  floatw sum = 0.0f;
  for (uint i = 0; i < places; i++)
    if (word_of(numbers[i], words) == word) sum += load_block(dy + (size_t)i * width + f, width - f);
  store_block(sum, d_weight + (size_t)word * width + f, width - f);
}

/* y = x + the table, for each sample. */
kernel void positions_forward(global const float *x, global const float *table, global float *y,
                              uint count) {
  const uint i = get_global_id(0) * WIDTH, sample = get_global_id(1);
  if (i >= count) return;
  const size_t at = (size_t)sample * count + i;
  store_block(load_block(x + at, count - i) + load_block(table + i, count - i), y + at, count - i);
}
