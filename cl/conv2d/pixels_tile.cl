/* Convolutions pixel by pixel, for CPUs: tensors are [pixel][sample][channel], so that the
 * contribution of one pixel to another, over all samples, is a plain matrix product:
 *
 *   c[item][j][v] (+)= sum over the taps t of the item, and over k < depth, of
 *                      a[t.x + j * a_row + k * a_k] * b[t.y + k * b_k + v]
 *
 * Taps in the padding are not in the lists, and cost nothing. A work-item holds a tile of TAP_ROWS
 * x TAP_COLUMNS (build options; one or two columns) vectors of 16 columns; rows and columns are
 * allocated in whole tiles, so those past the end are computed from undefined data, and never read.
 * Each number of c is summed in the order of t and k, for any tile size.
 */

/* A tile of the product, `vectors` wide: a constant after inlining, so that the loops are unrolled.
 * (Its pointers are not restrict, since oclgrind can't run the code that LLVM generates for that;
 * the kernel's are.)
 */
__attribute__((always_inline)) inline void
sum_taps(global const float *a, uint a_row, uint a_k, global const float *b,
         uint b_k, global const uint2 *taps, uint tap_count, uint depth,
         global float *c, uint c_row, uint vectors, uint add) {
  float16 sums[TAP_ROWS][TAP_COLUMNS];
#pragma unroll
  for (uint r = 0; r < TAP_ROWS; r++)
#pragma unroll
    for (uint v = 0; v < TAP_COLUMNS; v++) sums[r][v] = 0.0f;

  for (uint t = 0; t < tap_count; t++) {
    global const float *a_now = a + taps[t].x, *b_now = b + taps[t].y;
    for (uint k = 0; k < depth; k++) {
      float16 b_vectors[TAP_COLUMNS];
#pragma unroll
      for (uint v = 0; v < TAP_COLUMNS; v++)
        if (v < vectors) b_vectors[v] = vload16(v, b_now);
#pragma unroll
      for (uint r = 0; r < TAP_ROWS; r++) {
        const float16 factor = a_now[r * a_row];
#pragma unroll
        for (uint v = 0; v < TAP_COLUMNS; v++)
          if (v < vectors) sums[r][v] = MULTIPLY_ADD(factor, b_vectors[v], sums[r][v]);
      }
      a_now += a_k;
      b_now += b_k;
    }
  }

#pragma unroll
  for (uint r = 0; r < TAP_ROWS; r++)
#pragma unroll
    for (uint v = 0; v < TAP_COLUMNS; v++)
      if (v < vectors) {
        global float *to = c + r * c_row + 16 * v;
        vstore16(add ? sums[r][v] + vload16(0, to) : sums[r][v], 0, to);
      }
}

/* Item i has the taps firsts[i] to firsts[i + 1], and writes item i % c_items of c. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_taps(global const float *restrict a, uint a_row, uint a_k, global const float *restrict b,
          uint b_k, global const uint *restrict firsts, global const uint2 *restrict list,
          uint depth, global float *restrict c, uint c_first, uint c_items, uint c_item, uint c_row,
          uint vectors, uint add) {
  const uint row = get_global_id(0) * TAP_ROWS, vector = get_global_id(1) * TAP_COLUMNS;
  const uint item = get_global_id(2), first = firsts[item], count = firsts[item + 1] - first;
  a += row * a_row;
  b += vector * 16;
  c += c_first + (size_t)(item % c_items) * c_item + row * c_row + vector * 16;
  if (vectors - vector >= TAP_COLUMNS)
    sum_taps(a, a_row, a_k, b, b_k, list + first, count, depth, c, c_row, TAP_COLUMNS, add);
  else
    sum_taps(a, a_row, a_k, b, b_k, list + first, count, depth, c, c_row, 1, add);
}

/* ---- to and from [pixel][sample][channel] ------------------------------- */

/* For each item z:
 *
 *   to[to_first + z * to_item + p * pitch + row] = from[z * from_item + row * from_row + p],
 *
 * times slope where `of`, if not NULL, isn't positive. A work-item processes 16 rows; `to` has room
 * for all of them.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
to_pixels(global const float *restrict from, uint from_row, uint from_item,
          global const float *restrict of, float slope, global float *restrict to, uint to_first,
          uint to_item, uint rows, uint pixels, uint pitch) {
  const uint row = get_global_id(0) * 16, count = min(pixels, 16u);
  const size_t item = get_global_id(1);
  to += to_first + item * to_item + row;
  for (uint pixel = 0; pixel < pixels; pixel += 16) {
    const uint at = min(pixel, pixels - count); /* the last block overlaps the previous one */
    float16 block[16];
#pragma unroll
    for (uint r = 0; r < 16; r++) {
      const size_t place = item * from_item + (size_t)min(row + r, rows - 1) * from_row + at;
      block[r] = load_up_to(from + place, count);
      if (of) block[r] = load_up_to(of + place, count) > 0.0f ? block[r] : slope * block[r];
    }
    transpose_block(block);
    for (uint p = 0; p < count; p++) vstore16(block[p], 0, to + (size_t)(at + p) * pitch);
  }
}

/* to[sample][channel][p] (+)= leaky(from[from_first + p * pitch + sample * row + channel] +
 * bias[channel]); a work-item processes 16 channels of a sample.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
from_pixels(global const float *restrict from, uint from_first, uint pitch, uint row,
            global const float *restrict bias, float slope, global float *restrict to,
            uint channels, uint pixels, uint add) {
  const uint channel = get_global_id(0) * 16, sample = get_global_id(1);
  const uint count = min(channels - channel, 16u);
  from += from_first + (size_t)sample * row + channel;
  to += ((size_t)sample * channels + channel) * pixels;
  for (uint pixel = 0; pixel < pixels; pixel += 16) {
    float16 block[16];
#pragma unroll
    for (uint p = 0; p < 16; p++)
      block[p] = vload16(0, from + (size_t)min(pixel + p, pixels - 1) * pitch);
    transpose_block(block);
    for (uint c = 0; c < count; c++) {
      const float16 sum = block[c] + (bias ? bias[channel + c] : 0.0f);
      float16 result = sum > 0.0f ? sum : slope * sum;
      global float *line = to + c * pixels + pixel;
      if (pixel + 16 > pixels)
        store_run((const float *)&result, pixels - pixel, line, add);
      else
        vstore16(add ? result + vload16(0, line) : result, 0, line);
    }
  }
}
