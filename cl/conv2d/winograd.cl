/* Convolutions of stride 1 by Winograd's algorithm (Lavin and Gray, arXiv:1509.09308), for kernels
 * of KERNEL x KERNEL (a build option, 3 or 5): 36 products give SIDE x SIDE outputs.
 *
 * Tiles of 6 x 6 pixels, kernels and outputs are treated as polynomials in two variables; they are
 * transformed to their values at the 36 pairs of the points 0, a, -a, b, -b and infinity
 * (a^2 = 1/2, b^2 = 2), called points below.
 * The values at a and -a share their even and odd parts. For the weights' gradient, tensors are
 * [pixel][sample][channel], a group of transformed tiles is [point][tile][sample][channel], and a
 * work-item processes 16 channels of a tile; the rest is in cl/conv2d/winograd_tiles.cl. Tiles are
 * counted row by row, `row_tiles` of them in a row.
 */
#define SIDE (7 - KERNEL)
#define A 0.70710678f
#define B 1.41421356f
#define A2 0.5f
#define B2 2.0f

/* For transformed kernels: 1 / the product of the point's differences from the other points. */
constant float factors[6] = {1.0f, -1.0f / 1.5f, -1.0f / 1.5f, 1.0f / 6.0f, 1.0f / 6.0f, 1.0f};

/* The values of the polynomial with the `count` coefficients c, 2 <= count <= 5. */
inline void evaluate(const uint count, const float16 *c, float16 *value) {
  float16 even_a = c[0], even_b = c[0], odd_a = c[1], odd_b = c[1];
  if (count > 4) {
    even_a += A2 * (c[2] + A2 * c[4]);
    even_b += B2 * (c[2] + B2 * c[4]);
  } else if (count > 2) {
    even_a += A2 * c[2];
    even_b += B2 * c[2];
  }
  if (count > 3) {
    odd_a += A2 * c[3];
    odd_b += B2 * c[3];
  }
  value[0] = c[0];
  value[1] = even_a + A * odd_a;
  value[2] = even_a - A * odd_a;
  value[3] = even_b + B * odd_b;
  value[4] = even_b - B * odd_b;
  value[5] = c[count - 1];
}

/* The transpose of evaluate. */
inline void combine(const uint count, const float16 *value, float16 *c) {
  const float16 even_a = value[1] + value[2], odd_a = A * (value[1] - value[2]);
  const float16 even_b = value[3] + value[4], odd_b = B * (value[3] - value[4]);
  c[0] = value[0] + even_a + even_b;
  c[1] = odd_a + odd_b;
  if (count > 2) c[2] = A2 * even_a + B2 * even_b;
  if (count > 3) c[3] = A2 * odd_a + B2 * odd_b;
  if (count > 4) c[4] = A2 * A2 * even_a + B2 * B2 * even_b;
  c[count - 1] += value[5];
}

/* The input transform: the transpose of interpolation, except for `factors`. */
inline void transform_line(const float16 *x, float16 *value) {
  const float16 even_a = x[4] - B2 * x[2], odd_a = A * (x[3] - B2 * x[1]);
  const float16 even_b = x[4] - A2 * x[2], odd_b = B * (x[3] - A2 * x[1]);
  value[0] = x[4] + A2 * B2 * x[0] - (A2 + B2) * x[2];
  value[1] = even_a + odd_a;
  value[2] = even_a - odd_a;
  value[3] = even_b + odd_b;
  value[4] = even_b - odd_b;
  value[5] = x[5] + A2 * B2 * x[1] - (A2 + B2) * x[3];
}

/* A transformed tile from its transformed columns: point i goes to to + i * step. */
inline void transform_lines(float16 columns[6][6], global float *to, size_t step) {
#pragma unroll
  for (uint i = 0; i < 6; i++) {
    float16 in[6], out[6];
#pragma unroll
    for (uint x = 0; x < 6; x++) in[x] = columns[x][i];
    transform_line(in, out);
#pragma unroll
    for (uint j = 0; j < 6; j++) vstore16(out[j], 0, to + (i * 6 + j) * step);
  }
}

/* The 16 channels at (y, x) of an image, 0 outside it; pixels are `pixel` numbers apart. */
inline float16 pixel_at(global const float *image, int y, int x, uint height, uint width,
                        size_t pixel) {
  const bool inside = y >= 0 && y < (int)height && x >= 0 && x < (int)width;
  return inside ? vload16(0, image + (size_t)(y * (int)width + x) * pixel) : 0.0f;
}

/* Transforms the tiles from `first_tile` on of images padded by `pad`. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
wino_input_transform(global const float *restrict from, global float *restrict to, uint to_first,
                     uint samples, uint channels, uint height, uint width, uint pad,
                     uint first_tile, uint row_tiles) {
  const uint tile = get_global_id(2), tiles = get_global_size(2);
  const size_t pixel = (size_t)samples * channels;
  const size_t place = get_global_id(1) * channels + get_global_id(0) * 16;
  const uint number = first_tile + tile;
  const int top = (int)(number / row_tiles * SIDE) - (int)pad;
  const int left = (int)(number % row_tiles * SIDE) - (int)pad;
  from += place;
  to += to_first + tile * pixel + place;
  float16 columns[6][6];
#pragma unroll
  for (uint x = 0; x < 6; x++) {
    float16 in[6];
#pragma unroll
    for (uint y = 0; y < 6; y++)
      in[y] = pixel_at(from, top + (int)y, left + (int)x, height, width, pixel);
    transform_line(in, columns[x]);
  }
  transform_lines(columns, to, tiles * pixel);
}

/* The gradient of transformed outputs from that of the outputs: the transpose of
   output_transform. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void wino_output_transform_backward(
    global const float *restrict from, uint from_first, global float *restrict to, uint to_first,
    uint samples, uint channels, uint height, uint width, uint first_tile, uint row_tiles) {
  const uint tile = get_global_id(2), tiles = get_global_size(2);
  const size_t pixel = (size_t)samples * channels;
  const size_t place = get_global_id(1) * channels + get_global_id(0) * 16;
  const uint top = (first_tile + tile) / row_tiles * SIDE;
  const uint left = (first_tile + tile) % row_tiles * SIDE;
  from += from_first + place;
  to += to_first + tile * pixel + place;
  float16 columns[SIDE][6];
#pragma unroll
  for (uint x = 0; x < SIDE; x++) {
    float16 in[SIDE];
#pragma unroll
    for (uint y = 0; y < SIDE; y++)
      in[y] = pixel_at(from, (int)(top + y), (int)(left + x), height, width, pixel);
    evaluate(SIDE, in, columns[x]);
  }
#pragma unroll
  for (uint i = 0; i < 6; i++) {
    float16 in[SIDE], out[6];
#pragma unroll
    for (uint x = 0; x < SIDE; x++) in[x] = columns[x][i];
    evaluate(SIDE, in, out);
#pragma unroll
    for (uint j = 0; j < 6; j++) vstore16(out[j], 0, to + (i * 6 + j) * tiles * pixel);
  }
}

/* Transforms all kernels to panels [filter / 32][point][channel][filter % 32], 16 filters per
 * work-item; tap 0 of a pair is at channel * channel_step + filter * filter_step, and with `flip`
 * the last tap comes first.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
wino_weight_transform(global const float *restrict weight, uint channel_step, uint filter_step,
                      uint flip, global float *restrict to, uint to_first, uint channels) {
  const uint filter = get_global_id(0) * 16;
  const size_t channel = get_global_id(1), point_step = (size_t)channels * PANEL_LINE;
  weight += channel * channel_step + filter * filter_step;
  to +=
      to_first + filter / PANEL_LINE * 36 * point_step + channel * PANEL_LINE + filter % PANEL_LINE;
  float16 columns[KERNEL][6];
#pragma unroll
  for (uint x = 0; x < KERNEL; x++) {
    float16 in[KERNEL];
#pragma unroll
    for (uint y = 0; y < KERNEL; y++) {
      const uint tap = y * KERNEL + x;
      float lanes[16];
      for (uint f = 0; f < 16; f++)
        lanes[f] = weight[f * filter_step + (flip ? KERNEL * KERNEL - 1 - tap : tap)];
      in[y] = vload16(0, lanes);
    }
    evaluate(KERNEL, in, columns[x]);
  }
#pragma unroll
  for (uint i = 0; i < 6; i++) {
    float16 in[KERNEL], out[6];
#pragma unroll
    for (uint x = 0; x < KERNEL; x++) in[x] = columns[x][i];
    evaluate(KERNEL, in, out);
#pragma unroll
    for (uint j = 0; j < 6; j++)
      vstore16(factors[i] * factors[j] * out[j], 0, to + (i * 6 + j) * point_step);
  }
}

/* The gradient of the kernels [filter][channel][tap] from that of the transformed ones, whose
 * points are `point_step` floats apart: the transpose of wino_weight_transform.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
wino_weight_transform_backward(global const float *restrict from, uint from_first, uint point_step,
                               global float *restrict to, uint channels, uint filters) {
  const uint filter = get_global_id(0) * 16;
  const size_t channel = get_global_id(1);
  from += from_first + channel * filters + filter;
  to += (filter * channels + channel) * KERNEL * KERNEL;
  float16 lines[6][KERNEL];
#pragma unroll
  for (uint i = 0; i < 6; i++) {
    float16 in[6];
#pragma unroll
    for (uint j = 0; j < 6; j++)
      in[j] = factors[i] * factors[j] * vload16(0, from + (size_t)(i * 6 + j) * point_step);
    combine(KERNEL, in, lines[i]);
  }
#pragma unroll
  for (uint x = 0; x < KERNEL; x++) {
    float16 in[6], out[KERNEL];
#pragma unroll
    for (uint i = 0; i < 6; i++) in[i] = lines[i][x];
    combine(KERNEL, in, out);
#pragma unroll
    for (uint y = 0; y < KERNEL; y++) {
      float lanes[16];
      vstore16(out[y], 0, lanes);
      for (uint f = 0; f < 16; f++)
        to[(size_t)f * channels * KERNEL * KERNEL + y * KERNEL + x] = lanes[f];
    }
  }
}
