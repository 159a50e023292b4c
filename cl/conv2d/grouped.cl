/* Convolutions in groups of channels, dilated, or with unequal padding. */

/* The sizes of backends/opencl/conv2d/grouped_conv2d.c. */
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
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++, x += stride)
    numbers[i] = x >= 0 && x < (int)width ? row[x] : 0.0f;
  return vload_w(0, numbers);
}

/* y = act(x correlated with weight + bias): WIDTH columns of a row. */
kernel void grouped_forward(global const float *x, global const float *weight,
                            global const float *bias, global float *y, constant grouped *s,
                            uint act, float slope) {
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
  store_block(activate(sum, act, slope), y + at, s->out_w - ox);
}

/* dz = dy act'(y), which the next two kernels read. */

/* Columns x, x + 1 … of a row of dz in the distance of the stride: those between two are 0. */
inline floatw load_spread(global const float *dz, constant grouped *s, int y, int x) {
  if (y < 0 || y % (int)s->stride_h || y / (int)s->stride_h >= (int)s->out_h) return 0.0f;
  global const float *row = dz + (size_t)(y / s->stride_h) * s->out_w;
  const int stride = s->stride_w;
  if (stride == 1 && x >= 0 && x + WIDTH <= (int)s->out_w) return vload_w(0, row + x);
  float numbers[WIDTH];
  for (int i = 0; i < WIDTH; i++, x++)
    numbers[i] = x >= 0 && x % stride == 0 && x / stride < (int)s->out_w ? row[x / stride] : 0.0f;
  return vload_w(0, numbers);
}

/* dx (+)= dz correlated with the flipped weight: WIDTH columns of a row. */
kernel void grouped_backward_input(global const float *dz, global const float *weight,
                                   global float *dx, constant grouped *s, uint add) {
  const uint ix = get_global_id(0) * WIDTH, iy = get_global_id(1), plane = get_global_id(2);
  if (ix >= s->width || iy >= s->height) return;
  const uint channel = plane % s->channels, sample = plane / s->channels;
  const uint group = channel / s->group_channels, c = channel % s->group_channels;
  const uint taps = s->kernel_h * s->kernel_w, pixels = s->out_h * s->out_w;
  floatw sum = 0.0f;
  for (uint i = 0; i < s->group_filters; i++) {
    const uint f = group * s->group_filters + i;
    global const float *w = weight + ((size_t)f * s->group_channels + c) * taps;
    global const float *from = dz + ((size_t)sample * s->filters + f) * pixels;
    for (uint k = 0; k < taps; k++) {
      const int ty = (int)(iy + s->pad_h) - (int)(k / s->kernel_w * s->dilation_h);
      const int tx = (int)(ix + s->pad_w) - (int)(k % s->kernel_w * s->dilation_w);
      sum += w[k] * load_spread(from, s, ty, tx);
    }
  }
  store_gradient(sum, dx + ((size_t)plane * s->height + iy) * s->width + ix, s->width - ix, add);
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
