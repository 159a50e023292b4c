/* Ops over sequences of unequal length. A work-item of the first two kernels' grids processes a
 * block of a step's features.
 */

/* The length of a sequence of `steps`, as dg_length_of in core/op/sequence/lengths.h. */
inline uint length_of(float number, uint steps) {
  if (!(number > 0.0f)) return 0;
  return number < (float)steps ? (uint)number : steps;
}

/* y[s][t] (+)= x[s][t] before the length of s, or x[s][length - 1 - t] if `reverse`; else `beyond`,
 * which is not added. Keeps the lengths, unless kept is NULL.
 */
kernel void mask_steps(global const float *x, global const float *lengths, global float *y,
                       global float *kept, uint steps, uint features, uint reverse, float beyond,
                       uint add) {
  const uint i = get_global_id(0) * WIDTH, step = get_global_id(1), sample = get_global_id(2);
  if (i >= features || step >= steps) return;
  const uint length = length_of(lengths[sample], steps), left = features - i;
  global const float *from = x + (size_t)sample * steps * features + i;
  global float *to = y + ((size_t)sample * steps + step) * features + i;
  if (kept && i == 0 && step == 0) kept[sample] = lengths[sample];
  if (step < length)
    store_gradient(load_block(from + (size_t)(reverse ? length - 1 - step : step) * features, left),
                   to, left, add);
  else if (!add)
    store_block(beyond, to, left);
}

/* y[s] = the last step before the length of s, or the mean of all; 0 if there is none. */
kernel void reduce_steps(global const float *x, global const float *lengths, global float *y,
                         global float *kept, uint steps, uint features, uint last) {
  const uint i = get_global_id(0) * WIDTH, sample = get_global_id(1);
  if (i >= features) return;
  const uint length = length_of(lengths[sample], steps), left = features - i;
  global const float *from = x + (size_t)sample * steps * features + i;
  floatw sum = 0.0f;
  for (uint step = last && length ? length - 1 : 0; step < length; step++)
    sum += load_block(from + (size_t)step * features, left);
  if (kept && i == 0) kept[sample] = lengths[sample];
  store_block(last || length == 0 ? sum : sum * (1.0f / length), y + (size_t)sample * features + i,
              left);
}

/* The gradient of a step: dy[s], or its share of the mean; 0 for steps that don't count. */
kernel void reduce_steps_backward(global const float *dy, global const float *lengths,
                                  global float *dx, uint steps, uint features, uint last,
                                  uint add) {
  const uint i = get_global_id(0) * WIDTH, step = get_global_id(1), sample = get_global_id(2);
  if (i >= features || step >= steps) return;
  const uint length = length_of(lengths[sample], steps), left = features - i;
  const bool counts = step < length && (!last || step + 1 == length);
  global float *to = dx + ((size_t)sample * steps + step) * features + i;
  const floatw gradient = load_block(dy + (size_t)sample * features + i, left);
  if (counts)
    store_gradient(last ? gradient : gradient * (1.0f / length), to, left, add);
  else if (!add)
    store_block(0.0f, to, left);
}

/* y[s] = floor((length + offset) / stride), or 0 */
kernel void window_lengths(global const float *lengths, global float *y, uint n, int offset,
                           uint stride, uint most) {
  const uint sample = get_global_id(0);
  if (sample >= n) return;
  const int moved = (int)length_of(lengths[sample], most) + offset;
  y[sample] = moved > 0 ? (float)((uint)moved / stride) : 0.0f;
}
