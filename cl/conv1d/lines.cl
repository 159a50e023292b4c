/* Convolutions of sequences in groups, and transposed ones, which lead from the output of a
 * convolution back to its input. Weights are packed such that those of adjacent numbers of a step
 * of the result are adjacent.
 */

/* The sizes of backends/opencl/conv1d/grouped_conv1d.c. */
typedef struct {
  uint steps, channels, short_steps, filters;
  uint kernel_size, stride, dilation, pad;
  uint group_channels, group_filters;
} lines;

/* The step of the long sequence that element k meets at step t of the short one, or -1. */
inline int long_step(constant lines *s, uint t, uint k) {
  const int at = (int)(t * s->stride + k * s->dilation) - (int)s->pad;
  return at < (int)s->steps ? max(at, -1) : -1;
}

/* The step of the short sequence at which element k meets step t of the long one, or -1. */
inline int short_step(constant lines *s, uint t, uint k) {
  const int at = (int)(t + s->pad) - (int)(k * s->dilation);
  if (at < 0 || at % (int)s->stride) return -1;
  return at / (int)s->stride < (int)s->short_steps ? at / (int)s->stride : -1;
}

/* packed[(k inputs + i) outputs + o]: the weight of number i of a group for output o, whose element
 * of the kernel is k. `up`: from the short sequence to the long one.
 */
kernel void lines_pack(global const float *weight, global float *packed, constant lines *s,
                       uint up) {
  const uint outputs = up ? s->channels : s->filters;
  const uint inputs = up ? s->group_filters : s->group_channels;
  const uint o = get_global_id(0), row = get_global_id(1);
  if (o >= outputs || row >= s->kernel_size * inputs) return;
  const uint k = row / inputs, i = row % inputs;
  const uint f = up ? o / s->group_channels * s->group_filters + i : o;
  const uint c = up ? o % s->group_channels : i;
  packed[(size_t)row * outputs + o] =
      weight[((size_t)f * s->group_channels + c) * s->kernel_size + k];
}

/* Number i of the group of each of WIDTH outputs from o on, of which `left` are there, in a step
 * with `inputs` numbers a group. `per_group` outputs have the same group.
 */
inline floatw load_inputs(global const float *step, uint o, uint left, uint i, uint inputs,
                          uint per_group) {
  if (per_group % WIDTH == 0) return step[o / per_group * inputs + i];
  if (per_group == 1 && inputs == 1) return load_block(step + o, left);
  float numbers[WIDTH];
  for (uint lane = 0; lane < WIDTH; lane++)
    numbers[lane] = lane < left ? step[(o + lane) / per_group * inputs + i] : 0.0f;
  return vload_w(0, numbers);
}

/* to (+)= act(the product of a sequence with the packed weights + bias): WIDTH numbers of a step.
 */
kernel void lines_product(global const float *from, global const float *packed,
                          global const float *bias, global float *to, constant lines *s, uint up,
                          uint act, float slope, uint add) {
  const uint outputs = up ? s->channels : s->filters, steps = up ? s->steps : s->short_steps;
  const uint inputs = up ? s->group_filters : s->group_channels;
  const uint all_inputs = up ? s->filters : s->channels;
  const uint per_group = up ? s->group_channels : s->group_filters;
  const uint o = get_global_id(0) * WIDTH, t = get_global_id(1), sample = get_global_id(2);
  if (o >= outputs || t >= steps) return;
  const uint left = outputs - o;
  global const float *x = from + (size_t)sample * (up ? s->short_steps : s->steps) * all_inputs;
  floatw sum = bias ? load_block(bias + o, left) : 0.0f;
  for (uint k = 0; k < s->kernel_size; k++) {
    const int at = up ? short_step(s, t, k) : long_step(s, t, k);
    if (at < 0) continue;
    global const float *w = packed + (size_t)k * inputs * outputs + o;
    for (uint i = 0; i < inputs; i++, w += outputs)
      sum += load_block(w, left) *
             load_inputs(x + (size_t)at * all_inputs, o, left, i, inputs, per_group);
  }
  store_gradient(activate(sum, act, slope), to + ((size_t)sample * steps + t) * outputs + o, left,
                 add);
}

/* The gradient of the weights of WIDTH filters, for element k of the kernel and channel c of their
 * groups: GROUP work-items take the steps of all samples in turn.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
lines_weight(global const float *of_long, global const float *of_short, global float *dweight,
             constant lines *s, uint samples) {
  local float shared[GROUP];
  const uint f = get_group_id(0) * WIDTH, row = get_global_id(1), left = s->filters - f;
  const uint k = row / s->group_channels, c = row % s->group_channels;
  floatw sum = 0.0f;
  for (uint i = get_local_id(0); i < samples * s->short_steps; i += GROUP) {
    const int at = long_step(s, i % s->short_steps, k);
    if (at < 0) continue;
    global const float *step =
        of_long + ((size_t)(i / s->short_steps) * s->steps + (uint)at) * s->channels;
    sum += load_block(of_short + (size_t)i * s->filters + f, left) *
           load_inputs(step, f, left, c, s->group_channels, s->group_filters);
  }
  float lanes[WIDTH];
  vstore_w(sum, 0, lanes);
  for (uint lane = 0; lane < WIDTH; lane++) {
    const float total = sum_of_group(lanes[lane], shared);
    if (get_local_id(0) == 0 && lane < left)
      dweight[((size_t)(f + lane) * s->group_channels + c) * s->kernel_size + k] = total;
  }
}
