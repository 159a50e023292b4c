/* Changes of normalized samples in a training step, in place: gain, noise and cutout of dg_augment
 * in core/op/step/gather.h. The settings are those of gather_warped.cl.
 */

/* Normal numbers, four from each of WIDTH counters from `quad` on. */
inline void draw_normal(uint quad, uint place, uint step, uint2 key, float z[4 * WIDTH]) {
  uint words[4 * WIDTH];
  philox(quad, place, step, key, words);
  for (uint begin = 0; begin < 2 * WIDTH; begin += WIDTH) {
    float u[WIDTH], v[WIDTH], cosine[WIDTH], sine[WIDTH];
    for (uint i = 0; i < WIDTH; i++) {
      u[i] = 1.0f - (words[2 * (begin + i)] >> 8) * 0x1p-24f;
      v[i] = 6.28318530717958648f * ((words[2 * (begin + i) + 1] >> 8) * 0x1p-24f);
    }
    const floatw r = sqrt(-2.0f * log(vload_w(0, u))), angle = vload_w(0, v);
    vstore_w(r * cos(angle), 0, cosine);
    vstore_w(r * sin(angle), 0, sine);
    for (uint i = 0; i < WIDTH; i++) {
      z[2 * (begin + i)] = cosine[i];
      z[2 * (begin + i) + 1] = sine[i];
    }
  }
}

/* x = gain x + noise z for the `count` numbers of each sample. The work-items of the first
 * dimension share a sample.
 */
kernel void gather_noise(global float *x, global const gather_settings *d, uint count, uint seed,
                         uint stream, uint step, uint place) {
  const uint sample = get_global_id(1), block = 4 * WIDTH;
  const uint2 key = (uint2)(seed, stream);
  const float noise = d->noise;
  uint words[4 * WIDTH];
  float z[4 * WIDTH];
  philox(0, place + sample, step, key, words);
  const float gain = 1.0f + two_sided(words[12]) * d->gain;
  for (uint i = 0; i < block; i++) z[i] = 0.0f;
  for (uint i = get_global_id(0) * block; i < count; i += get_global_size(0) * block) {
    if (noise != 0.0f) draw_normal(16 + i / 4, place + sample, step, key, z);
    for (uint e = 0; e < block && i + e < count; e += WIDTH) {
      global float *to = x + (size_t)sample * count + i + e;
      const uint left = count - i - e;
      store_block(gain * load_block(to, left) + noise * vload_w(0, z + e), to, left);
    }
  }
}

/* Zeros in a square of each sample. The work-items of the first two dimensions share a square; each
 * writes all channels of its places.
 */
kernel void gather_cutout(global float *x, global const gather_settings *d, uint seed, uint stream,
                          uint step, uint place, global const float *lengths) {
  const uint sample = get_global_id(2), height = d->height;
  const uint widest = d->width, width = own_width(d, lengths, sample);
  const uint channels = d->channels, plane = widest * height;
  const uint reach = (d->cutout - 1) / 2, reach_x = min(reach, width), reach_y = min(reach, height);
  uint words[4 * WIDTH];
  philox(0, place + sample, step, (uint2)(seed, stream), words);
  const long left = (long)draw_below(words[8], width) - reach_x;
  const long top = (long)draw_below(words[9], height) - reach_y;
  global float *to = x + (size_t)sample * plane * channels;
  for (uint i = get_global_id(1); i <= 2 * reach_y; i += get_global_size(1)) {
    const long row = top + i;
    for (uint k = get_global_id(0); k <= 2 * reach_x && row >= 0 && row < height;
         k += get_global_size(0)) {
      const long column = left + k;
      if (column < 0 || column >= width) continue;
      const uint at = (uint)row * widest + (uint)column;
      for (uint c = 0; c < channels; c++)
        to[d->channels_last ? at * channels + c : at + c * plane] = 0.0f;
    }
  }
}
