/* Selects the samples of a batch from a data set. What changes them in training is in
 * gather_warped.cl and gather_changes.cl.
 */

/* ---- bytes that all have the same norms -------------------------------------- */

/* x[s] = scale * images[order[first + s]] + shift, and its label unless batch_labels is NULL. */
kernel void gather(global const uchar *images, global const uchar *labels, global const uint *order,
                   global float *x, global uint *batch_labels, uint count, uint first, float scale,
                   float shift) {
  const uint i = get_global_id(0) * WIDTH, sample = get_global_id(1);
  if (i >= count) return;
  const uint image = order[first + sample];
  global const uchar *from = images + (size_t)image * count + i;
  global float *to = x + sample * count + i;
  if (i == 0 && batch_labels) batch_labels[sample] = labels[image];
  if (count - i >= WIDTH)
    vstore_w(MULTIPLY_ADD(convert_floatw(vload_w(0, from)), (floatw)(scale), (floatw)(shift)), 0,
             to);
  else
    for (uint e = 0; e < count - i; e++) to[e] = MULTIPLY_ADD((float)from[e], scale, shift);
}

/* As gather, for CPUs: a work-item processes a whole image, in vectors that overlap at its end. */
kernel void gather_whole(global const uchar *images, global const uchar *labels,
                         global const uint *order, global float *x, global uint *batch_labels,
                         uint count, uint first, float scale, float shift) {
  const uint sample = get_global_id(0), image = order[first + sample];
  global const uchar *from = images + (size_t)image * count;
  global float *to = x + (size_t)sample * count;
  if (batch_labels) batch_labels[sample] = labels[image];
  for (uint i = 0; count >= WIDTH && i < count; i += WIDTH) {
    const uint at = min(i, count - WIDTH);
    vstore_w(MULTIPLY_ADD(convert_floatw(vload_w(0, from + at)), (floatw)(scale), (floatw)(shift)),
             0, to + at);
  }
  for (uint i = 0; count < WIDTH && i < count; i++)
    to[i] = MULTIPLY_ADD((float)from[i], scale, shift);
}

/* ---- floats, and norms of each channel --------------------------------------- */

/* Number `at` of a set: a byte as a share of 255. */
inline float read_number(global const uchar *set, size_t at, uint floats) {
  return floats ? ((global const float *)set)[at] : set[at] * (1.0f / 255.0f);
}

inline floatw read_numbers(global const uchar *set, size_t at, uint floats) {
  if (floats) return vload_w(0, (global const float *)set + at);
  return convert_floatw(vload_w(0, set + at)) * (1.0f / 255.0f);
}

/* x = (v - mean) factor for lines of `count` numbers: whole samples, or their channels, whose means
 * and then factors are the norms. The work-items of the first dimension share a line, those of the
 * third are the lines of a sample.
 */
kernel void gather_lines(global const uchar *set, global const uchar *labels,
                         global const uint *order, global const float *norms, global float *x,
                         global uint *batch_labels, uint count, uint first, uint floats, float mean,
                         float factor) {
  const uint sample = get_global_id(1), line = get_global_id(2), lines = get_global_size(2);
  const uint from = order[first + sample], step = get_global_size(0) * WIDTH;
  const size_t at = ((size_t)from * lines + line) * count;
  global float *to = x + ((size_t)sample * lines + line) * count;
  if (get_global_id(0) == 0 && line == 0 && batch_labels) batch_labels[sample] = labels[from];
  if (norms) {
    mean = norms[line];
    factor = norms[lines + line];
  }
  for (uint i = get_global_id(0) * WIDTH; i < count; i += step) {
    if (count - i >= WIDTH)
      vstore_w((read_numbers(set, at + i, floats) - mean) * factor, 0, to + i);
    else
      for (uint e = i; e < count; e++) to[e] = (read_number(set, at + e, floats) - mean) * factor;
  }
}

/* WIDTH norms from `at` on, around the last channel. */
inline floatw load_around(global const float *norms, uint at, uint channels) {
  if (at + WIDTH <= channels) return vload_w(0, norms + at);
  float lanes[WIDTH];
  for (uint i = 0; i < WIDTH; i++) {
    lanes[i] = norms[at];
    at = at + 1 == channels ? 0 : at + 1;
  }
  return vload_w(0, lanes);
}

/* As gather_lines, for whole samples of `count` numbers whose channels alternate. A work-item that
 * has a sample for itself first lays out the norms of few channels.
 */
kernel void gather_alternating(global const uchar *set, global const uchar *labels,
                               global const uint *order, global const float *norms, global float *x,
                               global uint *batch_labels, uint count, uint first, uint floats,
                               uint channels) {
  const uint sample = get_global_id(1), from = order[first + sample];
  const uint step = get_global_size(0) * WIDTH, turn = step % channels;
  global const float *factors = norms + channels;
  const size_t place = (size_t)from * count;
  global float *to = x + (size_t)sample * count;
  float mean_pattern[2 * WIDTH], factor_pattern[2 * WIDTH];
  const bool laid_out = GROUP == 1 && channels < WIDTH;
  if (get_global_id(0) == 0 && batch_labels) batch_labels[sample] = labels[from];
  for (uint i = 0, c = 0; laid_out && i < 2 * WIDTH; i++, c = c + 1 == channels ? 0 : c + 1) {
    mean_pattern[i] = norms[c];
    factor_pattern[i] = factors[c];
  }
  for (uint i = get_global_id(0) * WIDTH, at = i % channels; i < count; i += step) {
    const floatw mean = laid_out ? vload_w(0, mean_pattern + at) : load_around(norms, at, channels);
    const floatw factor =
        laid_out ? vload_w(0, factor_pattern + at) : load_around(factors, at, channels);
    if (count - i >= WIDTH) {
      vstore_w((read_numbers(set, place + i, floats) - mean) * factor, 0, to + i);
    } else {
      float lanes[WIDTH];
      for (uint e = 0; e < WIDTH; e++)
        lanes[e] = e < count - i ? read_number(set, place + i + e, floats) : 0.0f;
      store_block((vload_w(0, lanes) - mean) * factor, to + i, count - i);
    }
    at += turn;
    at -= at >= channels ? channels : 0;
  }
}

/* ---- targets ----------------------------------------------------------------- */

/* The `count` targets of each sample. */
kernel void gather_targets(global const uchar *set, global const uint *order, global float *targets,
                           uint count, uint first, uint floats) {
  const uint i = get_global_id(0), sample = get_global_id(1);
  if (i >= count) return;
  const size_t at = (size_t)order[first + sample] * count + i;
  targets[(size_t)sample * count + i] = floats ? ((global const float *)set)[at] : set[at];
}
