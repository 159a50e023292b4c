/* Padding, and bilinear upsampling. */

/* ---- padding ------------------------------------------------------------ */

enum { PAD_ZEROS, PAD_REFLECT, PAD_REPLICATE };

/* The sizes of backends/opencl/pool/pad.c. */
typedef struct {
  uint height, width, inner, out_h, out_w, top, left, mode;
} padding;

/* The place in a line of `size` that is copied to place `at` of the padded one; -1: none. */
inline int copied(uint mode, int at, int before, int size) {
  const int place = at - before;
  if (place >= 0 && place < size) return place;
  if (mode == PAD_ZEROS) return -1;
  if (mode == PAD_REPLICATE) return place < 0 ? 0 : size - 1;
  return place < 0 ? -place : 2 * (size - 1) - place;
}

/* A number of a row of the output; the rows of all planes follow one another. */
kernel void pad_forward(global const float *x, global float *y, constant padding *s, uint rows) {
  const uint i = get_global_id(0), row = get_global_id(1);
  if (i >= s->out_w * s->inner || row >= rows) return;
  const int iy = copied(s->mode, row % s->out_h, s->top, s->height);
  const int ix = copied(s->mode, i / s->inner, s->left, s->width);
  const uint from = row / s->out_h * s->height + (uint)iy;
  y[(size_t)row * s->out_w * s->inner + i] =
      iy < 0 || ix < 0 ? 0.0f : x[((size_t)from * s->width + (uint)ix) * s->inner + i % s->inner];
}

/* The copies of a place: `count` places from `first` on, and, of a mirrored line, up to two more.
 */
typedef struct {
  int first, count, more[2];
} copies;

inline copies copies_of(uint mode, int place, int before, int size, int out) {
  copies c = {before + place, 1, {-1, -1}};
  if (mode == PAD_REFLECT) {
    const int above = before - place, below = before + 2 * (size - 1) - place;
    if (place > 0 && above >= 0) c.more[0] = above;
    if (place < size - 1 && below < out) c.more[1] = below;
  }
  if (mode == PAD_REPLICATE) {
    const int end = place == size - 1 ? out : c.first + 1;
    if (place == 0) c.first = 0;
    c.count = end - c.first;
  }
  return c;
}

/* The sum over the copies of a place in a row of the gradient. */
inline float sum_of_copies(global const float *row, const copies *c, uint inner) {
  float sum = 0.0f;
  for (int i = 0; i < c->count; i++) sum += row[(size_t)(c->first + i) * inner];
  for (int i = 0; i < 2; i++)
    if (c->more[i] >= 0) sum += row[(size_t)c->more[i] * inner];
  return sum;
}

/* A number of a row of the input. */
kernel void pad_backward(global const float *dy, global float *dx, constant padding *s, uint rows,
                         uint add) {
  const uint i = get_global_id(0), row = get_global_id(1);
  if (i >= s->width * s->inner || row >= rows) return;
  const uint wide = s->out_w * s->inner;
  const copies across = copies_of(s->mode, i / s->inner, s->left, s->width, s->out_w);
  const copies down = copies_of(s->mode, row % s->height, s->top, s->height, s->out_h);
  global const float *plane = dy + (size_t)(row / s->height) * s->out_h * wide + i % s->inner;
  float sum = 0.0f;
  for (int r = 0; r < down.count; r++)
    sum += sum_of_copies(plane + (size_t)(down.first + r) * wide, &across, s->inner);
  for (int r = 0; r < 2; r++)
    if (down.more[r] >= 0)
      sum += sum_of_copies(plane + (size_t)down.more[r] * wide, &across, s->inner);
  global float *to = dx + (size_t)row * s->width * s->inner + i;
  *to = add ? *to + sum : sum;
}

/* ---- bilinear upsampling ------------------------------------------------ */

/* The two numbers of a line of `size` that give number `at` of the scaled one, and the weight of
 * the second one.
 */
typedef struct {
  int first, second;
  float weight;
} blend;

inline blend blend_of(uint at, uint scale, uint size) {
  const uint phase = at % scale;
  const float place = ((float)phase + 0.5f) / (float)scale - 0.5f;
  const int before = 2 * phase + 1 < scale, first = (int)(at / scale) - before;
  blend b = {max(first, 0), min(first + 1, (int)size - 1), before ? place + 1.0f : place};
  return b;
}

/* A number of a row of the output. */
kernel void bilinear_forward(global const float *x, global float *y, uint width, uint height,
                             uint rows, uint scale) {
  const uint column = get_global_id(0), row = get_global_id(1);
  if (column >= width * scale || row >= rows) return;
  const uint plane = row / (height * scale);
  const blend across = blend_of(column, scale, width);
  const blend down = blend_of(row % (height * scale), scale, height);
  global const float *above = x + ((size_t)plane * height + (uint)down.first) * width;
  global const float *below = x + ((size_t)plane * height + (uint)down.second) * width;
  const float left = (1.0f - down.weight) * above[across.first] + down.weight * below[across.first];
  const float right =
      (1.0f - down.weight) * above[across.second] + down.weight * below[across.second];
  y[(size_t)row * width * scale + column] = (1.0f - across.weight) * left + across.weight * right;
}

/* The weight of a place in number `at` of the scaled line. */
inline float share_of(uint at, uint scale, uint size, int place) {
  const blend b = blend_of(at, scale, size);
  return (b.first == place ? 1.0f - b.weight : 0.0f) + (b.second == place ? b.weight : 0.0f);
}

/* A number of a row of the input: what it has a share of lies less than a number away from it. */
kernel void bilinear_backward(global const float *dy, global float *dx, uint width, uint height,
                              uint rows, uint scale, uint add) {
  const uint column = get_global_id(0), row = get_global_id(1);
  if (column >= width || row >= rows) return;
  const uint high = height * scale, wide = width * scale, iy = row % height;
  const uint top = max((int)(iy * scale) - (int)(scale / 2), 0);
  const uint left = max((int)(column * scale) - (int)(scale / 2), 0);
  const uint bottom = min(iy * scale - scale / 2 + 2 * scale, high);
  const uint right = min(column * scale - scale / 2 + 2 * scale, wide);
  global const float *plane = dy + (size_t)(row / height) * high * wide;
  float sum = 0.0f;
  for (uint r = top; r < bottom; r++) {
    float line = 0.0f;
    for (uint c = left; c < right; c++)
      line += share_of(c, scale, width, (int)column) * plane[(size_t)r * wide + c];
    sum += share_of(r, scale, height, (int)iy) * line;
  }
  global float *to = dx + (size_t)row * width + column;
  *to = add ? *to + sum : sum;
}
