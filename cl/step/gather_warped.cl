/* Warped samples of a training step, see dg_augment in core/op/step/gather.h. */

/* What a gather does; as in backends/opencl/step/gather.c. */
typedef struct {
  uint channels, height, width, channels_last, floats;
  float unit, mean, factor, shift; /* x = (unit v - mean) factor + shift */
  float rotate, way_x, way_y, growth, shear, flip;
  uint crop_x, crop_y;
  uint recolours;
  float brightness, contrast, gain, noise;
  uint cutout;
} gather_settings;

/* A uniform number in [-1, 1) from a random word. */
inline float two_sided(uint word) {
  return 2.0f * ((word >> 8) * 0x1p-24f) - 1.0f;
}

/* A whole number below `limit`. */
inline uint draw_below(uint word, uint limit) {
  return (uint)((ulong)(word >> 8) * limit >> 24);
}

/* The source of element p of a plane: matrix (mirror p - shift) + crop; then its colour is contrast
 * v + brightness.
 */
typedef struct {
  float xx, xy, yx, yy;
  float mirror, shift_x, shift_y;
  float crop_x, crop_y;
  float contrast, brightness;
} changes;

/* The width of a sample: its length, if there are any. */
inline uint own_width(global const gather_settings *d, global const float *lengths, uint sample) {
  return lengths ? min((uint)lengths[sample], d->width) : d->width;
}

inline changes draw_changes(global const gather_settings *d, uint width, uint place, uint step,
                            uint2 key) {
  uint words[4 * WIDTH];
  philox(0, place, step, key, words);
  const float angle = two_sided(words[0]) * d->rotate, k = 1.0f + two_sided(words[1]) * d->growth;
  const float slant = tan(two_sided(words[2]) * d->shear), c = cos(angle) / k, s = sin(angle) / k;
  const float contrast = 1.0f + two_sided(words[11]) * d->contrast;
  const uint crop_x = width > 1 ? d->crop_x : 0;
  const float share = width > 1 ? (float)width / d->width : 0.0f;
  return (changes){c + slant * s,
                   s - slant * c,
                   -s,
                   c,
                   (words[5] >> 8) * 0x1p-24f < d->flip ? -1.0f : 1.0f,
                   two_sided(words[3]) * (d->way_x * share),
                   two_sided(words[4]) * d->way_y,
                   (float)draw_below(words[6], 2 * crop_x + 1) - crop_x,
                   (float)draw_below(words[7], 2 * d->crop_y + 1) - d->crop_y,
                   contrast,
                   0.5f - 0.5f * contrast + two_sided(words[10]) * d->brightness};
}

/* A plane of a sample: its numbers, which lie `apart`. */
typedef struct {
  global const uchar *from;
  uint floats;
  int width, height, apart;
} plane;

/* The numbers of a plane at (x, y), a pair for each lane, or 0 outside it. */
inline floatw pick_numbers(plane p, intw x, intw y) {
  const intw inside = x >= 0 & x < p.width & y >= 0 & y < p.height;
  const intw place = select((intw)(0), (y * p.width + x) * p.apart, inside);
  int places[WIDTH];
  float numbers[WIDTH];
  vstore_w(place, 0, places);
  if (p.floats)
    for (uint i = 0; i < WIDTH; i++) numbers[i] = ((global const float *)p.from)[places[i]];
  else
    for (uint i = 0; i < WIDTH; i++) numbers[i] = p.from[places[i]];
  return select((floatw)(0.0f), vload_w(0, numbers), inside);
}

/* A plane read bilinearly at (x, y); coordinates far outside are clamped. */
inline floatw read_between(plane p, floatw x, floatw y) {
  x = clamp(x, -2.0f, p.width + 1.0f);
  y = clamp(y, -2.0f, p.height + 1.0f);
  const floatw left = floor(x), top = floor(y), right_share = x - left, lower_share = y - top;
  const intw ix = convert_intw(left), iy = convert_intw(top);
  const floatw upper = mix(pick_numbers(p, ix, iy), pick_numbers(p, ix + 1, iy), right_share);
  const floatw lower =
      mix(pick_numbers(p, ix, iy + 1), pick_numbers(p, ix + 1, iy + 1), right_share);
  return mix(upper, lower, lower_share);
}

/* Writes up to `left` numbers that lie `apart`. */
inline void store_apart(floatw value, global float *to, uint left, uint apart) {
  if (apart == 1) {
    store_block(value, to, left);
    return;
  }
  float numbers[WIDTH];
  vstore_w(value, 0, numbers);
  for (uint i = 0; i < WIDTH && i < left; i++) to[i * apart] = numbers[i];
}

/* As gather, for samples that are warped or whose colour is changed. The work-items of the first
 * dimension share a plane, one of those of the third: each computes its warp, and processes lines
 * of it cyclically, or the blocks of the only one.
 */
kernel void gather_warped(global const uchar *set, global const uchar *labels,
                          global const uint *order, global const float *norms, global float *x,
                          global uint *batch_labels, global const gather_settings *d, uint first,
                          uint seed, uint stream, uint step, uint place,
                          global const float *lengths) {
  const uint sample = get_global_id(1), channel = get_global_id(2), from = order[first + sample];
  const uint height = d->height, channels = d->channels, last = d->channels_last;
  const uint widest = d->width, width = own_width(d, lengths, sample);
  const uint apart = last ? channels : 1, begin = last ? channel : channel * widest * height;
  const size_t at = (size_t)from * (widest * height * channels) + begin;
  const plane p = {set + (d->floats ? at * sizeof(float) : at), d->floats, width, height, apart};
  if (get_global_id(0) == 0 && channel == 0 && batch_labels) batch_labels[sample] = labels[from];
  const changes b = draw_changes(d, width, place + sample, step, (uint2)(seed, stream));
  const float mean = norms ? norms[channel] : d->mean;
  const float factor = norms ? norms[channels + channel] : d->factor;
  const float middle_x = 0.5f * (width - 1), middle_y = 0.5f * (height - 1);
  const float to_x = middle_x + b.crop_x, to_y = middle_y + b.crop_y;
  const uint item = get_global_id(0), items = get_global_size(0), high = height > 1;
  for (uint row = high ? item : 0; row < height; row += high ? items : 1) {
    const float py = row - middle_y - b.shift_y;
    global float *to =
        x + (size_t)sample * (widest * height * channels) + begin + (size_t)row * widest * apart;
    for (uint i = high ? 0 : item * WIDTH; i < width; i += high ? WIDTH : items * WIDTH) {
      const floatw px = b.mirror * (convert_floatw(i + lane_numbers()) - middle_x) - b.shift_x;
      floatw v =
          d->unit * read_between(p, b.xx * px + b.xy * py + to_x, b.yx * px + b.yy * py + to_y);
      if (d->recolours) v = clamp(b.contrast * v + b.brightness, 0.0f, 1.0f);
      store_apart(MULTIPLY_ADD(v - mean, (floatw)(factor), (floatw)(d->shift)), to + i * apart,
                  width - i, apart);
    }
  }
}
