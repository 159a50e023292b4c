/* Gated linear units: y = a sigmoid(b) of the halves a and b of a row, each of `count` numbers. A
 * work-item processes WIDTH numbers of both.
 */

kernel void glu_forward(global const float *x, global float *y, uint rows, uint count) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = count - i;
  if (i >= count || row >= rows) return;
  global const float *a = x + 2 * (size_t)row * count + i;
  const floatw gate = activate(load_block(a + count, left), ACT_SIGMOID, 0.0f);
  store_block(load_block(a, left) * gate, y + (size_t)row * count + i, left);
}

kernel void glu_backward(global const float *x, global const float *dy, global float *dx, uint rows,
                         uint count, uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), left = count - i;
  if (i >= count || row >= rows) return;
  const size_t at = 2 * (size_t)row * count + i;
  const floatw gate = activate(load_block(x + at + count, left), ACT_SIGMOID, 0.0f);
  const floatw gradient = load_block(dy + (size_t)row * count + i, left);
  const floatw share = gradient * load_block(x + at, left) * gate * (1.0f - gate);
  store_gradient(gradient * gate, dx + at, left, add);
  store_gradient(share, dx + at + count, left, add);
}
