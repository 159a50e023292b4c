/* The loss of a batch: one work-item per sample, then one work-group that adds them up. */

/* The dg_loss_kind of backend.h. */
enum { LOSS_CROSS_ENTROPY, LOSS_MSE };

inline uint first_largest(global const float *logits, uint classes) {
  uint best = 0;
  for (uint c = 1; c < classes; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

/* Returns the loss of one sample, whose target is 1 - smoothing at the label plus smoothing divided
 * among all classes; writes scale times its gradient to d unless it is NULL.
 */
inline float cross_entropy(global const float *logits, uint classes, uint label, float smoothing,
                           float scale, global float *d) {
  const float largest = logits[first_largest(logits, classes)], off = smoothing / classes;
  const float on = 1.0f - (smoothing - off); /* the target at the label */
  float total = 0.0f;
  for (uint c = 0; c < classes; c++) total += exp(logits[c] - largest);
  for (uint c = 0; d && c < classes; c++)
    d[c] = scale * (exp(logits[c] - largest) / total - (c == label ? on : off));
  float below = (1.0f - smoothing) * (largest - (label < classes ? logits[label] : NAN));
  for (uint c = 0; smoothing > 0.0f && c < classes; c++) below += off * (largest - logits[c]);
  return log(total) + below;
}

inline float squared_error(global const float *logits, uint classes, uint label, float scale,
                           global float *d) {
  float total = 0.0f;
  for (uint c = 0; c < classes; c++) {
    const float off = logits[c] - (c == label ? 1.0f : 0.0f);
    total += off * off;
    if (d) d[c] = 2.0f * scale * off;
  }
  return total;
}

/* losses[s], hits[s] of each sample, and d_logits = scale times its gradient in training. */
kernel void loss_of_samples(global const float *logits, global const uint *labels,
                            global float *d_logits, global float *losses, global uint *hits, uint n,
                            uint classes, uint kind, float smoothing, float scale, uint train) {
  const uint s = get_global_id(0);
  if (s >= n) return;
  global const float *x = logits + s * classes;
  global float *d = train ? d_logits + s * classes : 0;
  const uint label = labels[s];
  losses[s] = kind == LOSS_CROSS_ENTROPY ? cross_entropy(x, classes, label, smoothing, scale, d)
                                         : squared_error(x, classes, label, scale, d);
  hits[s] = first_largest(x, classes) == label;
}

/* ---- for CPUs: a small batch by one work-item, its samples in the lanes of vectors ----------- */

/* Logit c of the samples from `logits` on; those past `count` repeat the last one. */
inline floatw pick_logits(global const float *logits, uint c, uint classes, uint count) {
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++) numbers[i] = logits[min(i, count - 1) * classes + c];
  return vload_w(0, numbers);
}

inline void put_logits(floatw value, global float *d, uint c, uint classes, uint count) {
  float numbers[WIDTH];
  vstore_w(value, 0, numbers);
  for (uint i = 0; i < min(count, (uint)WIDTH); i++) d[i * classes + c] = numbers[i];
}

inline floatw cross_entropies(global const float *logits, uint classes, uintw label,
                              floatw largest, uint count, float smoothing, float scale,
                              global float *d) {
  const float off = smoothing / classes, on = 1.0f - (smoothing - off);
  floatw total = 0.0f, below = 0.0f, right = NAN;
  for (uint c = 0; c < classes; c++) {
    const floatw x = pick_logits(logits, c, classes, count);
    total += exp(x - largest);
    right = select(right, x, c == label);
    below += off * (largest - x);
  }
  for (uint c = 0; d && c < classes; c++) {
    const floatw share = exp(pick_logits(logits, c, classes, count) - largest) / total;
    const floatw target = select((floatw)(off), (floatw)(on), c == label);
    put_logits(scale * (share - target), d, c, classes, count);
  }
  below = smoothing > 0.0f ? below : 0.0f;
  return log(total) + (1.0f - smoothing) * (largest - right) + below;
}

inline floatw squared_errors(global const float *logits, uint classes, uintw label, uint count,
                             float scale, global float *d) {
  floatw total = 0.0f;
  for (uint c = 0; c < classes; c++) {
    const floatw target = select((floatw)(0.0f), (floatw)(1.0f), c == label);
    const floatw off = pick_logits(logits, c, classes, count) - target;
    total += off * off;
    if (d) put_logits(2.0f * scale * off, d, c, classes, count);
  }
  return total;
}

/* loss_of_samples and loss_of_batch in one kernel. */
kernel void loss_at_once(global const float *logits, global const uint *labels,
                         global float *d_logits, global float *mean, global uint *correct, uint n,
                         uint classes, uint kind, float smoothing, float scale, uint train,
                         uint slot) {
  floatw losses = 0.0f;
  uint hits = 0;
  for (uint s = 0; s < n; s += WIDTH) {
    const uint count = n - s;
    global const float *x = logits + s * classes;
    global float *d = train ? d_logits + s * classes : 0;
    uint numbers[WIDTH], found[WIDTH];
    for (uint i = 0; i < WIDTH; i++) numbers[i] = labels[s + min(i, count - 1)];
    const uintw label = vload_w(0, numbers);
    floatw largest = pick_logits(x, 0, classes, count);
    uintw best = 0;
    for (uint c = 1; c < classes; c++) {
      const floatw now = pick_logits(x, c, classes, count);
      best = select(best, (uintw)(c), now > largest);
      largest = select(largest, now, now > largest);
    }
    vstore_w(best, 0, found);
    for (uint i = 0; i < min(count, (uint)WIDTH); i++) hits += found[i] == numbers[i];
    const floatw loss =
        kind == LOSS_CROSS_ENTROPY
            ? cross_entropies(x, classes, label, largest, count, smoothing, scale, d)
            : squared_errors(x, classes, label, count, scale, d);
    losses += lane_numbers() < count ? loss : 0.0f;
  }
  mean[slot] = scale * add_lanes(losses);
  correct[slot] = hits;
}

#define LOSS_SUMS 64

/* mean[slot] = scale * sum of losses, correct[slot] = sum of hits, by one work-group: LOSS_SUMS sums
   and then the sum of these, in the same order for any size of the work-group. */
kernel void loss_of_batch(global const float *losses, global const uint *hits, global float *mean,
                          global uint *correct, uint n, uint slot, float scale) {
  local float loss_sums[LOSS_SUMS];
  local uint hit_sums[LOSS_SUMS];
  const uint item = get_local_id(0), items = get_local_size(0);
  for (uint sum = item; sum < LOSS_SUMS; sum += items) {
    float loss = 0.0f;
    uint hit = 0;
    for (uint s = sum; s < n; s += LOSS_SUMS) {
      loss += losses[s];
      hit += hits[s];
    }
    loss_sums[sum] = loss;
    hit_sums[sum] = hit;
  }
  for (uint half_ = LOSS_SUMS / 2; half_ > 0; half_ /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint sum = item; sum < half_; sum += items) {
      loss_sums[sum] += loss_sums[sum + half_];
      hit_sums[sum] += hit_sums[sum + half_];
    }
  }
  if (item == 0) {
    mean[slot] = scale * loss_sums[0];
    correct[slot] = hit_sums[0];
  }
}
