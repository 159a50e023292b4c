/* Normalization of groups of channels, sample by sample.
 *
 * GROUP work-items process a group, or another line of numbers, together, and `share` of them one
 * after the other. A group's numbers are runs of adjacent ones, in one of two layouts: in planes, a
 * run is the plane of a channel; in rows (`along`), it is a row of the group's channels.
 */

/* The sizes of backends/opencl/norm/group_norm.c. */
typedef struct {
  uint rows, channels, plane, groups;
  uint width;              /* channels of a group */
  uint runs, length, step; /* of a group */
  uint along;
} group_sizes;

/* Number 0 of group `line` of all samples. */
inline size_t first_of(constant group_sizes *s, uint line) {
  const size_t sample = line / s->groups;
  return (sample * s->rows * s->channels + line % s->groups * s->width) * s->plane;
}

/* Blocks of a run. */
inline uint blocks_of(constant group_sizes *s) {
  return (s->length + WIDTH - 1) / WIDTH;
}

/* Weights, or biases, of a block at `at` of run `run` of a group; NULL: `otherwise`. */
inline floatw load_affine(global const float *values, float otherwise, constant group_sizes *s,
                          uint line, uint run, uint at) {
  if (!values) return otherwise;
  values += line % s->groups * s->width;
  return s->along ? load_block(values + at, s->length - at) : values[run];
}

/* The mean of a group, and 1 / sqrt(variance + eps). */
inline float2 statistics_of(global const float *x, constant group_sizes *s, float eps,
                            local float *shared) {
  const uint blocks = blocks_of(s), count = s->runs * s->length;
  floatw sum = 0.0f;
  for (uint i = get_local_id(0); i < s->runs * blocks; i += GROUP) {
    const uint at = i % blocks * WIDTH;
    sum += load_block(x + (size_t)(i / blocks) * s->step + at, s->length - at);
  }
  const float mean = sum_of_group(add_lanes(sum), shared) / count;
  floatw off = 0.0f, squares = 0.0f;
  for (uint i = get_local_id(0); i < s->runs * blocks; i += GROUP) {
    const uint at = i % blocks * WIDTH;
    const floatw distance =
        load_block_or(x + (size_t)(i / blocks) * s->step + at, s->length - at, mean) - mean;
    off += distance;
    squares = MULTIPLY_ADD(distance, distance, squares);
  }
  const float low = sum_of_group(add_lanes(off), shared) / count;
  const float square = sum_of_group(add_lanes(squares), shared) / count;
  return (float2)(mean + low, 1.0f / sqrt(fmax(square - low * low, 0.0f) + eps));
}

/* y = (x - mean) scale weight + bias; statistics: [means, scales] of all groups. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
group_norm_forward(global const float *restrict x, global const float *restrict weight,
                   global const float *restrict bias, global float *restrict y,
                   global float *restrict statistics, constant group_sizes *s, uint lines,
                   uint share, float eps, uint keep) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share, blocks = blocks_of(s);
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t begin = first_of(s, line);
    const float2 by = statistics_of(x + begin, s, eps, shared);
    for (uint i = get_local_id(0); i < s->runs * blocks; i += GROUP) {
      const uint run = i / blocks, at = i % blocks * WIDTH;
      const size_t from = begin + (size_t)run * s->step + at;
      const floatw normal = (load_block(x + from, s->length - at) - by.x) * by.y;
      store_block(MULTIPLY_ADD(normal, load_affine(weight, 1.0f, s, line, run, at),
                               load_affine(bias, 0.0f, s, line, run, at)),
                  y + from, s->length - at);
    }
    if (keep && get_local_id(0) == 0) {
      statistics[line] = by.x;
      statistics[lines + line] = by.y;
    }
  }
}

/* Of each channel of each sample: sums[channel] of dy times the normalized input, and at `second`
 * of dy. Planes: a line is a channel's plane.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
group_norm_plane_sums(global const float *restrict x, global const float *restrict dy,
                      global const float *restrict statistics, global float *restrict sums,
                      constant group_sizes *s, uint second, uint lines, uint share) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share, groups = lines / s->width;
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t begin = (size_t)line * s->plane;
    const float mean = statistics[line / s->width], scale = statistics[groups + line / s->width];
    floatw sum = 0.0f, product = 0.0f;
    for (uint i = get_local_id(0) * WIDTH; i < s->plane; i += GROUP * WIDTH) {
      const floatw d = load_block(dy + begin + i, s->plane - i);
      sum += d;
      product = MULTIPLY_ADD(d, (load_block(x + begin + i, s->plane - i) - mean) * scale, product);
    }
    const float total = sum_of_group(add_lanes(sum), shared);
    const float product_total = sum_of_group(add_lanes(product), shared);
    if (get_local_id(0) == 0) {
      sums[line] = product_total;
      sums[second + line] = total;
    }
  }
}

/* The numbers values[c / width], values[(c + 1) / width] … of a block of channels. */
inline floatw load_of_groups(global const float *values, uint width, uint c, uint left) {
  if (c / width == (c + min(left, (uint)WIDTH) - 1) / width) return values[c / width];
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++) numbers[i] = i < left ? values[(c + i) / width] : 0.0f;
  return vload_w(0, numbers);
}

/* The same in rows: a work-item has a block of a sample's channels. */
kernel void group_norm_row_sums(global const float *restrict x, global const float *restrict dy,
                                global const float *restrict statistics,
                                global float *restrict sums, constant group_sizes *s, uint second,
                                uint samples) {
  const uint c = get_global_id(0) * WIDTH, sample = get_global_id(1);
  if (c >= s->channels || sample >= samples) return;
  const uint left = s->channels - c;
  const floatw mean = load_of_groups(statistics + sample * s->groups, s->width, c, left);
  const floatw scale = load_of_groups(statistics + (samples + sample) * s->groups, s->width, c, left);
  floatw sum = 0.0f, product = 0.0f;
  for (uint row = 0; row < s->rows; row++) {
    const size_t at = ((size_t)sample * s->rows + row) * s->channels + c;
    const floatw d = load_block(dy + at, left);
    sum += d;
    product = MULTIPLY_ADD(d, load_block(x + at, left) - mean, product);
  }
  store_block(product * scale, sums + sample * s->channels + c, left);
  store_block(sum, sums + second + sample * s->channels + c, left);
}

/* dx (+)= scale (g - mean of g - normal * mean of (g normal)), g = dy weight; means over a group,
 * whose sums are those of its channels.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
group_norm_backward(global const float *restrict x, global const float *restrict dy,
                    global const float *restrict statistics, global const float *restrict sums,
                    global const float *restrict weight, global float *restrict dx,
                    constant group_sizes *s, uint second, uint lines, uint share, uint add) {
  local float shared[GROUP];
  const uint first = get_global_id(1) * share, blocks = blocks_of(s);
  for (uint line = first; line < min(first + share, lines); line++) {
    const size_t begin = first_of(s, line);
    const float mean = statistics[line], scale = statistics[lines + line];
    float sum = 0.0f, product = 0.0f;
    for (uint c = get_local_id(0); c < s->width; c += GROUP) {
      const float w = weight ? weight[line % s->groups * s->width + c] : 1.0f;
      product += w * sums[line * s->width + c];
      sum += w * sums[second + line * s->width + c];
    }
    const float count = s->runs * s->length;
    const float g_mean = sum_of_group(sum, shared) / count;
    const float slope = sum_of_group(product, shared) / count;
    for (uint i = get_local_id(0); i < s->runs * blocks; i += GROUP) {
      const uint run = i / blocks, at = i % blocks * WIDTH, left = s->length - at;
      const size_t from = begin + (size_t)run * s->step + at;
      const floatw g = load_block(dy + from, left) * load_affine(weight, 1.0f, s, line, run, at);
      const floatw normal = (load_block(x + from, left) - mean) * scale;
      store_gradient(scale * (g - g_mean - normal * slope), dx + from, left, add);
    }
  }
}
