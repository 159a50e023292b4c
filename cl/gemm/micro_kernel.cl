/* The micro-kernel of products with packed weights: for each step of the sum, a panel holds the
 * weights of 32 columns contiguously.
 */
#define PANEL_ROWS 14
#define PANEL_VECTORS 2
#define PANEL_LINE (16 * PANEL_VECTORS)

/* sums[r][v] += the sum over k < depth of a[min(r, rows - 1) * a_row + k] panel[k][v], for r <
 * tile_rows and v < vectors: constants after inlining, so that the loops are unrolled.
 */
__attribute__((always_inline)) inline void
micro_kernel(float16 sums[PANEL_ROWS][PANEL_VECTORS], global const float *a, uint a_row, uint rows,
             global const float *panel, uint depth, const uint tile_rows, const uint vectors) {
  global const float *lines[PANEL_ROWS];
#pragma unroll
  for (uint r = 0; r < tile_rows; r++) lines[r] = a + (size_t)min(r, rows - 1) * a_row;
  for (uint k = 0; k < depth; k++) {
    float16 b[PANEL_VECTORS];
#pragma unroll
    for (uint v = 0; v < vectors; v++) b[v] = vload16(v, panel);
    panel += PANEL_LINE;
#pragma unroll
    for (uint r = 0; r < tile_rows; r++) {
      const float16 factor = lines[r][k];
#pragma unroll
      for (uint v = 0; v < vectors; v++) sums[r][v] = MULTIPLY_ADD(factor, b[v], sums[r][v]);
    }
  }
}
