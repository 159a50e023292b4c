/* Element-wise ops. */

inline floatw activate(floatw x, uint act, float slope) {
  switch (act) {
  case ACT_RELU:
    return x < 0.0f ? (floatw)(0.0f) : x; /* NaN is propagated */
  case ACT_LEAKY_RELU:
    return x > 0.0f ? x : slope * x;
  case ACT_SIGMOID:
    return 1.0f / (1.0f + exp(-x));
  case ACT_TANH:
    return tanh(x);
  default:
    return x;
  }
}

/* The derivative of an activation, given its value y. */
inline floatw derivative(floatw y, uint act, float slope) {
  switch (act) {
  case ACT_RELU:
    return y > 0.0f ? (floatw)(1.0f) : (floatw)(0.0f);
  case ACT_LEAKY_RELU:
    return y > 0.0f ? (floatw)(1.0f) : (floatw)(slope);
  case ACT_SIGMOID:
    return y * (1.0f - y);
  case ACT_TANH:
    return 1.0f - y * y;
  default:
    return 1.0f;
  }
}

/* y[i] = act(x[i]) */
kernel void activation_forward(global const float *x, global float *y, uint count, uint act,
                               float slope) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  store_block(activate(load_block(x + i, count - i), act, slope), y + i, count - i);
}

/* dx[i] (+)= scale dy[i] act'(y[i]) */
kernel void activation_backward(global const float *y, global const float *dy, global float *dx,
                                uint count, uint act, float slope, float scale, uint add) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  const uint left = count - i;
  const floatw slopes = derivative(load_block(y + i, left), act, slope);
  store_gradient(load_block(dy + i, left) * slopes * scale, dx + i, left, add);
}

/* y[i] = a[i] + b[i] */
kernel void sum(global const float *a, global const float *b, global float *y, uint count) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  store_block(load_block(a + i, count - i) + load_block(b + i, count - i), y + i, count - i);
}

/* y[s][i] += row[i] for every sample s */
kernel void add_rows(global const float *row, global float *y, uint count) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  store_gradient(load_block(row + i, count - i), y + get_global_id(1) * count + i, count - i, 1);
}

/* y[i] (+)= x[i] */
kernel void copy(global const float *x, global float *y, uint count, uint add) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  store_gradient(load_block(x + i, count - i), y + i, count - i, add);
}

/* y[y_first + row * y_pitch + i] (+)= x[x_first + row * x_pitch + i] for i < count: copies columns
 * of one matrix to another.
 */
kernel void copy_columns(global const float *x, uint x_first, uint x_pitch, global float *y,
                         uint y_first, uint y_pitch, uint rows, uint count, uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1);
  if (i >= count || row >= rows) return;
  store_gradient(load_block(x + x_first + (size_t)row * x_pitch + i, count - i),
                 y + y_first + (size_t)row * y_pitch + i, count - i, add);
}

/* Dropout, and its gradient: y[s][e] (+)= word(s, e) < threshold ? 0 : scale * x[s][e].
 * A work-item processes WIDTH quads of elements; x may be y.
 */
kernel void dropout(global const float *x, global float *y, uint count, uint threshold, float scale,
                    uint seed, uint stream, uint step, uint place, uint add) {
  const uint first = get_global_id(0) * WIDTH * 4, sample = get_global_id(1);
  if (first >= count) return;
  uint words[4 * WIDTH];
  philox(first / 4, place + sample, step, (uint2)(seed, stream), words);
  for (uint i = 0; i < 4 * WIDTH && first + i < count; i += WIDTH) {
    const uint left = count - first - i;
    const uintw word = vload_w(0, words + i);
    const size_t at = (size_t)sample * count + first + i;
    const floatw kept = word < threshold ? (floatw)(0.0f) : scale * load_block(x + at, left);
    store_gradient(kept, y + at, left, add);
  }
}

/* y[s][c][r] (+)= x[s][r][c], a matrix of rows x columns per sample. */
kernel void transpose(global const float *x, global float *y, uint rows, uint columns, uint add) {
  const uint row = get_global_id(0), column = get_global_id(1), sample = get_global_id(2);
  if (row >= rows || column >= columns) return;
  const uint first = sample * rows * columns;
  global float *to = y + first + column * rows + row;
  const float value = x[first + row * columns + column];
  *to = add ? *to + value : value;
}
