/* The loss of a batch: one work-item per sample, or per part of a sample's outputs, then one
 * work-group that adds them up. Cross-entropy and squared errors of labels have kernels of their
 * own beside those of means over outputs.
 */

/* The dg_loss_kind of core/op/step/loss.h. */
enum { LOSS_CROSS_ENTROPY, LOSS_MSE, LOSS_MAE, LOSS_HUBER, LOSS_BCE };

/* The weight of a sample's loss. */
inline float weight_of(global const float *weights, uint label, uint classes) {
  return weights && label < classes ? weights[label] : 1.0f;
}

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
  return label < classes ? total : NAN;
}

/* losses[s], hits[s] of each sample, and d_logits = scale times its gradient in training. */
kernel void loss_of_samples(global const float *logits, global const uint *labels,
                            global const float *weights, global float *d_logits,
                            global float *losses, global uint *hits, uint n, uint classes,
                            uint kind, float smoothing, float scale, uint train) {
  const uint s = get_global_id(0);
  if (s >= n) return;
  global const float *x = logits + s * classes;
  global float *d = train ? d_logits + s * classes : 0;
  const uint label = labels[s];
  const float weight = weight_of(weights, label, classes), share = scale * weight;
  losses[s] =
      weight * (kind == LOSS_CROSS_ENTROPY ? cross_entropy(x, classes, label, smoothing, share, d)
                                           : squared_error(x, classes, label, share, d));
  hits[s] = first_largest(x, classes) == label;
}

/* ---- means over outputs ---------------------------------------------------------------------- */

/* The losses of outputs y, and their derivatives. What is NaN stays so. */
inline floatw costs(floatw y, floatw t, uint kind, float delta, floatw *slopes) {
  const floatw e = y - t, size = fabs(e);
  if (kind == LOSS_MSE) {
    *slopes = 2.0f * e;
    return e * e;
  }
  if (kind == LOSS_BCE) {
    const floatw power = exp(-fabs(y));
    *slopes = select(power, (floatw)(1.0f), y >= 0.0f) / (1.0f + power) - t;
    return select((floatw)(0.0f), y, y > 0.0f) - y * t + log1p(power);
  }
  const float bend = kind == LOSS_HUBER ? delta : 0.0f, slope = kind == LOSS_HUBER ? delta : 1.0f;
  *slopes = select(select(e, (floatw)(-slope), e < -bend), (floatw)(slope), e > bend);
  return kind == LOSS_MAE ? size
                          : select(delta * (size - 0.5f * delta), 0.5f * e * e, size <= delta);
}

/* The summed loss of every parts-th block of a sample's outputs from block `part` on; writes scale
 * times their gradient to d unless it is NULL. Wanted are t, or 1 at the label if t is NULL.
 * *right: are all on the side of their targets?
 */
inline float sum_costs(global const float *y, global const float *t, uint label, uint outputs,
                       uint part, uint parts, uint kind, float delta, float scale, global float *d,
                       uint *right) {
  floatw total = 0.0f;
  intw sides = -1;
  for (uint c = part * WIDTH; c < outputs; c += parts * WIDTH) {
    const uint left = outputs - c;
    const floatw now = load_block(y + c, left);
    const floatw wanted =
        t ? load_block(t + c, left)
          : select((floatw)(0.0f), (floatw)(1.0f), lane_numbers() + c == (uintw)(label));
    const intw there = lane_numbers() < (uintw)(left);
    floatw slopes;
    const floatw losses = costs(now, wanted, kind, delta, &slopes);
    total += select((floatw)(0.0f), losses, there);
    sides &= ~there | select(now < 0.0f, now >= 0.0f, wanted >= 0.5f);
    if (d) store_block(scale * slopes, d + c, left);
  }
  *right = all(sides);
  return t || label < outputs ? add_lanes(total) : NAN;
}

/* As loss_of_samples, for each of `parts` parts of a sample. */
kernel void loss_of_parts(global const float *outputs, global const uint *labels,
                          global const float *targets, global const float *weights,
                          global float *d_outputs, global float *losses, global uint *hits, uint n,
                          uint count, uint parts, uint kind, float delta, float scale, uint train) {
  const uint i = get_global_id(0), s = i / parts;
  if (s >= n) return;
  global const float *y = outputs + s * count, *t = targets ? targets + s * count : 0;
  const uint label = t ? 0 : labels[s];
  const float weight = weight_of(weights, label, count);
  uint right;
  losses[i] = weight * sum_costs(y, t, label, count, i % parts, parts, kind, delta, scale * weight,
                                 train ? d_outputs + s * count : 0, &right);
  hits[i] = t ? kind == LOSS_BCE && right : first_largest(y, count) == label;
}

/* loss_of_parts and loss_of_batch in one kernel, for a small batch by one work-item. */
kernel void loss_of_few(global const float *outputs, global const uint *labels,
                        global const float *targets, global const float *weights,
                        global float *d_outputs, global float *mean, global uint *correct, uint n,
                        uint count, uint kind, float delta, float scale, uint train, uint slot) {
  float losses = 0.0f;
  uint hits = 0;
  for (uint s = 0; s < n; s++) {
    global const float *y = outputs + s * count, *t = targets ? targets + s * count : 0;
    const uint label = t ? 0 : labels[s];
    const float weight = weight_of(weights, label, count);
    uint right;
    losses += weight * sum_costs(y, t, label, count, 0, 1, kind, delta, scale * weight,
                                 train ? d_outputs + s * count : 0, &right);
    hits += t ? kind == LOSS_BCE && right : first_largest(y, count) == label;
  }
  mean[slot] = scale * losses;
  correct[slot] = hits;
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

inline floatw cross_entropies(global const float *logits, uint classes, uintw label, floatw largest,
                              uint count, float smoothing, floatw scale, global float *d) {
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
                             floatw scale, global float *d) {
  floatw total = 0.0f;
  for (uint c = 0; c < classes; c++) {
    const floatw target = select((floatw)(0.0f), (floatw)(1.0f), c == label);
    const floatw off = pick_logits(logits, c, classes, count) - target;
    total += off * off;
    if (d) put_logits(2.0f * scale * off, d, c, classes, count);
  }
  return select((floatw)(NAN), total, label < (uintw)(classes));
}

/* loss_of_samples and loss_of_batch in one kernel. */
kernel void loss_at_once(global const float *logits, global const uint *labels,
                         global const float *weights, global float *d_logits, global float *mean,
                         global uint *correct, uint n, uint classes, uint kind, float smoothing,
                         float scale, uint train, uint slot) {
  floatw losses = 0.0f;
  uint hits = 0;
  for (uint s = 0; s < n; s += WIDTH) {
    const uint count = n - s;
    global const float *x = logits + s * classes;
    global float *d = train ? d_logits + s * classes : 0;
    uint numbers[WIDTH], found[WIDTH];
    float lanes[WIDTH];
    for (uint i = 0; i < WIDTH; i++) {
      numbers[i] = labels[s + min(i, count - 1)];
      lanes[i] = weight_of(weights, numbers[i], classes);
    }
    const uintw label = vload_w(0, numbers);
    const floatw weight = vload_w(0, lanes), share = scale * weight;
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
            ? cross_entropies(x, classes, label, largest, count, smoothing, share, d)
            : squared_errors(x, classes, label, count, share, d);
    losses += lane_numbers() < count ? weight * loss : 0.0f;
  }
  mean[slot] = scale * add_lanes(losses);
  correct[slot] = hits;
}

#define LOSS_SUMS 64

/* mean[slot] = scale * sum of losses, correct[slot] = number of samples whose parts are all hits,
   by one work-group: LOSS_SUMS sums and then the sum of these, in the same order for any size of
   the work-group. */
kernel void loss_of_batch(global const float *losses, global const uint *hits, global float *mean,
                          global uint *correct, uint n, uint parts, uint slot, float scale) {
  local float loss_sums[LOSS_SUMS];
  local uint hit_sums[LOSS_SUMS];
  const uint item = get_local_id(0), items = get_local_size(0);
  for (uint sum = item; sum < LOSS_SUMS; sum += items) {
    float loss = 0.0f;
    uint hit = 0;
    for (uint s = sum; s < n; s += LOSS_SUMS) {
      uint all_hit = 1;
      for (uint i = s * parts; i < (s + 1) * parts; i++) {
        loss += losses[i];
        all_hit &= hits[i];
      }
      hit += all_hit;
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
