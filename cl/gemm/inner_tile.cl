/* The inner-product variant of gemm, for CPUs:
 *
 *   c[z][j][i] = leaky(bias[i] + sum over the items s of share z, and over p < count, of
 *                x[s][i * x_row + p] * y[s][offsets[j].y + p])
 *
 * where x and c begin at x_first and c_first of their buffers,
 *
 * and leaky is as in gemm_outer. Share z holds the items z * share … up to
 * (z + 1) * share, below `items`. Both operands are contiguous along the sum, so nothing is packed;
 * a work-item holds INNER_ROWS x INNER_COLUMNS (build options, the
 * columns in fours) vectors of partial sums in registers and reduces them at the end. Each number
 * of c is summed in the same order, for any tile size.
 */
#define X_ROWS INNER_COLUMNS
#define Y_ROWS INNER_ROWS

/* Reduces four vectors to the four sums of their lanes, by halving. */
inline float4 fold(const float16 v[4]) {
  float16 a[2];
#pragma unroll
  for (uint i = 0; i < 2; i++)
    a[i] = (float16)(v[2 * i].lo, v[2 * i + 1].lo) + (float16)(v[2 * i].hi, v[2 * i + 1].hi);
  const float16 b = (float16)(a[0].s012389ab, a[1].s012389ab) +
                    (float16)(a[0].s4567cdef, a[1].s4567cdef);
  const float8 c = b.s014589cd + b.s2367abef;
  return c.even + c.odd;
}

/* The last numbers of a line of `count`, selected by `rest`, in a vector with zeros elsewhere. */
inline float16 load_rest(global const float *line, uint count, int16 rest) {
  if (count >= 16) return select((float16)(0.0f), vload16(0, line + count - 16), rest);
  float numbers[16];
  for (uint i = 0; i < 16; i++) numbers[i] = i < count ? line[i] : 0.0f;
  return vload16(0, numbers);
}

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_inner(global const float *restrict x, uint x_first, uint x_row, uint x_item,
           global const float *restrict y, uint y_item, global const uint2 *restrict offsets,
           uint count, uint items, uint share, global const float *restrict bias, float slope,
           global float *restrict c, uint c_first, uint c_row, uint c_share, uint x_rows,
           uint y_rows) {
  const uint i0 = get_global_id(1) * X_ROWS, j0 = get_global_id(0) * Y_ROWS;
  const uint z = get_global_id(2);
  const uint whole = count / 16 * 16;
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int16 rest = lane >= (int)(whole + 16 - count);
  float16 sums[Y_ROWS][X_ROWS];
#pragma unroll
  for (uint j = 0; j < Y_ROWS; j++)
#pragma unroll
    for (uint i = 0; i < X_ROWS; i++) sums[j][i] = 0.0f;

  for (uint s = z * share; s < min((z + 1) * share, items); s++) {
    /* Rows past the end repeat the last one. */
    global const float *x_lines[X_ROWS], *y_lines[Y_ROWS];
#pragma unroll
    for (uint i = 0; i < X_ROWS; i++)
      x_lines[i] = x + x_first + (size_t)s * x_item + min(i0 + i, x_rows - 1) * x_row;
#pragma unroll
    for (uint j = 0; j < Y_ROWS; j++)
      y_lines[j] = y + (size_t)s * y_item + offsets[min(j0 + j, y_rows - 1)].y;

    for (uint p = 0; p < whole; p += 16) {
      float16 y_now[Y_ROWS];
#pragma unroll
      for (uint j = 0; j < Y_ROWS; j++) y_now[j] = vload16(0, y_lines[j] + p);
#pragma unroll
      for (uint i = 0; i < X_ROWS; i++) {
        const float16 x_now = vload16(0, x_lines[i] + p);
#pragma unroll
        for (uint j = 0; j < Y_ROWS; j++) sums[j][i] = MULTIPLY_ADD(x_now, y_now[j], sums[j][i]);
      }
    }
    if (whole < count) {
      float16 y_now[Y_ROWS];
#pragma unroll
      for (uint j = 0; j < Y_ROWS; j++) y_now[j] = load_rest(y_lines[j], count, rest);
#pragma unroll
      for (uint i = 0; i < X_ROWS; i++) {
        const float16 x_now = load_rest(x_lines[i], count, rest);
#pragma unroll
        for (uint j = 0; j < Y_ROWS; j++) sums[j][i] = MULTIPLY_ADD(x_now, y_now[j], sums[j][i]);
      }
    }
  }

  float biases[X_ROWS];
  for (uint i = 0; i < X_ROWS; i++) biases[i] = bias && i0 + i < x_rows ? bias[i0 + i] : 0.0f;
#pragma unroll
  for (uint j = 0; j < Y_ROWS; j++) {
    if (j0 + j >= y_rows) continue;
    global float *to = c + c_first + (size_t)z * c_share + (j0 + j) * c_row + i0;
#pragma unroll
    for (uint i = 0; i < X_ROWS; i += 4) {
      const float4 sum = fold(sums[j] + i) + vload4(0, biases + i);
      const float4 result = sum > 0.0f ? sum : slope * sum;
      if (i0 + i + 4 <= x_rows) {
        vstore4(result, 0, to + i);
      } else {
        float lanes[4];
        vstore4(result, 0, lanes);
        for (uint l = 0; i0 + i + l < x_rows; l++) to[i + l] = lanes[l];
      }
    }
  }
}
