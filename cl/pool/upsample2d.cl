/* Nearest-neighbour upsampling: a work-item processes one number of the input, whose rows (of all
 * planes, one after the other) are `width` long, and its square of scale x scale in the output.
 */

kernel void upsample_forward(global const float *x, global float *y, uint width, uint rows,
                             uint scale) {
  const uint column = get_global_id(0), row = get_global_id(1);
  if (column >= width || row >= rows) return;
  const float value = x[row * width + column];
  global float *to = y + (row * scale * width + column) * scale;
  for (uint r = 0; r < scale; r++, to += width * scale)
    for (uint c = 0; c < scale; c++) to[c] = value;
}

kernel void upsample_backward(global const float *dy, global float *dx, uint width, uint rows,
                              uint scale, uint add) {
  const uint column = get_global_id(0), row = get_global_id(1);
  if (column >= width || row >= rows) return;
  global const float *from = dy + (row * scale * width + column) * scale;
  float gradient = 0.0f;
  for (uint r = 0; r < scale; r++, from += width * scale)
    for (uint c = 0; c < scale; c++) gradient += from[c];
  global float *to = dx + row * width + column;
  *to = add ? *to + gradient : gradient;
}
