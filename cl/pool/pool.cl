/* Pooling over windows of planes [height, width]; the third dimension counts planes.
 *
 * max_forward also saves, for each output, the index of its maximum in the window (in row-major
 * order), from which max_backward finds the input that gets the gradient; x and y begin at x_first
 * and y_first of their buffers. Backward kernels gather: each input reads the windows it is in, so
 * that no two work-items write to the same address.
 */

kernel void max_forward(global const float *x, global float *y, global ushort *places, uint x_first,
                        uint y_first, uint height, uint width, uint out_h, uint out_w,
                        uint kernel_h, uint kernel_w, uint stride_h, uint stride_w, uint pad_h,
                        uint pad_w, uint keep) {
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  if (ox >= out_w || oy >= out_h) return;
  const int top = (int)(oy * stride_h) - (int)pad_h, left = (int)(ox * stride_w) - (int)pad_w;
  const int y0 = max(top, 0), y1 = min(top + (int)kernel_h, (int)height);
  const int x0 = max(left, 0), x1 = min(left + (int)kernel_w, (int)width);
  global const float *from = x + x_first + plane * height * width;
  float best = from[y0 * (int)width + x0];
  int place = (y0 - top) * (int)kernel_w + x0 - left;
  for (int r = y0; r < y1; r++)
    for (int c = x0; c < x1; c++) {
      const float v = from[r * (int)width + c];
      if (v > best || (isnan(v) && !isnan(best))) {
        best = v;
        place = (r - top) * (int)kernel_w + c - left;
      }
    }
  const uint to = y_first + (plane * out_h + oy) * out_w + ox;
  y[to] = best;
  if (keep) places[to] = (ushort)place;
}

/* The windows of one dimension that contain `at` (counted from the padding's edge): first and
   last. */
inline uint2 windows_of(uint at, uint kernel_size, uint stride, uint out) {
  const uint first = at < kernel_size ? 0 : (at - kernel_size) / stride + 1;
  return (uint2)(first, min(at / stride, out - 1));
}

kernel void max_backward(global const float *dy, global const ushort *places, global float *dx,
                         uint height, uint width, uint out_h, uint out_w, uint kernel_h,
                         uint kernel_w, uint stride_h, uint stride_w, uint pad_h, uint pad_w,
                         uint add) {
  const uint c = get_global_id(0), r = get_global_id(1), plane = get_global_id(2);
  if (c >= width || r >= height) return;
  const uint2 ys = windows_of(r + pad_h, kernel_h, stride_h, out_h);
  const uint2 xs = windows_of(c + pad_w, kernel_w, stride_w, out_w);
  float gradient = 0.0f;
  for (uint oy = ys.x; oy <= ys.y; oy++)
    for (uint ox = xs.x; ox <= xs.y; ox++) {
      const uint out = (plane * out_h + oy) * out_w + ox;
      const uint place = (r + pad_h - oy * stride_h) * kernel_w + c + pad_w - ox * stride_w;
      if (places[out] == place) gradient += dy[out];
    }
  global float *to = dx + (plane * height + r) * width + c;
  *to = add ? *to + gradient : gradient;
}

kernel void average_forward(global const float *x, global float *y, uint height, uint width,
                            uint out_h, uint out_w, uint kernel_h, uint kernel_w, uint stride_h,
                            uint stride_w, uint pad_h, uint pad_w, uint add) {
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  if (ox >= out_w || oy >= out_h) return;
  const int top = (int)(oy * stride_h) - (int)pad_h, left = (int)(ox * stride_w) - (int)pad_w;
  const int y0 = max(top, 0), y1 = min(top + (int)kernel_h, (int)height);
  const int x0 = max(left, 0), x1 = min(left + (int)kernel_w, (int)width);
  global const float *from = x + plane * height * width;
  float total = 0.0f;
  for (int r = y0; r < y1; r++)
    for (int c = x0; c < x1; c++) total += from[r * (int)width + c];
  const float average = total / (float)(kernel_h * kernel_w);
  global float *to = y + (plane * out_h + oy) * out_w + ox;
  *to = add ? *to + average : average;
}

kernel void average_backward(global const float *dy, global float *dx, uint height, uint width,
                             uint out_h, uint out_w, uint kernel_h, uint kernel_w, uint stride_h,
                             uint stride_w, uint pad_h, uint pad_w, uint add) {
  const uint c = get_global_id(0), r = get_global_id(1), plane = get_global_id(2);
  if (c >= width || r >= height) return;
  const uint2 ys = windows_of(r + pad_h, kernel_h, stride_h, out_h);
  const uint2 xs = windows_of(c + pad_w, kernel_w, stride_w, out_w);
  float gradient = 0.0f;
  for (uint oy = ys.x; oy <= ys.y; oy++)
    for (uint ox = xs.x; ox <= xs.y; ox++) gradient += dy[(plane * out_h + oy) * out_w + ox];
  gradient /= (float)(kernel_h * kernel_w);
  global float *to = dx + (plane * height + r) * width + c;
  *to = add ? *to + gradient : gradient;
}

/* ---- windows of 2 x 2, side by side, on CPUs ----------------------------
 *
 * The planes are out_h x out_w such windows, out_w >= 4. A work-item processes
 * a line of windows in blocks of four; the last block of a line may overlap the
 * previous one.
 */

/* Which of best and x is the maximum, if x comes later: as in max_forward. */
inline int4 is_better(float4 x, float4 best) {
  return (x > best) | (isnan(x) & ~isnan(best));
}

kernel void max_forward_2x2(global const float *x, global float *y, global ushort *places,
                            uint x_first, uint y_first, uint out_w, uint lines, uint keep) {
  const uint line = get_global_id(0);
  if (line >= lines) return;
  global const float *from = x + x_first + (size_t)line * out_w * 4;
  const size_t first = y_first + (size_t)line * out_w;
  for (uint block = 0; block < out_w; block += 4) {
    const uint at = min(block, out_w - 4);
    const float8 top = vload8(0, from + 2 * at), bottom = vload8(0, from + 2 * (out_w + at));
    float4 best = top.even;
    int4 place = 0;
    const float4 others[3] = {top.odd, bottom.even, bottom.odd};
#pragma unroll
    for (int i = 0; i < 3; i++) {
      const int4 better = is_better(others[i], best);
      best = select(best, others[i], better);
      place = select(place, (int4)(i + 1), better);
    }
    vstore4(best, 0, y + first + at);
    if (keep) vstore4(convert_ushort4(place), 0, places + first + at);
  }
}

kernel void max_backward_2x2(global const float *dy, global const ushort *places,
                             global float *dx, uint out_w, uint lines) {
  const uint line = get_global_id(0);
  if (line >= lines) return;
  global float *to = dx + (size_t)line * out_w * 4;
  const size_t first = (size_t)line * out_w;
  for (uint block = 0; block < out_w; block += 4) {
    const uint at = min(block, out_w - 4);
    const float4 d = vload4(0, dy + first + at);
    const int4 place = convert_int4(vload4(0, places + first + at));
    float8 top, bottom;
    top.even = select((float4)(0.0f), d, place == 0);
    top.odd = select((float4)(0.0f), d, place == 1);
    bottom.even = select((float4)(0.0f), d, place == 2);
    bottom.odd = select((float4)(0.0f), d, place == 3);
    vstore8(top, 0, to + 2 * at);
    vstore8(bottom, 0, to + 2 * (out_w + at));
  }
}
