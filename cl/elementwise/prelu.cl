/* ReLU with learned slopes. A tensor consists of lines of `length` numbers: the planes of channels,
 * or, if a plane is a single number, rows of all channels (`along`). A work-item processes WIDTH
 * numbers of a line.
 */

inline floatw prelu_slopes(global const float *weight, uint along, uint channels, uint line, uint i,
                           uint left) {
  if (along) return load_block(weight + i, left);
  return weight[line % channels];
}

kernel void prelu_forward(global const float *x, global const float *weight, global float *y,
                          uint lines, uint length, uint channels, uint along) {
  const uint i = get_global_id(0) * WIDTH, line = get_global_id(1), left = length - i;
  if (i >= length || line >= lines) return;
  const size_t at = (size_t)line * length + i;
  const floatw value = load_block(x + at, left);
  const floatw slopes = prelu_slopes(weight, along, channels, line, i, left);
  store_block(value > 0.0f ? value : slopes * value, y + at, left);
}

kernel void prelu_backward(global const float *x, global const float *weight,
                           global const float *dy, global float *dx, uint lines, uint length,
                           uint channels, uint along, uint add) {
  const uint i = get_global_id(0) * WIDTH, line = get_global_id(1), left = length - i;
  if (i >= length || line >= lines) return;
  const size_t at = (size_t)line * length + i;
  const floatw gradient = load_block(dy + at, left);
  const floatw slopes = prelu_slopes(weight, along, channels, line, i, left);
  store_gradient(load_block(x + at, left) > 0.0f ? gradient : slopes * gradient, dx + at, left, add);
}

/* What numbers add to the gradient of their slope. */
inline floatw prelu_share(floatw x, floatw dy) {
  return x > 0.0f ? (floatw)(0.0f) : x * dy;
}

/* sums[line] = what a line adds to the gradient of its slope. GROUP work-items process a line
 * together, and `share` lines one after the other.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
prelu_line_sums(global const float *x, global const float *dy, global float *sums, uint lines,
                uint length, uint share) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    floatw sum = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH)
      sum += prelu_share(load_block(x + at + i, length - i), load_block(dy + at + i, length - i));
    const float total = sum_of_group(add_lanes(sum), shared);
    if (get_local_id(0) == 0) sums[line] = total;
  }
}

/* sums[block][c]: the same for each column of a block of `share` lines. */
kernel void prelu_column_sums(global const float *x, global const float *dy, global float *sums,
                              uint lines, uint length, uint share) {
  const uint c = get_global_id(0) * WIDTH, block = get_global_id(1), left = length - c;
  const uint first = block * share;
  if (c >= length || first >= lines) return;
  floatw sum = 0.0f;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length + c;
    sum += prelu_share(load_block(x + at, left), load_block(dy + at, left));
  }
  store_block(sum, sums + (size_t)block * length + c, left);
}
