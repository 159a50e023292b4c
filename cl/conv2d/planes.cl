/* Kernels that convolutions use besides the products: padding of planes, and sums.
 *
 * A padded plane is laid out in lines of `pitch`; with strides it is split into phases, so that the
 * elements that meet one kernel element are adjacent: element
 * (Y, X) of the padded plane is in phase (Y % phases_y, X % phases_x) at line Y / phases_y, column
 * X / phases_x. The source [height, width] is in it at `origin`, its elements `dilation` apart;
 * everything else is zero. Plane i begins at
 * to_first + i * to_plane.
 */

/* One work-group per plane: to = from * (of > 0 ? 1 : slope), if `of` isn't NULL. */
kernel void pad_planes(global const float *restrict from, global const float *restrict of,
                       float slope, global float *restrict to, uint to_first, uint to_plane,
                       uint height, uint width, uint lines, uint pitch, uint phases_y,
                       uint phases_x, int origin_y, int origin_x, uint dilation_y,
                       uint dilation_x) {
  const size_t plane = get_global_id(2), first = plane * height * width;
  const uint phase_lines = phases_y * phases_x * lines;
  to += to_first + plane * to_plane;
  for (uint line = get_local_id(1); line < phase_lines; line += get_local_size(1)) {
    const uint phase = line / lines;
    const int y = (int)(line % lines * phases_y + phase / phases_x) - origin_y;
    const bool inside_y = y >= 0 && y % (int)dilation_y == 0 && y / (int)dilation_y < (int)height;
    for (uint column = get_local_id(0); column < pitch; column += get_local_size(0)) {
      const int x = (int)(column * phases_x + phase % phases_x) - origin_x;
      float value = 0.0f;
      if (inside_y && x >= 0 && x % (int)dilation_x == 0 && x / (int)dilation_x < (int)width) {
        const size_t place = first + y / (int)dilation_y * width + x / (int)dilation_x;
        value = from[place];
        if (of && !(of[place] > 0.0f)) value *= slope;
      }
      to[line * pitch + column] = value;
    }
  }
}

/* to[i] = from[i] * (of[i] > 0 ? 1 : slope) for i < count, in vectors that overlap at the end. */
inline void pad_run(global const float *from, global const float *of, float slope,
                    global float *to, uint count) {
  for (uint i = 0; count >= 16 && i < count; i += 16) {
    const uint at = min(i, count - 16);
    const float16 value = vload16(0, from + at);
    vstore16(!of ? value : select(slope * value, value, vload16(0, of + at) > 0.0f), 0, to + at);
  }
  for (uint i = 0; count < 16 && count >= 4 && i < count; i += 4) {
    const uint at = min(i, count - 4);
    const float4 value = vload4(0, from + at);
    vstore4(!of ? value : select(slope * value, value, vload4(0, of + at) > 0.0f), 0, to + at);
  }
  for (uint i = 0; count < 4 && i < count; i++)
    to[i] = !of || of[i] > 0.0f ? from[i] : slope * from[i];
}

inline void zero_run(global float *to, uint count) {
  uint i = 0;
  for (; i + 16 <= count; i += 16) vstore16(0.0f, 0, to + i);
  for (; i < count; i++) to[i] = 0.0f;
}

/* pad_planes without phases and dilation, and with a non-negative origin; one work-item per
   plane. */
kernel void pad_dense_planes(global const float *from, global const float *of, float slope,
                             global float *to, uint to_first, uint to_plane, uint height,
                             uint width, uint lines, uint pitch, uint origin_y, uint origin_x) {
  const size_t plane = get_global_id(0);
  to += to_first + plane * to_plane;
  zero_run(to, origin_y * pitch);
  for (uint y = 0; y < height; y++) {
    const size_t row = (plane * height + y) * width;
    global float *line = to + (origin_y + y) * pitch;
    zero_run(line, origin_x);
    pad_run(from + row, of ? of + row : 0, slope, line + origin_x, width);
    zero_run(line + origin_x + width, pitch - origin_x - width);
  }
  zero_run(to + (origin_y + height) * pitch, (lines - origin_y - height) * pitch);
}

/* pad_planes without phases and dilation, with a non-negative origin, for the gradient of a max
 * pooling over adjacent pool x pool windows: to = scale from * (of > 0 ? 1 : slope) of the window
 * at the index of its maximum in `places`, else 0.
 */
kernel void pad_pooled_planes(global const float *from, global const float *of, float slope,
                              float scale, global const ushort *places, global float *to,
                              uint to_first, uint to_plane, uint out_h, uint out_w, uint pool,
                              uint lines, uint pitch, uint origin_y, uint origin_x) {
  const uint column = get_global_id(0), line = get_global_id(1), plane = get_global_id(2);
  if (column >= pitch || line >= lines) return;
  const uint y = line - origin_y, x = column - origin_x; /* negative before the origin: wraps */
  float value = 0.0f;
  if (y < out_h * pool && x < out_w * pool) {
    const uint window = (plane * out_h + y / pool) * out_w + x / pool;
    if (places[window] == y % pool * pool + x % pool) {
      value = scale * from[window];
      if (of && !(of[window] > 0.0f)) value *= slope;
    }
  }
  to[to_first + (size_t)plane * to_plane + line * pitch + column] = value;
}

/* The same for windows of 2 x 2, out_w >= 4, for CPUs; one work-item per plane. */
kernel void pad_pooled_planes_2x2(global const float *from, global const float *of, float slope,
                                  float scale, global const ushort *places, global float *to,
                                  uint to_first, uint to_plane, uint out_h, uint out_w, uint lines,
                                  uint pitch, uint origin_y, uint origin_x) {
  const size_t plane = get_global_id(0);
  to += to_first + plane * to_plane;
  zero_run(to, origin_y * pitch);
  for (uint oy = 0; oy < out_h; oy++) {
    const size_t first = (plane * out_h + oy) * out_w;
    global float *top = to + (origin_y + 2 * oy) * pitch, *bottom = top + pitch;
    const uint end = origin_x + 2 * out_w;
    zero_run(top, origin_x);
    zero_run(bottom, origin_x);
    for (uint block = 0; block < out_w; block += 4) {
      const uint at = min(block, out_w - 4);
      float4 d = scale * vload4(0, from + first + at);
      if (of) d = select(slope * d, d, vload4(0, of + first + at) > 0.0f);
      const int4 place = convert_int4(vload4(0, places + first + at));
      float8 upper, lower;
      upper.even = select((float4)(0.0f), d, place == 0);
      upper.odd = select((float4)(0.0f), d, place == 1);
      lower.even = select((float4)(0.0f), d, place == 2);
      lower.odd = select((float4)(0.0f), d, place == 3);
      vstore8(upper, 0, top + origin_x + 2 * at);
      vstore8(lower, 0, bottom + origin_x + 2 * at);
    }
    zero_run(top + end, pitch - end);
    zero_run(bottom + end, pitch - end);
  }
  zero_run(to + (origin_y + 2 * out_h) * pitch, (lines - origin_y - 2 * out_h) * pitch);
}

/* sums[sums_first + plane] = the sum of a plane of `count` numbers, times slope where `of`, if not
 * NULL, isn't positive.
 */
kernel void sum_planes(global const float *from, uint from_first, uint from_plane,
                       global const float *of, float slope, global float *sums, uint sums_first,
                       uint count, uint planes) {
  const size_t plane = get_global_id(0);
  if (plane >= planes) return;
  const size_t first = from_first + plane * from_plane;
  floatw total = 0.0f;
  for (uint i = 0; i < count; i += WIDTH) {
    floatw value = load_block(from + first + i, count - i);
    if (of) value = load_block(of + first + i, count - i) > 0.0f ? value : slope * value;
    total += value;
  }
  sums[sums_first + plane] = add_lanes(total);
}

/* to[z][i][j] = the sum over the parts of from[part][z][j][i]. */
kernel void sum_parts(global const float *from, uint from_first, global float *to, uint rows,
                      uint columns, uint parts) {
  const uint i = get_global_id(0), j = get_global_id(1), z = get_global_id(2);
  if (i >= columns || j >= rows) return;
  const uint area = rows * columns, part_size = area * get_global_size(2);
  from += from_first + z * area + j * columns + i;
  float total = 0.0f;
  for (uint part = 0; part < parts; part++) total += from[(size_t)part * part_size];
  to[z * area + i * rows + j] = total;
}

#define COLUMN_BLOCK 64

/* sums[c] = the sum over the rows of from[row][c], in blocks of rows to reduce rounding errors. */
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
