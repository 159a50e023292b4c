/* Sums, means and maxima of lines, which are rows in memory, or columns of [outer, count, inner].
 * GROUP work-items process a row together, and `share` rows one after the other; a work-item
 * processes WIDTH columns.
 */

/* The dg_reduce_kind of core/op. */
enum { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX };

/* Numbers that are added up before they go to a sum, so that rounding errors stay small. */
#define REDUCE_BLOCK 64

/* Is x larger than the largest so far? A NaN is, unless there is one already. */
inline intw beats(floatw x, floatw most) {
  return ((x > most) | (x != x)) & (most == most);
}

inline float larger_of(float a, float b) {
  return (b > a || isnan(b)) && !isnan(a) ? b : a;
}

inline float largest_lane(floatw v) {
  float lanes[WIDTH];
  vstore_w(v, 0, lanes);
  float largest = lanes[0];
  for (uint i = 1; i < WIDTH; i++) largest = larger_of(largest, lanes[i]);
  return largest;
}

/* The largest value of the work-items of a group, returned to each of them. */
inline float largest_of_group(float value, local float *shared) {
#if GROUP > 1
  const uint item = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE); /* all have read the previous one */
  shared[item] = value;
  for (uint half_ = GROUP / 2; half_ > 0; half_ /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < half_) shared[item] = larger_of(shared[item], shared[item + half_]);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  return shared[0];
#else
  return value;
#endif
}

/* The largest number of a row. */
inline float row_maximum(global const float *x, uint length, local float *shared) {
  floatw most = -INFINITY;
  for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
    const floatw next = load_block_or(x + i, length - i, -INFINITY);
    most = select(most, next, beats(next, most));
  }
  return largest_of_group(largest_lane(most), shared);
}

inline float row_sum(global const float *x, uint length, local float *shared) {
  const uint step = GROUP * WIDTH;
  floatw sum = 0.0f;
  for (uint first = get_local_id(0) * WIDTH; first < length; first += step * REDUCE_BLOCK) {
    floatw block = 0.0f;
    for (uint k = 0; k < REDUCE_BLOCK && first + k * step < length; k++)
      block += load_block(x + first + k * step, length - first - k * step);
    sum += block;
  }
  return sum_of_group(add_lanes(sum), shared);
}

/* y[row] = factor times the sum of a row, or its largest number. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
reduce_rows(global const float *x, global float *y, uint rows, uint length, uint share, uint kind,
            float factor) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint row = first; row < min(first + share, rows); row++) {
    global const float *from = x + (size_t)row * length;
    const float value = kind == REDUCE_MAX ? row_maximum(from, length, shared)
                                           : factor * row_sum(from, length, shared);
    if (get_local_id(0) == 0) y[row] = value;
  }
}

inline floatw column_sums(global const float *x, uint count, uint inner, uint left) {
  floatw sum = 0.0f;
  for (uint first = 0; first < count; first += REDUCE_BLOCK) {
    floatw block = 0.0f;
    for (uint k = first; k < min(first + REDUCE_BLOCK, count); k++)
      block += load_block(x + (size_t)k * inner, left);
    sum += block;
  }
  return sum;
}

/* The largest number of each column, and the place of the first of it. */
inline floatw column_maxima(global const float *x, uint count, uint inner, uint left,
                            intw *places) {
  floatw most = load_block(x, left);
  *places = 0;
  for (uint k = 1; k < count; k++) {
    const floatw next = load_block(x + (size_t)k * inner, left);
    const intw better = beats(next, most);
    most = select(most, next, better);
    *places = select(*places, (intw)((int)k), better);
  }
  return most;
}

/* The same for columns. */
kernel void reduce_columns(global const float *x, global float *y, uint outer, uint count,
                           uint inner, uint kind, float factor) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = inner - i;
  if (i >= inner || row >= outer) return;
  global const float *from = x + (size_t)row * count * inner + i;
  intw places;
  const floatw value = kind == REDUCE_MAX ? column_maxima(from, count, inner, left, &places)
                                          : factor * column_sums(from, count, inner, left);
  store_block(value, y + (size_t)row * inner + i, left);
}

/* dx (+)= factor dy, each number of dy for all of its line. A work-item processes WIDTH numbers of
 * one of `lines` lines of `length`: of rows, which are `along` memory, or of count lines of columns.
 */
kernel void reduce_spread(global const float *dy, global float *dx, uint length, uint lines,
                          uint count, uint along, float factor, uint add) {
  const uint i = get_global_id(0) * WIDTH, line = get_global_id(1), left = length - i;
  if (i >= length || line >= lines) return;
  floatw value;
  if (along)
    value = dy[line];
  else
    value = load_block(dy + (size_t)(line / count) * length + i, left);
  store_gradient(factor * value, dx + (size_t)line * length + i, left, add);
}

/* dx (+)= dy at the first largest number of a row, 0 elsewhere; a work-item processes a row. */
kernel void maximum_of_row_backward(global const float *x, global const float *dy, global float *dx,
                                    uint rows, uint length, uint add) {
  const uint row = get_global_id(0);
  if (row >= rows) return;
  const size_t at = (size_t)row * length;
  uint place = 0;
  for (uint i = 1; i < length; i++) {
    const float value = x[at + i], most = x[at + place];
    if ((value > most || isnan(value)) && !isnan(most)) place = i;
  }
  for (uint i = 0; i < length && !add; i++) dx[at + i] = 0.0f;
  dx[at + place] = add ? dx[at + place] + dy[row] : dy[row];
}

/* The same for columns. */
kernel void maxima_of_columns_backward(global const float *x, global const float *dy,
                                       global float *dx, uint outer, uint count, uint inner,
                                       uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = inner - i;
  if (i >= inner || row >= outer) return;
  const size_t at = (size_t)row * count * inner + i;
  intw places;
  column_maxima(x + at, count, inner, left, &places);
  const floatw gradient = load_block(dy + (size_t)row * inner + i, left);
  for (uint k = 0; k < count; k++)
    store_gradient(select((floatw)(0.0f), gradient, places == (intw)((int)k)),
                   dx + at + (size_t)k * inner, left, add);
}
