/* The outer-product variant of gemm, for CPUs:
 *
 *   c[z][j][p] (+)= leaky(bias[j] + sum over k of a[z][j * a_row + offsets[k].x]
 *                                               * b[z][offsets[k].y + p])
 *
 * for batch item z, row j, column p, where c begins at c_first of its buffer and
 * leaky(v) = v > 0 ? v : slope * v (slope 1 leaves v alone). Columns are contiguous in b, so that
 * convolutions over planes and matrix products use the same kernel: `offsets` gives the start of
 * each term of the sum. Columns are in lines of `pitch`, of which the first `width` are results; c
 * holds only those.
 *
 * A work-item holds OUTER_ROWS x OUTER_COLUMNS (build options) vectors of 16
 * columns in registers, broadcasts a and loads vectors of b. Sums and operands of a step together
 * should fit the registers: with 32 registers of 16 numbers, 8 x 3 spills and reached two thirds of
 * the speed of 4 x 5. Each number of c is summed in the order of k, for any tile size.
 */
#define ROWS OUTER_ROWS
#define VECTORS OUTER_COLUMNS
#define COLUMNS (16 * VECTORS)

/* Stores the lanes of a vector from `lane` on, which is column `x` of its line, without gaps. */
inline void store_columns(const float lanes[16], uint lane, uint end, uint x, uint pitch,
                          uint width, global float *line, uint add) {
  while (lane < end) {
    if (x < width) store_run(lanes + lane, min(width - x, end - lane), line + x, add);
    lane += pitch - x;
    line += width;
    x = 0;
  }
}

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_outer(global const float *restrict a, uint a_row, uint a_item,
           global const uint2 *restrict offsets, uint depth, global const float *restrict b,
           uint b_item, global const float *restrict bias, float slope, global float *restrict c,
           uint c_first, uint c_row, uint c_item, uint rows, uint columns, uint pitch, uint width,
           uint add) {
  const uint row = get_global_id(0) * ROWS, column = get_global_id(1) * COLUMNS;
  const size_t item = get_global_id(2);

  /* Rows and columns past the end repeat the last ones: this costs time, but stays inside the
     buffers. */
  global const float *a_rows[ROWS];
  float16 sums[ROWS][VECTORS];
#pragma unroll
  for (uint j = 0; j < ROWS; j++) {
    const uint from = min(row + j, rows - 1);
    a_rows[j] = a + item * a_item + from * a_row;
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) sums[j][v] = bias ? bias[from] : 0.0f;
  }
  global const float *b_vectors[VECTORS];
#pragma unroll
  for (uint v = 0; v < VECTORS; v++)
    b_vectors[v] = b + item * b_item + (columns < 16 ? 0 : min(column + 16 * v, columns - 16));

  if (columns >= 16) {
    for (uint k = 0; k < depth; k++) {
      const uint2 offset = offsets[k];
      float16 b_now[VECTORS];
#pragma unroll
      for (uint v = 0; v < VECTORS; v++) b_now[v] = vload16(0, b_vectors[v] + offset.y);
#pragma unroll
      for (uint j = 0; j < ROWS; j++) {
        const float16 a_now = a_rows[j][offset.x];
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) sums[j][v] = MULTIPLY_ADD(a_now, b_now[v], sums[j][v]);
      }
    }
  } else {
    for (uint k = 0; k < depth; k++) {
      const uint2 offset = offsets[k];
      const float16 b_now = load_short(b_vectors[0] + offset.y, columns);
#pragma unroll
      for (uint j = 0; j < ROWS; j++)
        sums[j][0] = MULTIPLY_ADD((float16)(a_rows[j][offset.x]), b_now, sums[j][0]);
    }
  }

  float16 results[VECTORS][ROWS];
#pragma unroll
  for (uint j = 0; j < ROWS; j++)
#pragma unroll
    for (uint v = 0; v < VECTORS; v++)
      results[v][j] = sums[j][v] > 0.0f ? sums[j][v] : slope * sums[j][v];

  global float *to = c + (c_first + (uint)item * c_item) + row * c_row;
  for (uint v = 0; v < VECTORS; v++) {
    const uint first = column + 16 * v;
    if (first >= columns) break;
    const uint line = first / pitch, x = first - line * pitch;
    const uint start = columns < 16 ? 0 : min(first, columns - 16);
    const uint lane = first - start, end = min(columns - start, 16u);
    const bool whole = lane == 0 && x + 16 <= width && !add;
    for (uint j = 0; j < min(rows - row, (uint)ROWS); j++) {
      global float *to_line = to + j * c_row + line * width;
      if (whole)
        vstore16(results[v][j], 0, to_line + x);
      else
        store_columns((const float *)&results[v][j], lane, end, x, pitch, width, to_line, add);
    }
  }
}
