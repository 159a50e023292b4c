/* The outer-product variant of gemm (defined in cl/gemm/outer_tile.cl), for GPUs:
 * 16 x 16 work-items share tiles of both operands in local memory, OUTER_DEPTH
 * terms of the sums at a time, and each holds OUTER_ROWS x OUTER_COLUMNS sums
 * (build options), 16 rows and columns apart. Each number of c is summed in the order of k, for any
 * tile size.
 */
#define SIDE 16
#define A_TILE (SIDE * OUTER_ROWS)
#define B_TILE (SIDE * OUTER_COLUMNS)

kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void
gemm_outer(global const float *restrict a, uint a_row, uint a_item,
           global const uint2 *restrict offsets, uint depth, global const float *restrict b,
           uint b_item, global const float *restrict bias, float slope, global float *restrict c,
           uint c_first, uint c_row, uint c_item, uint rows, uint columns, uint pitch, uint width,
           uint add) {
  local float a_tile[OUTER_DEPTH][A_TILE + 1], b_tile[OUTER_DEPTH][B_TILE];
  const uint tx = get_local_id(0), ty = get_local_id(1), lane = ty * SIDE + tx;
  const uint column = get_group_id(0) * B_TILE, row = get_group_id(1) * A_TILE;
  const size_t item = get_global_id(2);
  a += item * a_item;
  b += item * b_item;
  float sums[OUTER_ROWS][OUTER_COLUMNS];
  for (uint j = 0; j < OUTER_ROWS; j++)
    for (uint v = 0; v < OUTER_COLUMNS; v++) sums[j][v] = 0.0f;

  for (uint k0 = 0; k0 < depth; k0 += OUTER_DEPTH) {
    for (uint e = lane; e < OUTER_DEPTH * A_TILE; e += SIDE * SIDE) {
      /* Coalesced loads: along the sum, or along the rows if those are adjacent in memory. */
      const uint k = a_row == 1 ? e / A_TILE : e % OUTER_DEPTH;
      const uint j = a_row == 1 ? e % A_TILE : e / OUTER_DEPTH;
      a_tile[k][j] =
          k0 + k < depth && row + j < rows ? a[(row + j) * a_row + offsets[k0 + k].x] : 0.0f;
    }
    for (uint e = lane; e < OUTER_DEPTH * B_TILE; e += SIDE * SIDE) {
      const uint k = e / B_TILE, p = e % B_TILE;
      b_tile[k][p] =
          k0 + k < depth && column + p < columns ? b[offsets[k0 + k].y + column + p] : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint k = 0; k < OUTER_DEPTH; k++) {
      float b_now[OUTER_COLUMNS];
      for (uint v = 0; v < OUTER_COLUMNS; v++) b_now[v] = b_tile[k][tx + v * SIDE];
      for (uint j = 0; j < OUTER_ROWS; j++) {
        const float a_now = a_tile[k][ty + j * SIDE];
        for (uint v = 0; v < OUTER_COLUMNS; v++)
          sums[j][v] = MULTIPLY_ADD(a_now, b_now[v], sums[j][v]);
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }

  for (uint j = 0; j < OUTER_ROWS; j++)
    for (uint v = 0; v < OUTER_COLUMNS; v++) {
      const uint r = row + ty + j * SIDE, p = column + tx + v * SIDE;
      if (r >= rows || p >= columns || p % pitch >= width) continue;
      const float sum = sums[j][v] + (bias ? bias[r] : 0.0f);
      const float result = sum > 0.0f ? sum : slope * sum;
      global float *to =
          c + (c_first + (uint)item * c_item) + r * c_row + p / pitch * width + p % pitch;
      *to = add ? *to + result : result;
    }
}
