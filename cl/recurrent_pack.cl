/* The parameters of a recurrent layer, laid out so that a step reads them one after the other.
 * What is past the end of a tensor is zero; `padded` is `hidden` in whole vectors of 16.
 */
#define PANEL 2 /* vectors of a row of weights that backward takes together */

/* For forward: of each block of 16 hidden units, beginning to_block apart, rows of `gates` gates
   at to_first: to[block][k][g][lane] = from[(g + shift) % GATES][unit][k]. */
kernel void recurrent_pack_gates(global const float *restrict from, uint columns, uint hidden,
                                 uint gates, uint shift, global float *restrict to, uint to_first,
                                 uint to_block) {
  const uint k = get_global_id(0), block = get_global_id(1);
  if (k >= columns || block * 16 >= hidden) return;
  to += to_first + block * to_block + k * gates * 16;
  for (uint g = 0; g < gates; g++) {
    const uint gate = (g + shift) % GATES;
    float lanes[16];
    for (uint lane = 0; lane < 16; lane++) {
      const uint unit = block * 16 + lane;
      lanes[lane] = unit < hidden ? from[(gate * hidden + unit) * columns + k] : 0.0f;
    }
    vstore16(vload16(0, lanes), g, to);
  }
}

/* For forward, at the head of each block: what the SUMS of a step begin with. The biases b, of
   W x, and c, of U h, may be NULL. */
kernel void recurrent_pack_biases(global const float *b, global const float *c, uint hidden,
                                  global float *restrict to, uint to_block) {
  const uint lane = get_global_id(0) % 16, block = get_global_id(0) / 16, unit = get_global_id(0);
  if (block * 16 >= hidden) return;
  to += block * to_block + lane;
  for (uint v = 0; v < SUMS; v++) {
    const uint gate = RESET_AFTER ? (v + 2) % GATES : v;
    const bool of_x = !RESET_AFTER || v < 3, of_h = !RESET_AFTER || v > 0;
    float sum = 0.0f;
    if (b && of_x && unit < hidden) sum += b[gate * hidden + unit];
    if (c && of_h && unit < hidden) sum += c[gate * hidden + unit];
    to[v * 16] = sum;
  }
}

/* For backward: of each panel of PANEL * 16 columns (the last one narrower), the rows of `gates`
   gates, padded each: to[panel][g][unit][column] = from[(g + shift) % GATES][unit][column]. */
kernel void recurrent_pack_rows(global const float *restrict from, uint columns, uint hidden,
                                uint gates, uint shift, global float *restrict to, uint to_first) {
  const uint padded = (hidden + 15) / 16 * 16, padded_columns = (columns + 15) / 16 * 16;
  const uint row = get_global_id(0), column = get_global_id(1) * 16;
  if (row >= gates * padded || column >= columns) return;
  const uint unit = row % padded, gate = (row / padded + shift) % GATES;
  const uint panel = column / (PANEL * 16) * (PANEL * 16);
  const uint width = min(padded_columns - panel, (uint)PANEL * 16);
  to += to_first + panel * gates * padded + row * width + column - panel;
  from += (gate * hidden + unit) * columns + column;
  for (uint lane = 0; lane < 16; lane++)
    to[lane] = unit < hidden && column + lane < columns ? from[lane] : 0.0f;
}
