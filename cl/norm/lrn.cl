/* Local response normalization: a work-item processes a block of pixels of one channel. */

/* The sizes of backends/opencl/norm/lrn.c. */
typedef struct {
  uint channels, plane, before, after;
  float factor, beta, k;
} lrn_sizes;

/* base^-beta; of the usual exponents by square roots. */
inline floatw inverse_power(floatw base, float beta) {
  if (beta == 0.75f) return 1.0f / (sqrt(base) * sqrt(sqrt(base)));
  if (beta == 0.5f) return 1.0f / sqrt(base);
  return pow(base, (floatw)(-beta));
}

/* y = x s^-beta with s = k + factor times the sum of the squares around; `bases` keeps s. */
kernel void lrn_forward(global const float *restrict x, global float *restrict y,
                        global float *restrict bases, constant lrn_sizes *s, uint lines,
                        uint keep) {
  const uint at = get_global_id(0) * WIDTH, line = get_global_id(1);
  if (at >= s->plane || line >= lines) return;
  const uint channel = line % s->channels, left = s->plane - at;
  const uint first = channel - min(channel, s->before);
  const uint last = min(channel + s->after, s->channels - 1);
  global const float *from = x + (size_t)(line - channel) * s->plane + at;
  floatw sum = 0.0f;
  for (uint c = first; c <= last; c++) {
    const floatw other = load_block(from + (size_t)c * s->plane, left);
    sum = MULTIPLY_ADD(other, other, sum);
  }
  const size_t own = (size_t)line * s->plane + at;
  const floatw base = s->k + s->factor * sum;
  store_block(load_block(x + own, left) * inverse_power(base, s->beta), y + own, left);
  if (keep) store_block(base, bases + own, left);
}

/* dx (+)= dy s^-beta - 2 factor beta x times the sum of dy y / s of the channels that count this
 * one.
 */
kernel void lrn_backward(global const float *restrict x, global const float *restrict y,
                         global const float *restrict dy, global const float *restrict bases,
                         global float *restrict dx, constant lrn_sizes *s, uint lines, uint add) {
  const uint at = get_global_id(0) * WIDTH, line = get_global_id(1);
  if (at >= s->plane || line >= lines) return;
  const uint channel = line % s->channels, left = s->plane - at;
  const uint first = channel - min(channel, s->after);
  const uint last = min(channel + s->before, s->channels - 1);
  floatw sum = 0.0f;
  for (uint c = first; c <= last; c++) {
    const size_t other = (size_t)(line - channel + c) * s->plane + at;
    sum += load_block(dy + other, left) * load_block(y + other, left) /
           load_block_or(bases + other, left, 1.0f);
  }
  const size_t own = (size_t)line * s->plane + at;
  const floatw power = inverse_power(load_block_or(bases + own, left, 1.0f), s->beta);
  const floatw slope = 2.0f * s->factor * s->beta * load_block(x + own, left);
  store_gradient(load_block(dy + own, left) * power - slope * sum, dx + own, left, add);
}
