/* Products with packed weights, for CPUs.
 *
 * A panel holds `vectors` x 16 rows of a matrix [rows][depth] transposed, so that the data of one
 * step of the sum is contiguous: panels[g][1 + k][row], where [g][0][row] is the bias of the row (0
 * without one). Rows past the end are zeros.
 */

/* Packs panels; a work-item packs 16 steps of 16 rows. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
pack_panels(global const float *restrict from, global const float *restrict bias,
            global float *restrict to, uint rows, uint depth, uint vectors) {
  const uint row = get_global_id(0) * 16, k = get_global_id(1) * 16;
  const uint line = vectors * 16, count = min(depth - k, 16u);
  const uint left = row < rows ? min(rows - row, 16u) : 0;
  to += (size_t)(row / line) * line * (1 + depth) + row % line;
  float16 block[16];
#pragma unroll
  for (uint r = 0; r < 16; r++)
    block[r] = r < left ? load_up_to(from + (size_t)(row + r) * depth + k, count) : 0.0f;
  transpose_block(block);
  if (k == 0) vstore16(bias ? load_up_to(bias + row, left) : 0.0f, 0, to);
  for (uint i = 0; i < count; i++) vstore16(block[i], 0, to + (size_t)(1 + k + i) * line);
}

/* Up to `tile_rows` rows of a product, `vectors` wide. Rows past the end aren't stored. */
__attribute__((always_inline)) inline void sum_panel(global const float *a, uint a_row, uint rows,
                                                     global const float *panel, uint depth,
                                                     float slope, global float *c, uint c_row,
                                                     uint columns, const uint tile_rows,
                                                     const uint vectors) {
  float16 sums[PANEL_ROWS][PANEL_VECTORS];
#pragma unroll
  for (uint r = 0; r < tile_rows; r++)
#pragma unroll
    for (uint v = 0; v < vectors; v++) sums[r][v] = vload16(v, panel);
  micro_kernel(sums, a, a_row, rows, panel + PANEL_LINE, depth, tile_rows, vectors);
#pragma unroll
  for (uint r = 0; r < tile_rows; r++)
#pragma unroll
    for (uint v = 0; v < vectors; v++) {
      if (r >= rows || 16 * v >= columns) continue;
      float16 result = sums[r][v] > 0.0f ? sums[r][v] : slope * sums[r][v];
      global float *to = c + r * c_row + 16 * v;
      if (columns - 16 * v >= 16)
        vstore16(result, 0, to);
      else
        store_run((const float *)&result, columns - 16 * v, to, 0);
    }
}

/* c[j][o] = leaky(bias[o] + sum over k of a[j][k] weight[o][k]), weight in panels of two vectors;
 * leaky is as in gemm_outer. Rows that are a multiple of 2 KiB apart map to the same few cache
 * sets, so fewer of them are processed at a time.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_packed(global const float *restrict a, uint a_row, global const float *restrict weights,
            uint depth, float slope, global float *restrict c, uint c_row, uint rows,
            uint columns) {
  const uint column = get_global_id(0) * PANEL_LINE, apart = a_row % 512 != 0;
  global const float *panel = weights + (size_t)column * (1 + depth);
  const uint left = columns - column;
  uint row = get_global_id(1) * PANEL_ROWS;
  const uint end = min(row + PANEL_ROWS, rows);
  a += (size_t)row * a_row;
  c += (size_t)row * c_row + column;
  if (end - row == PANEL_ROWS && apart) {
    if (left > 16)
      sum_panel(a, a_row, PANEL_ROWS, panel, depth, slope, c, c_row, left, PANEL_ROWS, 2);
    else
      sum_panel(a, a_row, PANEL_ROWS, panel, depth, slope, c, c_row, left, PANEL_ROWS, 1);
    return;
  }
  while (row < end) {
    const uint now = end - row > 4 && !apart ? PANEL_ROWS / 2 : 4;
    if (now == 4)
      sum_panel(a, a_row, end - row, panel, depth, slope, c, c_row, left, 4, 2);
    else
      sum_panel(a, a_row, end - row, panel, depth, slope, c, c_row, left, PANEL_ROWS / 2, 2);
    row += now;
    a += (size_t)now * a_row;
    c += (size_t)now * c_row;
  }
}
