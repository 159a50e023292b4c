/* One step of an optimizer over all parameters, by PyTorch's formulas; their moving average; sums.
 *
 * A work-item processes WIDTH parameters. `fault` is {step of the first gradient that wasn't finite
 * + 1, or 0; its index}: during a step only the index is written (an integer minimum, so the order
 * doesn't matter), and fault_note completes the step.
 */

/* One block of gradients: clipped, and which of them are finite. */
typedef struct {
  floatw value;
  intw finite;
} gradients;

inline gradients load_gradients(global const float *from, uint first, global const float *clip,
                                global uint *fault) {
  gradients g;
  const floatw raw = vload_w(0, from + first);
  g.value = clip ? raw * clip[0] : raw;
  g.finite = isfinite(raw);
  if (!all(g.finite))
    for (uint i = WIDTH; i-- > 0;)
      if (!isfinite(from[first + i])) atomic_min(fault + 1, first + i);
  if (clip) g.finite &= isfinite(g.value);
  return g;
}

/* Writes the new values, except where the gradient wasn't finite. */
inline void store_finite(floatw value, floatw old, gradients g, global float *to) {
  vstore_w(select(old, value, g.finite), 0, to);
}

kernel void sgd(global const float *d, global float *p, global float *state, global uint *fault,
                global const float *clip, uint count, float lr, float weight_decay, float momentum,
                uint nesterov) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count || fault[0]) return;
  gradients g = load_gradients(d, i, clip, fault);
  const floatw old = vload_w(0, p + i);
  g.value += weight_decay * old;
  floatw change = g.value;
  if (momentum > 0.0f) {
    const floatw old_buffer = vload_w(0, state + i);
    const floatw buffer = momentum * old_buffer + g.value;
    store_finite(buffer, old_buffer, g, state + i);
    change = nesterov ? g.value + momentum * buffer : buffer;
  }
  store_finite(old - lr * change, old, g, p + i);
}

/* step_size = lr / (1 - beta1^t), root = sqrt(1 - beta2^t) for the step t, counted from 1. */
kernel void adam(global const float *d, global float *p, global float *state, global uint *fault,
                 global const float *clip, uint count, float lr, float weight_decay, uint decoupled,
                 float beta1, float beta2, float eps, float step_size, float root) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count || fault[0]) return;
  gradients g = load_gradients(d, i, clip, fault);
  const floatw old = vload_w(0, p + i);
  if (!decoupled) g.value += weight_decay * old;
  const floatw decayed = decoupled ? old - lr * weight_decay * old : old;
  const floatw old_m = vload_w(0, state + i), old_v = vload_w(0, state + count + i);
  const floatw m = beta1 * old_m + (1.0f - beta1) * g.value;
  const floatw v = beta2 * old_v + (1.0f - beta2) * g.value * g.value;
  store_finite(m, old_m, g, state + i);
  store_finite(v, old_v, g, state + count + i);
  store_finite(decayed - step_size * m / (sqrt(v) / root + eps), old, g, p + i);
}

kernel void adadelta(global const float *d, global float *p, global float *state,
                     global uint *fault, global const float *clip, uint count, float lr,
                     float weight_decay, float rho, float eps) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count || fault[0]) return;
  gradients g = load_gradients(d, i, clip, fault);
  const floatw old = vload_w(0, p + i);
  g.value += weight_decay * old;
  const floatw old_square = vload_w(0, state + i), old_delta = vload_w(0, state + count + i);
  const floatw square = rho * old_square + (1.0f - rho) * g.value * g.value;
  const floatw delta = sqrt(old_delta + eps) / sqrt(square + eps) * g.value;
  store_finite(square, old_square, g, state + i);
  store_finite(rho * old_delta + (1.0f - rho) * delta * delta, old_delta, g, state + count + i);
  store_finite(old - lr * delta, old, g, p + i);
}

/* The state: averages of squares, and if centered of gradients, and momentum buffers if there are.
 */
kernel void rmsprop(global const float *d, global float *p, global float *state, global uint *fault,
                    global const float *clip, uint count, float lr, float weight_decay, float alpha,
                    float eps, float momentum, uint centered) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count || fault[0]) return;
  gradients g = load_gradients(d, i, clip, fault);
  const floatw old = vload_w(0, p + i), old_square = vload_w(0, state + i);
  g.value += weight_decay * old;
  const floatw square = alpha * old_square + (1.0f - alpha) * g.value * g.value;
  store_finite(square, old_square, g, state + i);
  floatw variance = square;
  if (centered) {
    const floatw old_mean = vload_w(0, state + count + i);
    const floatw mean = old_mean + (1.0f - alpha) * (g.value - old_mean);
    store_finite(mean, old_mean, g, state + count + i);
    variance = fmax(square - mean * mean, 0.0f); /* rounding may make it negative */
  }
  floatw change = g.value / (sqrt(variance) + eps);
  if (momentum > 0.0f) {
    global float *buffers = state + (1 + centered) * count;
    const floatw old_buffer = vload_w(0, buffers + i);
    change += momentum * old_buffer;
    store_finite(change, old_buffer, g, buffers + i);
  }
  store_finite(old - lr * change, old, g, p + i);
}

/* One work-item: if this step found a gradient that isn't finite, records the step in `fault`. */
kernel void fault_note(global uint *fault, uint step) {
  if (fault[0] == 0 && fault[1] != 0xffffffffu) fault[0] = step + 1;
}

/* average = decay average + (1 - decay) p */
kernel void moving_average(global const float *p, global float *average, uint count, float decay) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  vstore_w(decay * vload_w(0, average + i) + (1.0f - decay) * vload_w(0, p + i), 0, average + i);
}

/* sums = sums + values */
kernel void accumulate(global const float *values, global float *sums, uint count) {
  const uint i = get_global_id(0) * WIDTH;
  if (i >= count) return;
  vstore_w(vload_w(0, sums + i) + vload_w(0, values + i), 0, sums + i);
}

/* ---- the norm of all gradients ------------------------------------------ */

/* squares[part] = the sum of d * d over the part's share of the blocks. */
kernel void norm_parts(global const float *d, global float *squares, uint count, uint parts) {
  const uint part = get_global_id(0);
  if (part >= parts) return;
  const uint blocks = count / WIDTH, share = (blocks + parts - 1) / parts;
  const uint end = min((part + 1) * share, blocks);
  floatw total = 0.0f;
  for (uint i = part * share; i < end; i++) {
    const floatw g = vload_w(i, d);
    total = MULTIPLY_ADD(g, g, total);
  }
  squares[part] = add_lanes(total);
}

/* clip[0] = min(1, limit / (norm + 1e-6)); one work-item. */
kernel void norm_clip(global const float *squares, global float *clip, uint parts, float limit) {
  float total = 0.0f;
  for (uint i = 0; i < parts; i++) total += squares[i];
  clip[0] = fmin(1.0f, limit / (sqrt(total) + 1e-6f));
}
