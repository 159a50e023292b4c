/* Pooling over windows that are dilated, unequally padded, or of unequal sizes; the third dimension
 * counts planes. Forward saves the index of each maximum in its plane. Backward kernels gather: each
 * input reads the windows that it may be in.
 */

/* The dg_pool_axis of core/op. */
typedef struct {
  uint size, out, kernel_size, stride, dilation, begin, end;
} pool_axis;

/* The sizes of backends/opencl/pool/window_pool2d.c. */
typedef struct {
  pool_axis rows, columns;
  uint count_padding;
} pool_sizes;

/* The dg_pool_span of core/op. */
typedef struct {
  int first, count, step, all;
} pool_span;

inline pool_span span_of(constant pool_axis *a, uint i) {
  if (a->kernel_size == 0) {
    const int first = (int)((ulong)i * a->size / a->out);
    const int count = (int)(((ulong)(i + 1) * a->size + a->out - 1) / a->out) - first;
    return (pool_span){first, count, 1, count};
  }
  const int step = a->dilation, start = (int)(i * a->stride) - (int)a->begin;
  if (step == 1) { /* without divisions, which are slow */
    const int from = max(start, 0), to = min(start + (int)a->kernel_size, (int)a->size);
    return (pool_span){from, to - from, 1,
                       min((int)a->kernel_size, (int)(a->size + a->end) - start)};
  }
  const int skipped = start < 0 ? (step - 1 - start) / step : 0, first = start + skipped * step;
  const int inside = ((int)a->size - 1 - first) / step + 1;
  const int all = ((int)(a->size + a->end) - 1 - start) / step + 1;
  return (pool_span){first, min((int)a->kernel_size - skipped, inside), step,
                     min((int)a->kernel_size, all)};
}

/* The first and the last window that number `at` may be in. */
inline uint2 may_hold(constant pool_axis *a, uint at) {
  if (a->kernel_size == 0)
    return (uint2)((uint)((ulong)at * a->out / a->size),
                   (uint)(((ulong)(at + 1) * a->out + a->size - 1) / a->size - 1));
  return windows_of(at + a->begin, a->dilation * (a->kernel_size - 1) + 1, a->stride, a->out);
}

kernel void window_max_forward(global const float *x, global float *y, global uint *places,
                               constant pool_sizes *s, uint keep) {
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  if (ox >= s->columns.out || oy >= s->rows.out) return;
  const pool_span rows = span_of(&s->rows, oy), columns = span_of(&s->columns, ox);
  const uint width = s->columns.size;
  global const float *from = x + (size_t)plane * s->rows.size * width;
  uint place = (uint)rows.first * width + columns.first;
  float best = from[place];
  for (int r = 0; r < rows.count; r++)
    for (int c = 0; c < columns.count; c++) {
      const uint at =
          (uint)(rows.first + r * rows.step) * width + (uint)(columns.first + c * columns.step);
      const float v = from[at];
      if (v > best || (isnan(v) && !isnan(best))) {
        best = v;
        place = at;
      }
    }
  const size_t to = ((size_t)plane * s->rows.out + oy) * s->columns.out + ox;
  y[to] = best;
  if (keep) places[to] = place;
}

kernel void window_max_backward(global const float *dy, global const uint *places,
                                global float *dx, constant pool_sizes *s, uint add) {
  const uint c = get_global_id(0), r = get_global_id(1), plane = get_global_id(2);
  if (c >= s->columns.size || r >= s->rows.size) return;
  const uint2 ys = may_hold(&s->rows, r), xs = may_hold(&s->columns, c);
  const uint own = r * s->columns.size + c;
  float gradient = 0.0f;
  for (uint oy = ys.x; oy <= ys.y; oy++)
    for (uint ox = xs.x; ox <= xs.y; ox++) {
      const size_t out = ((size_t)plane * s->rows.out + oy) * s->columns.out + ox;
      if (places[out] == own) gradient += dy[out];
    }
  global float *to = dx + (size_t)plane * s->rows.size * s->columns.size + own;
  *to = add ? *to + gradient : gradient;
}

/* The numbers that an average is divided by. */
inline float divisor_of(constant pool_sizes *s, pool_span rows, pool_span columns) {
  return s->count_padding ? (float)rows.all * (float)columns.all
                          : (float)rows.count * (float)columns.count;
}

kernel void window_average_forward(global const float *x, global float *y, constant pool_sizes *s) {
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  if (ox >= s->columns.out || oy >= s->rows.out) return;
  const pool_span rows = span_of(&s->rows, oy), columns = span_of(&s->columns, ox);
  global const float *from = x + (size_t)plane * s->rows.size * s->columns.size +
                             (uint)rows.first * s->columns.size + columns.first;
  float total = 0.0f;
  for (int r = 0; r < rows.count; r++, from += s->columns.size)
    for (int c = 0; c < columns.count; c++) total += from[c];
  y[((size_t)plane * s->rows.out + oy) * s->columns.out + ox] =
      total / divisor_of(s, rows, columns);
}

kernel void window_average_backward(global const float *dy, global float *dx,
                                    constant pool_sizes *s, uint add) {
  const uint c = get_global_id(0), r = get_global_id(1), plane = get_global_id(2);
  if (c >= s->columns.size || r >= s->rows.size) return;
  const uint2 ys = may_hold(&s->rows, r), xs = may_hold(&s->columns, c);
  float gradient = 0.0f;
  for (uint oy = ys.x; oy <= ys.y; oy++) {
    const pool_span rows = span_of(&s->rows, oy);
    for (uint ox = xs.x; ox <= xs.y; ox++)
      gradient += dy[((size_t)plane * s->rows.out + oy) * s->columns.out + ox] /
                  divisor_of(s, rows, span_of(&s->columns, ox));
  }
  global float *to = dx + ((size_t)plane * s->rows.size + r) * s->columns.size + c;
  *to = add ? *to + gradient : gradient;
}
