/* The inner-product variant of gemm (defined in cl/gemm/inner_tile.cl), for GPUs, tiled like
 * cl/gemm/outer_group.cl: INNER_ROWS x INNER_COLUMNS sums per work-item, of rows of y and x.
 */
#define X_TILE (SIDE * INNER_COLUMNS)
#define Y_TILE (SIDE * INNER_ROWS)

kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void
gemm_inner(global const float *restrict x, uint x_first, uint x_row, uint x_item,
           global const float *restrict y, uint y_item, global const uint2 *restrict offsets,
           uint count, uint items, uint share, global const float *restrict bias, float slope,
           global float *restrict c, uint c_first, uint c_row, uint c_share, uint x_rows,
           uint y_rows) {
  local float x_tile[INNER_DEPTH][X_TILE + 1], y_tile[INNER_DEPTH][Y_TILE + 1];
  const uint tx = get_local_id(0), ty = get_local_id(1), lane = ty * SIDE + tx;
  const uint i0 = get_group_id(0) * X_TILE, j0 = get_group_id(1) * Y_TILE;
  const uint z = get_global_id(2);
  float sums[INNER_ROWS][INNER_COLUMNS];
  for (uint j = 0; j < INNER_ROWS; j++)
    for (uint i = 0; i < INNER_COLUMNS; i++) sums[j][i] = 0.0f;

  for (uint s = z * share; s < min((z + 1) * share, items); s++) {
    for (uint p0 = 0; p0 < count; p0 += INNER_DEPTH) {
      for (uint e = lane; e < INNER_DEPTH * X_TILE; e += SIDE * SIDE) {
        const uint p = e % INNER_DEPTH, r = e / INNER_DEPTH;
        x_tile[p][r] = p0 + p < count && i0 + r < x_rows
                           ? x[x_first + (size_t)s * x_item + (i0 + r) * x_row + p0 + p]
                           : 0.0f;
      }
      for (uint e = lane; e < INNER_DEPTH * Y_TILE; e += SIDE * SIDE) {
        const uint p = e % INNER_DEPTH, r = e / INNER_DEPTH;
        y_tile[p][r] = p0 + p < count && j0 + r < y_rows
                           ? y[(size_t)s * y_item + offsets[j0 + r].y + p0 + p]
                           : 0.0f;
      }
      barrier(CLK_LOCAL_MEM_FENCE);
      for (uint p = 0; p < INNER_DEPTH; p++) {
        float x_now[INNER_COLUMNS];
        for (uint i = 0; i < INNER_COLUMNS; i++) x_now[i] = x_tile[p][tx + i * SIDE];
        for (uint j = 0; j < INNER_ROWS; j++) {
          const float y_now = y_tile[p][ty + j * SIDE];
          for (uint i = 0; i < INNER_COLUMNS; i++)
            sums[j][i] = MULTIPLY_ADD(x_now[i], y_now, sums[j][i]);
        }
      }
      barrier(CLK_LOCAL_MEM_FENCE);
    }
  }

  for (uint j = 0; j < INNER_ROWS; j++)
    for (uint i = 0; i < INNER_COLUMNS; i++) {
      const uint to_i = i0 + tx + i * SIDE, to_j = j0 + ty + j * SIDE;
      if (to_i >= x_rows || to_j >= y_rows) continue;
      const float sum = sums[j][i] + (bias ? bias[to_i] : 0.0f);
      c[c_first + (size_t)z * c_share + to_j * c_row + to_i] = sum > 0.0f ? sum : slope * sum;
    }
}
