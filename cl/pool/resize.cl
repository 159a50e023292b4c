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

/* WIDTH numbers of a row of the output; the rows of all planes follow one another. */
kernel void pad_forward(global const float *x, global float *y, constant padding *s, uint rows) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), wide = s->out_w * s->inner;
  if (i >= wide || row >= rows) return;
  const uint first = s->left * s->inner, count = s->width * s->inner;
  const int iy = copied(s->mode, row % s->out_h, s->top, s->height);
  global float *to = y + (size_t)row * wide + i;
  if (iy < 0) {
    store_block(0.0f, to, wide - i);
    return;
  }
  global const float *from = x + ((size_t)(row / s->out_h) * s->height + (uint)iy) * count;
  if (i >= first && i + WIDTH <= first + count) {
    vstore_w(vload_w(0, from + (i - first)), 0, to);
    return;
  }
  for (uint at = i; at < i + WIDTH && at < wide; at++) {
    const int ix = copied(s->mode, at / s->inner, s->left, s->width);
    to[at - i] = ix < 0 ? 0.0f : from[(uint)ix * s->inner + at % s->inner];
  }
}

/* Adds, to WIDTH numbers of a row of the input from i on, the numbers of the places [begin, end) of
 * a row of the gradient that are copies of them.
 */
inline void add_edge(global const float *dy, constant padding *s, uint i, uint begin, uint end,
                     private float *sum) {
  for (uint at = begin; at < end; at++) {
    const int to = (int)((uint)copied(s->mode, at, s->left, s->width) * s->inner) - (int)i;
    for (int k = 0; k < (int)s->inner; k++)
      if (to + k >= 0 && to + k < WIDTH) sum[to + k] += dy[at * s->inner + (uint)k];
  }
}

/* WIDTH numbers of a row of the input: the sums over their copies in all rows that are copies of
 * this one.
 */
kernel void pad_backward(global const float *dy, global float *dx, constant padding *s, uint rows,
                         uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1), count = s->width * s->inner;
  if (i >= count || row >= rows) return;
  const uint wide = s->out_w * s->inner, y = row % s->height;
  const uint begin = s->mode == PAD_ZEROS ? s->top + y : 0;
  const uint end = s->mode == PAD_ZEROS ? begin + 1 : s->out_h;
  global const float *plane = dy + (size_t)(row / s->height) * s->out_h * wide;
  float sum[WIDTH];
  vstore_w((floatw)(0.0f), 0, sum);
  for (uint at = begin; at < end; at++) {
    if (at == s->top && y > 0) at += y; /* the rows in between are copies of others */
    if (copied(s->mode, at, s->top, s->height) != (int)y) continue;
    global const float *line = plane + (size_t)at * wide;
    vstore_w(vload_w(0, sum) + load_block(line + s->left * s->inner + i, count - i), 0, sum);
    if (s->mode == PAD_ZEROS) continue;
    add_edge(line, s, i, 0, s->left, sum);
    add_edge(line, s, i, s->left + s->width, s->out_w, sum);
    if (at == s->top + y) at = s->top + s->height - 1;
  }
  store_gradient(vload_w(0, sum), dx + (size_t)row * count + i, count - i, add);
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
