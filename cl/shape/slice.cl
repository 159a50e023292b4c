/* The gradient of a slice: dx[row][first + i] = dy[row][i] for i < length, and 0 elsewhere in a row
 * of `count` numbers. A work-item processes WIDTH numbers of a row.
 */
kernel void slice_backward(global const float *dy, global float *dx, uint first, uint length,
                           uint count, uint rows) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1);
  if (i >= count || row >= rows) return;
  global const float *from = dy + (size_t)row * length;
  floatw value;
  if (i >= first && i + WIDTH <= first + length) {
    value = vload_w(0, from + (i - first));
  } else if (i >= first + length || i + WIDTH <= first) {
    value = 0.0f;
  } else {
    float numbers[WIDTH];
    for (uint k = 0; k < WIDTH; k++) {
      const uint at = i + k - first; /* large where it is before the slice */
      numbers[k] = at < length ? from[at] : 0.0f;
    }
    value = vload_w(0, numbers);
  }
  store_block(value, dx + (size_t)row * count + i, count - i);
}
