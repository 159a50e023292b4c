/* What a convolution needs around its products: planes with their padding, and sums.
 *
 * A padded plane is laid out in lines of `pitch`; with strides it is split in
 * phases, so that what one kernel element meets lies side by side: element
 * (Y, X) of the padded plane is in phase (Y % phases_y, X % phases_x) at line
 * Y / phases_y, place X / phases_x. The source [height, width] lies in it at
 * `origin`, its elements `dilation` apart; all else is zero.
 */

/* from[i] times the slope where of[i], if there is such, isn't positive. */
inline float scaled(global const float *from, global const float *of, float slope, uint i) {
  return of && !(of[i] > 0.0f) ? slope * from[i] : from[i];
}

/* One line of a padded plane: element X lies at x = X * phases - origin of the source, dilated. */
inline void pad_line(global const float *from, global const float *of, float slope,
                     global float *to, uint width, uint pitch, int x0, uint phases,
                     uint dilation) {
  const uint step = get_local_size(0);
  for (uint column = get_local_id(0); column < pitch; column += step) {
    const int x = x0 + (int)(column * phases);
    const bool inside = x >= 0 && x % (int)dilation == 0 && x / (int)dilation < (int)width;
    to[column] = inside ? scaled(from, of, slope, (uint)x / dilation) : 0.0f;
  }
}

/* The same without phases and dilation. */
inline void pad_dense_line(global const float *restrict from, global const float *restrict of,
                           float slope, global float *restrict to, uint width, uint pitch,
                           int origin) {
  const uint step = get_local_size(0);
  for (uint column = get_local_id(0); column < pitch; column += step) {
    const int x = (int)column - origin;
    to[column] = x >= 0 && x < (int)width ? scaled(from, of, slope, (uint)x) : 0.0f;
  }
}

/* One work-group a plane: to = from * (of > 0 ? 1 : slope), where `of` isn't NULL. */
kernel void pad_planes(global const float *restrict from, global const float *restrict of,
                       float slope, global float *restrict to, uint to_first, uint height,
                       uint width, uint lines, uint pitch, uint phases_y, uint phases_x,
                       int origin_y, int origin_x, uint dilation_y, uint dilation_x) {
  const size_t plane = get_global_id(2);
  const uint phase_lines = phases_y * phases_x * lines;
  to += to_first + plane * phase_lines * pitch;
  for (uint line = get_local_id(1); line < phase_lines; line += get_local_size(1)) {
    const uint phase = line / lines;
    const int y = (int)(line % lines * phases_y + phase / phases_x) - origin_y;
    const bool inside = y >= 0 && y % (int)dilation_y == 0 && y / (int)dilation_y < (int)height;
    const size_t row = (plane * height + (inside ? (uint)y / dilation_y : 0)) * width;
    global const float *of_row = of ? of + row : 0;
    const uint row_width = inside ? width : 0;
    if (phases_x == 1 && dilation_x == 1)
      pad_dense_line(from + row, of_row, slope, to + line * pitch, row_width, pitch, origin_x);
    else
      pad_line(from + row, of_row, slope, to + line * pitch, row_width, pitch,
               (int)(phase % phases_x) - origin_x, phases_x, dilation_x);
  }
}

/* sums[sums_first + plane] = the sum of a plane of `count` numbers. */
kernel void sum_planes(global const float *from, uint from_first, global float *sums,
                       uint sums_first, uint count, uint planes) {
  const size_t plane = get_global_id(0);
  if (plane >= planes) return;
  from += from_first + plane * count;
  floatw total = 0.0f;
  uint i = 0;
  for (; i + WIDTH <= count; i += WIDTH) total += vload_w(0, from + i);
  if (i < count) total += load_block(from + i, count - i);
  sums[sums_first + plane] = add_lanes(total);
}

/* to[i][j] = the sum over the parts of from[part][j][i]. */
kernel void sum_parts(global const float *from, uint from_first, global float *to, uint rows,
                      uint columns, uint parts) {
  const uint i = get_global_id(0), j = get_global_id(1);
  if (i >= columns || j >= rows) return;
  float total = 0.0f;
  for (uint part = 0; part < parts; part++)
    total += from[from_first + ((size_t)part * rows + j) * columns + i];
  to[i * rows + j] = total;
}

#define COLUMN_BLOCK 64

/* sums[c] = the sum over the rows of from[row][c], in blocks of rows for the sake of rounding. */
kernel void sum_columns(global const float *from, uint from_first, global float *sums, uint rows,
                        uint columns) {
  const uint c = get_global_id(0) * WIDTH;
  if (c >= columns) return;
  from += from_first;
  floatw total = 0.0f;
  for (uint row0 = 0; row0 < rows; row0 += COLUMN_BLOCK) {
    floatw block = 0.0f;
    for (uint row = row0; row < min(row0 + COLUMN_BLOCK, rows); row++)
      block += load_block(from + row * columns + c, columns - c);
    total += block;
  }
  store_block(total, sums + c, columns - c);
}
