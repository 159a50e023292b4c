/* Normalization of batches and of layers.
 *
 * A tensor consists of lines of `length` numbers. GROUP work-items process a
 * line together, and `share` lines one after the other. In batch normalization,
 * lines are the planes of channels; if a plane is a single number, a line holds
 * all channels (`along`), and sums over a channel are computed in blocks of
 * lines, one column of channels per work-item.
 *
 * A mean is a pair of floats, the second being the rounding error of the first:
 * for close numbers far from zero, a single float would make differences
 * inaccurate. Statistics are three rows [means, means_low, scales], where a
 * scale is 1 / sqrt(variance + eps); partial statistics, of some of the
 * numbers, are [means, means_low, squares].
 */

/* Lines of a block. */
#define NORM_BLOCK 64

/* The mean of some numbers, and the sum of squared deviations from it. */
typedef struct {
  float mean, mean_low, squares;
} partial;

/* The partial statistics of a line: its mean, then both from the deviations from that (Chan, Golub
 * and LeVeque, "Algorithms for computing the sample variance", 1983).
 */
inline partial line_partial(global const float *x, uint length, local float *shared) {
  const uint first = get_local_id(0) * WIDTH;
  floatw sum = 0.0f;
  for (uint i = first; i < length; i += GROUP * WIDTH) sum += load_block(x + i, length - i);
  const float mean = sum_of_group(add_lanes(sum), shared) / length;
  floatw off = 0.0f, squares = 0.0f;
  for (uint i = first; i < length; i += GROUP * WIDTH) {
    const floatw distance = load_block_or(x + i, length - i, mean) - mean;
    off += distance;
    squares = MULTIPLY_ADD(distance, distance, squares);
  }
  const float mean_low = sum_of_group(add_lanes(off), shared) / length;
  const float total = sum_of_group(add_lanes(squares), shared);
  return (partial){mean, mean_low, fmax(total - length * mean_low * mean_low, 0.0f)};
}

/* The coefficients of normalization for the numbers of a block. */
typedef struct {
  floatw mean, mean_low, scale, weight, bias;
} normalizer;

/* Those of channel c, or of the channels c, c + 1 … if these are `along` a line. */
inline normalizer load_normalizer(global const float *statistics, global const float *weight,
                                  global const float *bias, uint channels, uint c, uint along) {
  global const float *mean = statistics + c, *mean_low = mean + channels, *scale = mean_low + channels;
  if (!along) return (normalizer){*mean, *mean_low, *scale, weight[c], bias[c]};
  const uint left = channels - c;
  return (normalizer){load_block(mean, left), load_block(mean_low, left), load_block(scale, left),
                      load_block(weight + c, left), load_block(bias + c, left)};
}

/* Those of a line, without weight and bias. */
inline normalizer line_normalizer(global const float *statistics, uint lines, uint line) {
  return (normalizer){statistics[line], statistics[lines + line], statistics[2 * lines + line],
                      1.0f, 0.0f};
}

inline floatw normalize(floatw x, normalizer by) {
  return (x - by.mean - by.mean_low) * by.scale;
}

/* The argument of the activation, given the normalized input. */
inline floatw affine(floatw normal, normalizer by) {
  return MULTIPLY_ADD(normal, by.weight, by.bias);
}

/* The gradient before the activation, from that after it. */
inline floatw before_activation(floatw dy, floatw normal, normalizer by, float slope) {
  return affine(normal, by) > 0.0f ? dy : slope * dy;
}

/* ---- batches: statistics ------------------------------------------------ */

/* all[line]: the partial statistics of each line. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
norm_line_statistics(global const float *restrict x, global float *restrict all, uint lines,
                     uint length, uint share) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const partial m = line_partial(x + (size_t)line * length, length, shared);
    if (get_local_id(0) == 0) {
      all[line] = m.mean;
      all[lines + line] = m.mean_low;
      all[2 * lines + line] = m.squares;
    }
  }
}

/* all[block][c]: the partial statistics of each column of a block of lines. */
kernel void norm_column_statistics(global const float *restrict x, global float *restrict all,
                                   uint lines, uint length, uint blocks) {
  const uint c = get_global_id(0) * WIDTH, block = get_global_id(1);
  if (c >= length) return;
  const uint first = block * NORM_BLOCK, count = min(lines - first, (uint)NORM_BLOCK);
  const uint left = length - c, row = blocks * length;
  x += (size_t)first * length + c;
  floatw sum = 0.0f;
  for (uint i = 0; i < count; i++) sum += load_block(x + i * length, left);
  const floatw mean = sum / count;
  floatw off = 0.0f, squares = 0.0f;
  for (uint i = 0; i < count; i++) {
    const floatw distance = load_block(x + i * length, left) - mean;
    off += distance;
    squares = MULTIPLY_ADD(distance, distance, squares);
  }
  const floatw mean_low = off / count;
  all += block * length + c;
  store_block(mean, all, left);
  store_block(mean_low, all + row, left);
  store_block(fmax(squares - count * mean_low * mean_low, 0.0f), all + 2 * row, left);
}

/* Statistics of a block of channels from the partial statistics of all their numbers; also updates
 * the running ones. rest: count - 1.
 */
inline void keep_statistics(floatw mean, floatw mean_low, floatw squares, float count, float rest,
                            float eps, float momentum, global float *statistics, uint channels,
                            uint left, global float *running_mean, global float *running_var) {
  store_block(mean, statistics, left);
  store_block(mean_low, statistics + channels, left);
  store_block(1.0f / sqrt(squares / count + eps), statistics + 2 * channels, left);
  if (rest == 0.0f) return;
  const floatw var = squares / rest, old_mean = load_block(running_mean, left),
               old_var = load_block(running_var, left);
  store_block((1.0f - momentum) * old_mean + momentum * mean, running_mean, left);
  store_block((1.0f - momentum) * old_var + momentum * var, running_var, left);
}

/* The statistics of `count` numbers per channel from the partial statistics all[blocks][channels]
 * of each `block` of them, and an update of the running ones; or, if `collect`, partial statistics.
 */
kernel void batch_norm_statistics(global const float *restrict all, uint blocks, uint block,
                                  uint count, uint channels, uint collect, float eps,
                                  float momentum, global float *restrict statistics,
                                  global float *restrict running_mean,
                                  global float *restrict running_var) {
  const uint c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const uint left = channels - c, row = blocks * channels;
  all += c;
  const floatw origin = load_block(all, left); /* a number close to all means */
  floatw sum = 0.0f;
  for (uint b = 0; b < blocks; b++) {
    global const float *means = all + b * channels;
    const float weight = min(block, count - b * block);
    sum += weight * (load_block(means, left) - origin + load_block(means + row, left));
  }
  const floatw mean = origin + sum / count, mean_low = sum / count - (mean - origin);
  floatw squares = 0.0f;
  for (uint b = 0; b < blocks; b++) {
    global const float *means = all + b * channels;
    const float weight = min(block, count - b * block);
    const floatw distance = load_block(means, left) - mean + load_block(means + row, left) - mean_low;
    squares += load_block(means + 2 * row, left) + weight * distance * distance;
  }
  if (!collect) {
    keep_statistics(mean, mean_low, squares, count, count - 1, eps, momentum, statistics + c, channels,
                    left, running_mean + c, running_var + c);
    return;
  }
  store_block(mean, statistics + c, left);
  store_block(mean_low, statistics + channels + c, left);
  store_block(squares, statistics + 2 * channels + c, left);
}

/* Merges partial statistics of other numbers into those of some; `share` is the fraction of the
 * others, and `between` is their count times the fraction of the rest.
 */
kernel void batch_norm_merge(global const float *restrict other, global float *restrict all,
                             uint channels, float share, float between) {
  const uint c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const uint left = channels - c;
  global float *means_low = all + channels + c, *squares = means_low + channels;
  other += c;
  const floatw mean = load_block(all + c, left), mean_low = load_block(means_low, left);
  const floatw off =
      load_block(other, left) - mean + (load_block(other + channels, left) - mean_low);
  const floatw shift = mean_low + off * share, merged = mean + shift;
  store_block(merged, all + c, left);
  store_block(shift - (merged - mean), means_low, left);
  store_block(load_block(squares, left) + load_block(other + 2 * channels, left) +
                  off * off * between,
              squares, left);
}

/* Turns partial statistics into final ones; rest: count - 1. */
kernel void batch_norm_finish(global float *restrict statistics, uint channels, float count,
                              float rest, float eps, float momentum,
                              global float *restrict running_mean,
                              global float *restrict running_var) {
  const uint c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const uint left = channels - c;
  statistics += c;
  keep_statistics(load_block(statistics, left), load_block(statistics + channels, left),
                  load_block(statistics + 2 * channels, left), count, rest, eps, momentum,
                  statistics, channels, left, running_mean + c, running_var + c);
}

/* The statistics when testing. */
kernel void batch_norm_running(global const float *restrict running_mean,
                               global const float *restrict running_var, uint channels, float eps,
                               global float *restrict statistics) {
  const uint c = get_global_id(0) * WIDTH;
  if (c >= channels) return;
  const uint left = channels - c;
  store_block(load_block(running_mean + c, left), statistics + c, left);
  store_block(0.0f, statistics + channels + c, left);
  store_block(1.0f / sqrt(load_block(running_var + c, left) + eps), statistics + 2 * channels + c,
              left);
}

/* ---- batches: forward and backward -------------------------------------- */

/* y = leaky((x - mean) scale weight + bias) */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
batch_norm_forward(global const float *restrict x, global const float *restrict statistics,
                   global const float *restrict weight, global const float *restrict bias,
                   global float *restrict y, uint lines, uint length, uint share, uint channels,
                   uint along, float slope) {
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    normalizer by;
    if (!along) by = load_normalizer(statistics, weight, bias, channels, line % channels, 0);
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      if (along) by = load_normalizer(statistics, weight, bias, channels, i, 1);
      const floatw normal = normalize(load_block(x + at + i, length - i), by);
      const floatw sum = affine(normal, by);
      store_block(sum > 0.0f ? sum : slope * sum, y + at + i, length - i);
    }
  }
}

/* For each line: sums[line] of dz, and at products_first of dz times the normalized input, where dz
 * is the gradient before the activation.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
norm_line_sums(global const float *restrict x, global const float *restrict dy,
               global const float *restrict statistics, global const float *restrict weight,
               global const float *restrict bias, global float *restrict sums, uint products_first,
               uint lines, uint length, uint share, uint channels, float slope) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    const normalizer by = load_normalizer(statistics, weight, bias, channels, line % channels, 0);
    floatw sum = 0.0f, product = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const floatw normal = normalize(load_block(x + at + i, length - i), by);
      const floatw dz = before_activation(load_block(dy + at + i, length - i), normal, by, slope);
      sum += dz;
      product = MULTIPLY_ADD(dz, normal, product);
    }
    const float total = sum_of_group(add_lanes(sum), shared);
    const float product_total = sum_of_group(add_lanes(product), shared);
    if (get_local_id(0) == 0) {
      sums[line] = total;
      sums[products_first + line] = product_total;
    }
  }
}

/* The same for each column of a block of lines: sums[block][c]. The statistics are those of the
 * columns, or, if `of_lines` isn't 0, of that many lines.
 */
kernel void norm_column_sums(global const float *restrict x, global const float *restrict dy,
                             global const float *restrict statistics,
                             global const float *restrict weight, global const float *restrict bias,
                             global float *restrict sums, uint products_first, uint lines,
                             uint length, uint of_lines, float slope) {
  const uint c = get_global_id(0) * WIDTH, block = get_global_id(1);
  if (c >= length) return;
  const uint end = min((block + 1) * NORM_BLOCK, lines), left = length - c;
  normalizer by;
  if (!of_lines) by = load_normalizer(statistics, weight, bias, length, c, 1);
  floatw sum = 0.0f, product = 0.0f;
  for (uint line = block * NORM_BLOCK; line < end; line++) {
    const size_t at = (size_t)line * length + c;
    if (of_lines) by = line_normalizer(statistics, of_lines, line);
    const floatw normal = normalize(load_block(x + at, left), by);
    floatw dz = load_block(dy + at, left);
    if (!of_lines) dz = before_activation(dz, normal, by, slope);
    sum += dz;
    product = MULTIPLY_ADD(dz, normal, product);
  }
  sums += block * length + c;
  store_block(sum, sums, left);
  store_block(product, sums + products_first, left);
}

/* dx (+)= scale weight (dz - mean of dz - normal * mean of (dz normal)), where the means of a
 * channel are d_bias and d_weight times `inverse`, which is 1 / the count of its numbers.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
batch_norm_backward(global const float *restrict x, global const float *restrict dy,
                    global const float *restrict statistics, global const float *restrict weight,
                    global const float *restrict bias, global const float *restrict d_weight,
                    global const float *restrict d_bias, global float *restrict dx, uint lines,
                    uint length, uint share, uint channels, uint along, float slope, float inverse,
                    uint add) {
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    const uint channel = line % channels;
    normalizer by;
    floatw mean = 0.0f, product = 0.0f;
    if (!along) {
      by = load_normalizer(statistics, weight, bias, channels, channel, 0);
      mean = d_bias[channel] * inverse;
      product = d_weight[channel] * inverse;
    }
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      if (along) {
        by = load_normalizer(statistics, weight, bias, channels, i, 1);
        mean = load_block(d_bias + i, left) * inverse;
        product = load_block(d_weight + i, left) * inverse;
      }
      const floatw normal = normalize(load_block(x + at + i, left), by);
      const floatw dz = before_activation(load_block(dy + at + i, left), normal, by, slope);
      store_gradient(by.scale * by.weight * (dz - mean - normal * product), dx + at + i, left, add);
    }
  }
}

/* ---- layers ------------------------------------------------------------- */

/* A mean of 0, and the sum of squares, for the norms without a mean. */
inline partial line_squares(global const float *x, uint length, local float *shared) {
  floatw squares = 0.0f;
  for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
    const floatw numbers = load_block(x + i, length - i);
    squares = MULTIPLY_ADD(numbers, numbers, squares);
  }
  return (partial){0.0f, 0.0f, sum_of_group(add_lanes(squares), shared)};
}

/* Normalizes each line by itself, then y = normal * weight + bias; rms: without mean and bias. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
layer_norm_forward(global const float *restrict x, global const float *restrict weight,
                   global const float *restrict bias, global float *restrict y,
                   global float *restrict statistics, uint lines, uint length, uint share,
                   float eps, uint rms, uint keep) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    const partial m =
        rms ? line_squares(x + at, length, shared) : line_partial(x + at, length, shared);
    const float scale = 1.0f / sqrt(m.squares / length + eps);
    normalizer by = {m.mean, m.mean_low, scale, 1.0f, 0.0f};
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      by.weight = load_block(weight + i, left);
      if (!rms) by.bias = load_block(bias + i, left);
      store_block(affine(normalize(load_block(x + at + i, left), by), by), y + at + i, left);
    }
    if (keep && get_local_id(0) == 0) {
      statistics[line] = m.mean;
      statistics[lines + line] = m.mean_low;
      statistics[2 * lines + line] = scale;
    }
  }
}

/* dx (+)= scale (g - mean of g - normal * mean of (g normal)), g = dy weight; means over a line.
 * rms: without the first mean.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
layer_norm_backward(global const float *restrict x, global const float *restrict dy,
                    global const float *restrict statistics, global const float *restrict weight,
                    global float *restrict dx, uint lines, uint length, uint share, uint rms,
                    uint add) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t at = (size_t)line * length;
    const normalizer by = line_normalizer(statistics, lines, line);
    floatw sum = 0.0f, product = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      const floatw g = load_block(dy + at + i, left) * load_block(weight + i, left);
      sum += g;
      product = MULTIPLY_ADD(g, normalize(load_block(x + at + i, left), by), product);
    }
    const float g_total = sum_of_group(add_lanes(sum), shared), g_mean = rms ? 0.0f : g_total / length;
    const float product_mean = sum_of_group(add_lanes(product), shared) / length;
    for (uint i = get_local_id(0) * WIDTH; i < length; i += GROUP * WIDTH) {
      const uint left = length - i;
      const floatw g = load_block(dy + at + i, left) * load_block(weight + i, left);
      const floatw normal = normalize(load_block(x + at + i, left), by);
      store_gradient(by.scale * (g - g_mean - normal * product_mean), dx + at + i, left, add);
    }
  }
}
