/* Convolutions in groups of channels, dilated, or with unequal padding; and transposed ones, which
 * lead from the output of a convolution back to its input: the kernels of both are the same, with
 * the parts of forward and backward exchanged.
 */

/* The sizes of backends/opencl/conv2d/grouped/grouped.c. */
typedef struct {
  uint channels, height, width, filters, out_h, out_w;
  uint kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  uint group_channels, group_filters;
} grouped;

/* Row `y` of a plane, from column x on, by steps of `stride`; 0 outside of it. */
inline floatw load_strided(global const float *plane, uint height, uint width, int y, int x,
                           uint stride) {
  if (y < 0 || y >= (int)height) return 0.0f;
  global const float *row = plane + (size_t)y * width;
  if (stride == 1 && x >= 0 && x + WIDTH <= (int)width) return vload_w(0, row + x);
  if (stride == 2 && x >= 0 && x + 2 * WIDTH <= (int)width)
    return (floatw)(vload_w(0, row + x).even, vload_w(1, row + x).even);
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++, x += stride)
    numbers[i] = x >= 0 && x < (int)width ? row[x] : 0.0f;
  return vload_w(0, numbers);
}

/* y (+)= act(x correlated with weight + bias): WIDTH columns of a row. */
kernel void grouped_forward(global const float *x, global const float *weight,
                            global const float *bias, global float *y, constant grouped *s,
                            uint act, float slope, uint add) {
  const uint ox = get_global_id(0) * WIDTH, oy = get_global_id(1), plane = get_global_id(2);
  if (ox >= s->out_w || oy >= s->out_h) return;
  const uint f = plane % s->filters, sample = plane / s->filters;
  const uint first = sample * s->channels + f / s->group_filters * s->group_channels;
  const uint taps = s->kernel_h * s->kernel_w, pixels = s->height * s->width;
  floatw sum = bias ? bias[f] : 0.0f;
  for (uint c = 0; c < s->group_channels; c++) {
    global const float *w = weight + ((size_t)f * s->group_channels + c) * taps;
    for (uint k = 0; k < taps; k++) {
      const int iy = (int)(oy * s->stride_h + k / s->kernel_w * s->dilation_h) - (int)s->pad_h;
      const int ix = (int)(ox * s->stride_w + k % s->kernel_w * s->dilation_w) - (int)s->pad_w;
      sum += w[k] * load_strided(x + (size_t)(first + c) * pixels, s->height, s->width, iy, ix,
                                 s->stride_w);
    }
  }
  const size_t at = ((size_t)plane * s->out_h + oy) * s->out_w + ox;
  store_gradient(activate(sum, act, slope), y + at, s->out_w - ox, add);
}

/* Writes or adds numbers `stride` apart, `left` of them at most. */
inline void store_strided(floatw value, global float *to, uint stride, uint left, uint add) {
  if (stride == 1) {
    store_gradient(value, to, left, add);
    return;
  }
  float numbers[WIDTH];
  vstore_w(value, 0, numbers);
  for (uint i = 0; i < WIDTH && i < left; i++)
    to[i * stride] = add ? to[i * stride] + numbers[i] : numbers[i];
}

/* dx (+)= act(dz correlated with the flipped weight + bias): WIDTH columns of a row, which are a
 * stride apart, so that each element of a kernel meets adjacent columns of dz, or none.
 */
kernel void grouped_backward_input(global const float *dz, global const float *weight,
                                   global const float *bias, global float *dx, constant grouped *s,
                                   uint act, float slope, uint add) {
  const uint stride = s->stride_w, first = get_global_id(0) % stride;
  const uint block = get_global_id(0) / stride * WIDTH;
  const uint iy = get_global_id(1), plane = get_global_id(2);
  if (first + block * stride >= s->width || iy >= s->height) return;
  const uint channel = plane % s->channels, sample = plane / s->channels;
  const uint group = channel / s->group_channels, c = channel % s->group_channels;
  const uint taps = s->kernel_h * s->kernel_w, pixels = s->out_h * s->out_w;
  const uint f = group * s->group_filters, step = s->group_channels * taps;
  global const float *from = dz + ((size_t)sample * s->filters + f) * pixels;
  floatw sum = bias ? bias[channel] : 0.0f;
  for (uint k = 0; k < taps; k++) {
    const int ty = (int)(iy + s->pad_h) - (int)(k / s->kernel_w * s->dilation_h);
    const int tx = (int)(first + s->pad_w) - (int)(k % s->kernel_w * s->dilation_w);
    if (ty < 0 || ty % (int)s->stride_h || ty / (int)s->stride_h >= (int)s->out_h) continue;
    if (tx % (int)stride) continue;
    global const float *w = weight + ((size_t)f * s->group_channels + c) * taps + k;
    for (uint i = 0; i < s->group_filters; i++)
      sum += w[(size_t)i * step] * load_strided(from + (size_t)i * pixels, s->out_h, s->out_w,
                                                ty / (int)s->stride_h,
                                                tx / (int)stride + (int)block, 1);
  }
  const uint column = first + block * stride;
  store_strided(activate(sum, act, slope),
                dx + ((size_t)plane * s->height + iy) * s->width + column, stride,
                (s->width - column + stride - 1) / stride, add);
}

/* dbias[channel] of a transposed convolution, whose output is [samples, channels, pixels]: GROUP
 * work-items take the samples' planes in turn.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
transposed_backward_bias(global const float *dz, global float *dbias, uint channels, uint pixels,
                         uint samples) {
  local float shared[GROUP];
  const uint channel = get_global_id(1);
  floatw sum = 0.0f;
  for (uint sample = get_local_id(0); sample < samples; sample += GROUP) {
    global const float *plane = dz + ((size_t)sample * channels + channel) * pixels;
    for (uint i = 0; i < pixels; i += WIDTH) sum += load_block(plane + i, pixels - i);
  }
  const float total = sum_of_group(add_lanes(sum), shared);
  if (get_local_id(0) == 0) dbias[channel] = total;
}

/* dweight[i], or, for the numbers after the last weight, dbias: GROUP work-items take the rows of
 * all samples in turn.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
grouped_backward_weight(global const float *dz, global const float *x, global float *dweight,
                        global float *dbias, constant grouped *s, uint samples) {
  local float shared[GROUP];
  const uint i = get_global_id(1), taps = s->kernel_h * s->kernel_w;
  const uint weights = s->filters * s->group_channels * taps;
  const uint k = i % taps, c = i / taps % s->group_channels;
  const uint f = i < weights ? i / taps / s->group_channels : i - weights;
  const uint channel = f / s->group_filters * s->group_channels + c;
  const size_t pixels = (size_t)s->height * s->width;
  floatw sum = 0.0f;
  for (uint row = get_local_id(0); row < samples * s->out_h; row += GROUP) {
    const uint sample = row / s->out_h, oy = row % s->out_h;
    global const float *d = dz + (((size_t)sample * s->filters + f) * s->out_h + oy) * s->out_w;
    global const float *from = x + ((size_t)sample * s->channels + channel) * pixels;
    const int iy = (int)(oy * s->stride_h + k / s->kernel_w * s->dilation_h) - (int)s->pad_h;
    for (uint ox = 0; ox < s->out_w; ox += WIDTH) {
      const floatw gradient = load_block(d + ox, s->out_w - ox);
      const int ix = (int)(ox * s->stride_w + k % s->kernel_w * s->dilation_w) - (int)s->pad_w;
      sum += i >= weights ? gradient
                          : gradient * load_strided(from, s->height, s->width, iy, ix, s->stride_w);
    }
  }
  const float total = sum_of_group(add_lanes(sum), shared);
  if (get_local_id(0) != 0) return;
  if (i < weights)
    dweight[i] = total;
  else
    dbias[f] = total;
}

/* ---- transposed, by columns --------------------------------------------- */

/* columns[sample][row][pixel]: what element row % taps of the kernel of channel row / taps meets in
 * the large tensor for each pixel of the small one; 0 outside. They begin at `first`.
 */
kernel void transposed_gather(global const float *large, global float *columns, uint first,
                              constant grouped *s) {
  const uint pixel = get_global_id(0), row = get_global_id(1), sample = get_global_id(2);
  const uint taps = s->kernel_h * s->kernel_w, pixels = s->out_h * s->out_w;
  if (pixel >= pixels || row >= s->channels * taps) return;
  const uint k = row % taps, oy = pixel / s->out_w, ox = pixel % s->out_w;
  const int y = (int)(oy * s->stride_h + k / s->kernel_w * s->dilation_h) - (int)s->pad_h;
  const int x = (int)(ox * s->stride_w + k % s->kernel_w * s->dilation_w) - (int)s->pad_w;
  const bool inside = y >= 0 && y < (int)s->height && x >= 0 && x < (int)s->width;
  const size_t line = ((size_t)sample * s->channels + row / taps) * s->height;
  columns[first + ((size_t)sample * s->channels * taps + row) * pixels + pixel] =
      inside ? large[(line + (uint)y) * s->width + (uint)x] : 0.0f;
}

/* Filters, or rows of columns, that a work-item processes together. */
enum { TOGETHER = 4 };

/* dx (+)= weight [filters, rows] columns: WIDTH pixels of TOGETHER filters. */
kernel void transposed_backward_input(global const float *columns, uint first,
                                      global const float *weight, global float *dx,
                                      constant grouped *s, uint add) {
  const uint pixel = get_global_id(0) * WIDTH, f = get_global_id(1) * TOGETHER;
  const uint sample = get_global_id(2), pixels = s->out_h * s->out_w;
  const uint rows = s->channels * s->kernel_h * s->kernel_w;
  if (pixel >= pixels || f >= s->filters) return;
  global const float *from = columns + first + (size_t)sample * rows * pixels + pixel, *w[TOGETHER];
  floatw sum[TOGETHER];
  for (uint j = 0; j < TOGETHER; j++) {
    w[j] = weight + (size_t)min(f + j, s->filters - 1) * rows;
    sum[j] = 0.0f;
  }
  for (uint k = 0; k < rows; k++, from += pixels) {
    const floatw value = load_block(from, pixels - pixel);
    for (uint j = 0; j < TOGETHER; j++) sum[j] += w[j][k] * value;
  }
  for (uint j = 0; j < TOGETHER && f + j < s->filters; j++)
    store_gradient(sum[j], dx + ((size_t)sample * s->filters + f + j) * pixels + pixel,
                   pixels - pixel, add);
}

/* dweight [filters, rows]: TOGETHER rows of TOGETHER filters; GROUP work-items take the samples in
 * turn.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
transposed_backward_weight(global const float *columns, uint first, global const float *x,
                           global float *dweight, constant grouped *s, uint samples) {
  local float shared[GROUP];
  const uint row = get_global_id(1) * TOGETHER, f = get_global_id(2) * TOGETHER;
  const uint pixels = s->out_h * s->out_w, rows = s->channels * s->kernel_h * s->kernel_w;
  floatw sum[TOGETHER][TOGETHER];
  for (uint i = 0; i < TOGETHER; i++)
    for (uint j = 0; j < TOGETHER; j++) sum[i][j] = 0.0f;
  for (uint sample = get_local_id(0); sample < samples; sample += GROUP)
    for (uint pixel = 0; pixel < pixels; pixel += WIDTH) {
      floatw value[TOGETHER];
      for (uint j = 0; j < TOGETHER; j++)
        value[j] = load_block(
            columns + first + ((size_t)sample * rows + min(row + j, rows - 1)) * pixels + pixel,
            pixels - pixel);
      for (uint i = 0; i < TOGETHER; i++) {
        const size_t plane = (size_t)sample * s->filters + min(f + i, s->filters - 1);
        const floatw of_x = load_block(x + plane * pixels + pixel, pixels - pixel);
        for (uint j = 0; j < TOGETHER; j++) sum[i][j] += of_x * value[j];
      }
    }
  for (uint i = 0; i < TOGETHER; i++)
    for (uint j = 0; j < TOGETHER; j++) {
      const float total = sum_of_group(add_lanes(sum[i][j]), shared);
      if (get_local_id(0) == 0 && f + i < s->filters && row + j < rows)
        dweight[(size_t)(f + i) * rows + row + j] = total;
    }
}
