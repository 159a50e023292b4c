/* The parameters of a recurrent layer, packed in the order in which a step reads them. Data past
 * the end of a tensor is zero; `padded` is `hidden`, or `columns`, rounded up to whole vectors.
 */
#define PANEL 2 /* vectors of a row of weights that backward processes together */

/* For forward: for each block of 16 hidden units, to_block apart, padded rows of `gates` gates at
   to_first: to[block][k][g][lane] = from[(g + shift) % GATES][unit][k]. */
kernel void recurrent_pack_gates(global const float *restrict from, uint columns, uint hidden,
                                 uint gates, uint shift, global float *restrict to, uint to_first,
                                 uint to_block) {
  const uint padded = (columns + 15) / 16 * 16;
  const uint k = get_global_id(0), block = get_global_id(1);
  if (k >= padded) return;
  to += to_first + block * to_block + k * gates * 16;
  for (uint g = 0; g < gates; g++) {
    const uint gate = (g + shift) % GATES;
    for (uint lane = 0; lane < 16; lane++) {
      const uint unit = block * 16 + lane;
      const bool inside = unit < hidden && k < columns;
      to[g * 16 + lane] = inside ? from[(gate * hidden + unit) * columns + k] : 0.0f;
    }
  }
}

/* For forward, at the start of each block: the initial values of a step's SUMS. The biases b, of W
   x, and c, of U h, may be NULL. */
kernel void recurrent_pack_biases(global const float *b, global const float *c, uint hidden,
                                  global float *restrict to, uint to_block) {
  const uint unit = get_global_id(0);
  to += unit / 16 * to_block + unit % 16;
  for (uint v = 0; v < SUMS; v++) {
    const uint gate = RESET_AFTER ? (v + 2) % GATES : v;
    const bool of_x = !RESET_AFTER || v < 3, of_h = !RESET_AFTER || v > 0;
    float sum = 0.0f;
    if (b && of_x && unit < hidden) sum += b[gate * hidden + unit];
    if (c && of_h && unit < hidden) sum += c[gate * hidden + unit];
    to[v * 16] = sum;
  }
}

/* For backward: for each panel of PANEL * 16 columns (the last one may be narrower), rows of
   `gates` gates: to[panel][block of units][g][unit][column] = from[(g + shift) %
   GATES][unit][column]. */
kernel void recurrent_pack_rows(global const float *restrict from, uint columns, uint hidden,
                                uint gates, uint shift, global float *restrict to, uint to_first) {
  const uint rows = (hidden + 15) / 16 * 16 * gates, padded = (columns + 15) / 16 * 16;
  const uint row = get_global_id(0), column = get_global_id(1) * 16;
  if (row >= rows) return;
  const uint unit = row / 16 / gates * 16 + row % 16, gate = (row / 16 % gates + shift) % GATES;
  const uint panel = column / (PANEL * 16) * (PANEL * 16);
  const uint width = min(padded - panel, (uint)PANEL * 16);
  to += to_first + panel * rows + row * width + column - panel;
  from += (gate * hidden + unit) * columns + column;
  for (uint lane = 0; lane < 16; lane++)
    to[lane] = unit < hidden && column + lane < columns ? from[lane] : 0.0f;
}

/* to[gate][row][column] = the sum of from[part][(gate + shift) % slots][row][column] over `parts`
   parts, part_size apart; rows of `from` are padded, and each slot has from_rows of them. */
kernel void recurrent_sum_parts(global const float *restrict from, uint from_first, uint parts,
                                uint part_size, uint from_rows, uint shift, uint slots,
                                global float *restrict to, uint rows, uint columns) {
  const uint padded = (columns + 15) / 16 * 16;
  const uint column = get_global_id(0) * WIDTH, row = get_global_id(1), gate = get_global_id(2);
  if (column >= columns) return;
  from += from_first + ((gate + shift) % slots * from_rows + row) * padded + column;
  floatw sum = 0.0f;
  for (uint part = 0; part < parts; part++) sum += vload_w(0, from + (size_t)part * part_size);
  store_block(sum, to + (gate * rows + row) * columns + column, columns - column);
}
