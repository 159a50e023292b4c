/* Softmax, or its logarithm, of lines: of rows in memory, which GROUP work-items process together,
 * `share` rows one after the other; or of columns of [outer, count, inner], WIDTH of them a
 * work-item.
 */

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
softmax_rows(global const float *x, global float *y, uint rows, uint length, uint share,
             uint log_of) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint row = first; row < min(first + share, rows); row++) {
    global const float *from = x + (size_t)row * length;
    global float *to = y + (size_t)row * length;
    const float most = row_maximum(from, length, shared);
    floatw sum = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const floatw power = exp(load_block_or(from + i, length - i, -INFINITY) - most);
      sum += power;
      if (!log_of) store_block(power, to + i, length - i);
    }
    const float total = sum_of_group(add_lanes(sum), shared);
    const float factor = 1.0f / total, shift = log_of ? log(total) : 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      if (log_of)
        store_block(load_block(from + i, left) - most - shift, to + i, left);
      else
        store_block(load_block(to + i, left) * factor, to + i, left);
    }
  }
}

kernel void softmax_columns(global const float *x, global float *y, uint outer, uint count,
                            uint inner, uint log_of) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = inner - i;
  if (i >= inner || row >= outer) return;
  global const float *from = x + (size_t)row * count * inner + i;
  global float *to = y + (size_t)row * count * inner + i;
  intw places;
  const floatw most = column_maxima(from, count, inner, left, &places);
  floatw sum = 0.0f;
  for (uint k = 0; k < count; k++) {
    const floatw power = exp(load_block(from + (size_t)k * inner, left) - most);
    sum += power;
    if (!log_of) store_block(power, to + (size_t)k * inner, left);
  }
  const floatw factor = 1.0f / sum, shift = log_of ? log(sum) : (floatw)(0.0f);
  for (uint k = 0; k < count; k++) {
    const size_t at = (size_t)k * inner;
    if (log_of)
      store_block(load_block(from + at, left) - most - shift, to + at, left);
    else
      store_block(load_block(to + at, left) * factor, to + at, left);
  }
}

/* The gradient of numbers with the results y, whose gradients are g; `sum`: over the line, of g y,
 * or of g for the logarithm.
 */
inline floatw softmax_gradient(floatw y, floatw g, floatw sum, uint log_of) {
  return log_of ? g - exp(y) * sum : y * (g - sum);
}

inline floatw softmax_share(floatw y, floatw g, uint log_of) {
  return log_of ? g : g * y;
}

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
softmax_rows_backward(global const float *y, global const float *dy, global float *dx, uint rows,
                      uint length, uint share, uint log_of, uint add) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint row = first; row < min(first + share, rows); row++) {
    const size_t at = (size_t)row * length;
    floatw sum = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH)
      sum += softmax_share(load_block(y + at + i, length - i), load_block(dy + at + i, length - i),
                           log_of);
    const float total = sum_of_group(add_lanes(sum), shared);
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      const floatw out = load_block(y + at + i, left), g = load_block(dy + at + i, left);
      store_gradient(softmax_gradient(out, g, total, log_of), dx + at + i, left, add);
    }
  }
}

kernel void softmax_columns_backward(global const float *y, global const float *dy,
                                     global float *dx, uint outer, uint count, uint inner,
                                     uint log_of, uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = inner - i;
  if (i >= inner || row >= outer) return;
  const size_t first = (size_t)row * count * inner + i;
  floatw sum = 0.0f;
  for (uint k = 0; k < count; k++) {
    const size_t at = first + (size_t)k * inner;
    sum += softmax_share(load_block(y + at, left), load_block(dy + at, left), log_of);
  }
  for (uint k = 0; k < count; k++) {
    const size_t at = first + (size_t)k * inner;
    const floatw out = load_block(y + at, left), g = load_block(dy + at, left);
    store_gradient(softmax_gradient(out, g, sum, log_of), dx + at, left, add);
  }
}
