/* Depthwise convolutions by the geometry of backends/depthwise_plan.h, where a plane between zeros
 * is read as one row. A work-item processes whole planes, one after the other, and has a part of
 * the workspace for itself.
 */

/* The sizes of backends/opencl/conv2d/grouped/depthwise.c. */
typedef struct {
  uint channels, height, width, pitch, out, rows, phases_h, phases_w, filters, taps, record;
  uint x_front, x_floats, z_front, z_floats;
} depthwise;

#define MOST_TAPS 64
#define MOST_STRIDE 4
#define as_floatw JOIN(as_float, WIDTH)
#define as_intw JOIN(as_int, WIDTH)

/* A record: sums with `groups` columns of `taps` elements of the kernel. */
typedef struct {
  uint groups, taps;
  global const uint *offset, *weight, *mask;
} sums;

inline void set_sums(sums *by, global const uint *records, constant depthwise *s, uint i) {
  global const uint *record = records + i * s->record;
  by->groups = record[0], by->taps = record[1];
  by->offset = record + 2;
  by->weight = by->offset + s->taps;
  by->mask = by->weight + s->taps;
}

inline void take_weights(const sums *by, global const float *filter, float *weight) {
  for (uint t = 0; t < by->groups * by->taps; t++) weight[t] = filter[by->weight[t]];
}

/* v where the mask is set, 0 elsewhere */
inline floatw keep(floatw v, global const int *mask) {
  return as_floatw(as_intw(v) & vload_w(0, mask));
}

/* WIDTH numbers, of which the first is in the column that the masks begin with. */
inline floatw sum_of_size(const sums *by, uint groups, uint taps, global const int *masks,
                          const float *weight, float bias, global const float *x) {
  floatw out = bias;
  for (uint g = 0; g < groups; g++) {
    floatw sum = 0.0f;
    for (uint t = g * taps; t < (g + 1) * taps; t++)
      sum = MULTIPLY_ADD(weight[t], vload_w(0, x + by->offset[t]), sum);
    out += keep(sum, masks + by->mask[g]);
  }
  return out;
}

inline floatw sum_of(const sums *by, global const int *masks, const float *weight, float bias,
                     global const float *x) {
  if (by->groups == 3 && by->taps == 3) return sum_of_size(by, 3, 3, masks, weight, bias, x);
  if (by->groups == 5 && by->taps == 5) return sum_of_size(by, 5, 5, masks, weight, bias, x);
  return sum_of_size(by, by->groups, by->taps, masks, weight, bias, x);
}

/* The column `by` columns after another one. */
inline uint advance(uint column, uint by, uint pitch) {
  return column + by >= pitch ? column + by - pitch : column + by;
}

inline void copy_row(global const float *x, global float *to, uint count) {
  for (uint i = 0; i < count; i += WIDTH)
    store_block(load_block(x + i, count - i), to + i, count - i);
}

/* Sorts a row into phases that are `step` apart. */
inline void split_row(global const float *x, uint width, uint stride, global float *to, uint step) {
  uint i = 0;
  if (stride == 2)
    for (; i + 8 <= width; i += 8) {
      const float8 v = vload8(0, x + i);
      vstore4(v.even, 0, to + i / 2);
      vstore4(v.odd, 0, to + i / 2 + step);
    }
  for (uint phase = 0; phase < stride; phase++, to += step) /* i is a multiple of the stride */
    for (uint q = i / stride; q * stride + phase < width; q++) to[q] = x[q * stride + phase];
}

/* Copies a channel to its phases, whose other numbers are 0. */
inline void pad_plane(constant depthwise *s, global const float *x, global float *phases) {
  global float *first = phases + s->x_front;
  if (s->phases_h == 1 && s->phases_w == 1 && s->width == s->pitch) {
    copy_row(x, first, s->height * s->width);
    return;
  }
  for (uint y = 0; y < s->height; y++, x += s->width) {
    global float *to = first + y % s->phases_h * s->phases_w * s->x_floats +
                       y / s->phases_h * s->pitch;
    if (s->phases_w == 1)
      copy_row(x, to, s->width);
    else
      split_row(x, s->width, s->phases_w, to, s->x_floats);
  }
}

inline void clear(global float *x, uint count) {
  for (uint i = 0; i < count; i++) x[i] = 0.0f;
}

kernel void depthwise_forward(global const float *x, global const float *filters,
                              global const float *bias, global float *y, global float *scratch,
                              constant depthwise *s, global const uint *records,
                              global const int *masks, uint planes, uint act, float slope) {
  const size_t item = get_global_id(0), items = get_global_size(0);
  const uint floats = s->phases_h * s->phases_w * s->x_floats, by = WIDTH % s->pitch;
  sums all;
  float weight[MOST_TAPS];
  set_sums(&all, records, s, 0);
  scratch += item * floats;
  clear(scratch, floats);
  for (uint p = planes * item / items; p < planes * (item + 1) / items; p++) {
    const uint first = p % s->channels * s->filters;
    pad_plane(s, x + (size_t)p * s->height * s->width, scratch);
    for (uint i = 0; i < s->filters; i++) {
      const float shift = bias ? bias[first + i] : 0.0f;
      global float *to = y + ((size_t)p * s->filters + i) * s->out;
      take_weights(&all, filters + (first + i) * s->taps, weight);
      for (uint at = 0, column = 0; at < s->out; at += WIDTH) {
        const floatw sum = sum_of(&all, masks + column, weight, shift, scratch + at);
        store_block(activate(sum, act, slope), to + at, s->out - at);
        column = advance(column, by, s->pitch);
      }
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

/* Adds the products of dz with what `taps` elements of a column meet to lanes [taps, WIDTH]. */
inline void add_column(constant depthwise *s, global const uint *offset, uint taps,
                       global const int *masks, global const float *phases, global const float *dz,
                       global float *lanes) {
  const uint by = WIDTH % s->pitch;
  floatw sum[5];
  for (uint t = 0; t < taps; t++) sum[t] = vload_w(t, lanes);
  for (uint at = 0, column = 0; at < s->out; at += WIDTH) {
    const floatw part = keep(vload_w(0, dz + at), masks + column);
    for (uint t = 0; t < taps; t++)
      sum[t] = MULTIPLY_ADD(part, vload_w(0, phases + offset[t] + at), sum[t]);
    column = advance(column, by, s->pitch);
  }
  for (uint t = 0; t < taps; t++) vstore_w(sum[t], t, lanes);
}

/* The gradients of a filter's weights, and of its bias. */
inline void add_products(constant depthwise *s, const sums *by, global const int *masks,
                         global const float *phases, global const float *dz, global float *lanes) {
  floatw all = vload_w(s->taps, lanes);
  dz += s->z_front;
  for (uint at = 0; at < s->out; at += WIDTH) all += vload_w(0, dz + at);
  vstore_w(all, s->taps, lanes);
  for (uint g = 0; g < by->groups; g++)
    if (by->taps == 3)
      add_column(s, by->offset + g * 3, 3, masks + by->mask[g], phases, dz, lanes + g * 3 * WIDTH);
    else if (by->taps == 5)
      add_column(s, by->offset + g * 5, 5, masks + by->mask[g], phases, dz, lanes + g * 5 * WIDTH);
    else
      for (uint t = g * by->taps; t < (g + 1) * by->taps; t++)
        add_column(s, by->offset + t, 1, masks + by->mask[g], phases, dz, lanes + t * WIDTH);
}

/* The gradient of columns of two phases, which alternate in the row. */
inline void store_two(floatw even, floatw odd, global float *row, uint left, uint add) {
  floatw low, high;
  low.even = even.lo, low.odd = odd.lo, high.even = even.hi, high.odd = odd.hi;
  store_gradient(low, row, left, add);
  if (left > WIDTH) store_gradient(high, row + WIDTH, left - WIDTH, add);
}

/* Columns of one phase, which are `stride` apart in the row. */
inline void store_apart(floatw v, global float *row, uint left, uint stride, uint add) {
  float numbers[WIDTH];
  vstore_w(v, 0, numbers);
  for (uint i = 0; i < WIDTH && i * stride < left; i++)
    row[i * stride] = add ? row[i * stride] + numbers[i] : numbers[i];
}

/* Rows of the input's gradient in one phase of rows. */
inline void gradient_rows(constant depthwise *s, global const uint *records,
                          global const int *masks, global const float *filter, uint phase,
                          global const float *dz, global float *dx, uint add) {
  float weight[MOST_STRIDE][MOST_TAPS];
  sums by[MOST_STRIDE];
  for (uint p = 0; p < s->phases_w; p++) {
    set_sums(&by[p], records, s, 1 + phase * s->phases_w + p);
    take_weights(&by[p], filter, weight[p]);
  }
  for (uint y = phase, r = 0; y < s->height; y += s->phases_h, r++)
    for (uint q = 0; q * s->phases_w < s->width; q += WIDTH) {
      const uint x = q * s->phases_w;
      global float *row = dx + y * s->width;
      floatw v[MOST_STRIDE];
      for (uint p = 0; p < s->phases_w; p++)
        v[p] = sum_of(&by[p], masks + q, weight[p], 0.0f, dz + r * s->pitch + q);
      if (s->phases_w == 2)
        store_two(v[0], v[1], row + x, s->width - x, add);
      else
        for (uint p = 0; p < s->phases_w && x + p < s->width; p++)
          store_apart(v[p], row + x + p, s->width - x - p, s->phases_w, add);
    }
}

inline void input_gradient(constant depthwise *s, global const uint *records,
                           global const int *masks, global const float *filter,
                           global const float *dz, global float *dx, uint add) {
  const uint by = WIDTH % s->pitch, count = s->rows * s->pitch;
  if (s->phases_h > 1 || s->phases_w > 1 || s->width != s->pitch) {
    for (uint y = 0; y < s->phases_h; y++)
      gradient_rows(s, records, masks, filter, y, dz, dx, add);
    return;
  }
  sums all;
  set_sums(&all, records, s, 1);
  float weight[MOST_TAPS];
  take_weights(&all, filter, weight);
  for (uint at = 0, column = 0; at < count; at += WIDTH) {
    store_gradient(sum_of(&all, masks + column, weight, 0.0f, dz + at), dx + at, count - at, add);
    column = advance(column, by, s->pitch);
  }
}

/* Both gradients, given dz, that before the activation: a work-item takes `share` channels of all
 * samples. `wanted`: whether dx is; add: whether it is added.
 */
kernel void depthwise_backward(global const float *x, global const float *dz,
                               global const float *filters, global float *dx,
                               global float *dweight, global float *dbias, global float *scratch,
                               constant depthwise *s, global const uint *records,
                               global const int *masks, uint samples, uint share, uint wanted,
                               uint add) {
  const uint first = get_global_id(0) * share, last = min(first + share, s->channels);
  const uint floats = s->phases_h * s->phases_w * s->x_floats, row = (s->taps + 1) * WIDTH;
  const uint in = s->height * s->width, some = share * s->filters * row;
  sums all;
  set_sums(&all, records, s, 0);
  global float *lanes = scratch + get_global_id(0) * (some + floats + s->z_floats);
  global float *phases = lanes + some, *gradient = phases + floats;
  clear(lanes, some + floats + s->z_floats);
  for (uint sample = 0; sample < samples; sample++)
    for (uint c = first; c < last; c++) {
      const size_t plane = (size_t)sample * s->channels + c;
      pad_plane(s, x + plane * in, phases);
      for (uint i = 0; i < s->filters; i++) {
        const uint f = c * s->filters + i;
        copy_row(dz + (plane * s->filters + i) * s->out, gradient + s->z_front, s->out);
        add_products(s, &all, masks, phases, gradient, lanes + (f - first * s->filters) * row);
        if (wanted)
          input_gradient(s, records, masks, filters + f * s->taps, gradient, dx + plane * in,
                         add || i > 0);
      }
    }
  for (uint f = first * s->filters; f < last * s->filters; f++, lanes += row) {
    for (uint t = 0; t < s->taps; t++)
      dweight[f * s->taps + all.weight[t]] = add_lanes(vload_w(t, lanes));
    if (dbias) dbias[f] = add_lanes(vload_w(s->taps, lanes));
  }
}
