/* Selects the images of a batch from a data set of bytes. */

/* x[s] = scale * images[order[first + s]] + shift, and its label unless batch_labels is NULL. */
kernel void gather(global const uchar *images, global const uchar *labels,
                   global const uint *order, global float *x, global uint *batch_labels, uint count,
                   uint first, float scale, float shift) {
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

/* The source of pixel p of an image: matrix (p - shift). */
typedef struct {
  float xx, xy, yx, yy;
  float shift_x, shift_y;
} affine;

/* A uniform number in [-1, 1) from a random word. */
inline float two_sided(uint word) {
  return 2.0f * ((word >> 8) * 0x1p-24f) - 1.0f;
}

/* H^-1 R^-1 / k of dg_augment in backend.h, as drawn by sample `place`. */
inline affine draw_warp(uint place, uint step, uint2 key, float rotate, float2 shift, float scale,
                        float shear) {
  uint words[4 * WIDTH];
  philox(0, place, step, key, words);
  const float angle = two_sided(words[0]) * rotate, k = 1.0f + two_sided(words[1]) * scale;
  const float slant = tan(two_sided(words[2]) * shear), c = cos(angle) / k, s = sin(angle) / k;
  return (affine){c + slant * s,
                  s - slant * c,
                  -s,
                  c,
                  two_sided(words[3]) * shift.x,
                  two_sided(words[4]) * shift.y};
}

/* The bytes of an image at (x, y), a pair for each lane, or 0 outside it. */
inline floatw pick_bytes(global const uchar *image, intw x, intw y, int width, int height) {
  const intw inside = x >= 0 & x < width & y >= 0 & y < height;
  const intw place = select((intw)(0), y * width + x, inside);
  int places[WIDTH];
  float bytes[WIDTH];
  vstore_w(place, 0, places);
  for (uint i = 0; i < WIDTH; i++) bytes[i] = image[places[i]];
  return select((floatw)(0.0f), vload_w(0, bytes), inside);
}

/* An image read bilinearly at (x, y); coordinates far outside are clamped. */
inline floatw read_between(global const uchar *image, floatw x, floatw y, int width, int height) {
  x = clamp(x, -2.0f, width + 1.0f);
  y = clamp(y, -2.0f, height + 1.0f);
  const floatw left = floor(x), top = floor(y), right_share = x - left, lower_share = y - top;
  const intw ix = convert_intw(left), iy = convert_intw(top);
  const floatw upper = mix(pick_bytes(image, ix, iy, width, height),
                           pick_bytes(image, ix + 1, iy, width, height), right_share);
  const floatw lower = mix(pick_bytes(image, ix, iy + 1, width, height),
                           pick_bytes(image, ix + 1, iy + 1, width, height), right_share);
  return mix(upper, lower, lower_share);
}

/* As gather, for warped images. The work-items of the first dimension share a sample: each computes
 * its warp, and processes lines of it cyclically.
 */
kernel void gather_warped(global const uchar *images, global const uchar *labels,
                          global const uint *order, global float *x, global uint *batch_labels,
                          uint width, uint height, uint first, float scale, float shift, uint seed,
                          uint stream, uint step, uint place, float rotate, float way_x,
                          float way_y, float growth, float shear) {
  const uint sample = get_global_id(1), count = width * height, image = order[first + sample];
  global const uchar *from = images + (size_t)image * count;
  if (get_global_id(0) == 0 && batch_labels) batch_labels[sample] = labels[image];
  const affine b = draw_warp(place + sample, step, (uint2)(seed, stream), rotate,
                             (float2)(way_x, way_y), growth, shear);
  const float middle_x = 0.5f * (width - 1), middle_y = 0.5f * (height - 1);
  for (uint row = get_global_id(0); row < height; row += get_global_size(0)) {
    const float py = row - middle_y - b.shift_y;
    global float *to = x + (size_t)sample * count + row * width;
    for (uint i = 0; i < width; i += WIDTH) {
      const floatw px = convert_floatw(i + lane_numbers()) - middle_x - b.shift_x;
      const floatw bytes = read_between(from, b.xx * px + b.xy * py + middle_x,
                                        b.yx * px + b.yy * py + middle_y, width, height);
      store_block(MULTIPLY_ADD(bytes, (floatw)(scale), (floatw)(shift)), to + i, width - i);
    }
  }
}
