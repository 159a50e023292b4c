/* Whole convolutions by Winograd (cl/conv2d/winograd.cl): a work-item performs all steps for a
 * block of samples, so that the intermediate data stays in its core's cache:
 *
 *   image        16 channels of a sample, with zeros around them: [row][column][channel]
 *   transformed  all tiles of the block: [point][sample, tile][channel]
 *   products     of these with a panel of the transformed weights: [point][sample, tile][filter]
 *   pixels       these transformed back, 16 filters of a sample: [row][column][filter]
 */

/* The shape of a correlation, and the offsets of its parts in a work-item's memory, in floats. */
typedef struct {
  uint channels, in_h, in_w, pad;
  uint filters, out_h, out_w;
  uint row_tiles, tiles;          /* per row; per image */
  uint line;                      /* columns of an image */
  uint transformed_step, product_step; /* floats from one point to the next */
} shape;

/* Copies 16 channels of a sample to an image, whose edges are already zero: times slope where `of`,
 * if not NULL, isn't positive.
 */
inline void fill_image(const shape *s, global const float *from, global const float *of,
                       float slope, global float *image) {
  const uint area = s->in_h * s->in_w, count = min(area, 16u);
  for (uint pixel = 0; pixel < area; pixel += 16) {
    const uint at = min(pixel, area - count); /* the last block overlaps the previous one */
    float16 block[16];
#pragma unroll
    for (uint c = 0; c < 16; c++) {
      block[c] = load_up_to(from + c * area + at, count);
      if (of) block[c] = load_up_to(of + c * area + at, count) > 0.0f ? block[c] : slope * block[c];
    }
    transpose_block(block);
    uint y = at / s->in_w, x = at - y * s->in_w;
    for (uint i = 0; i < count; i++) {
      vstore16(block[i], (y + s->pad) * s->line + x + s->pad, image);
      if (++x == s->in_w) x = 0, y++;
    }
  }
}

/* Transforms the tile that begins at `image`. */
inline void input_transform(const shape *s, global const float *image, global float *to) {
  float16 columns[6][6];
#pragma unroll
  for (uint x = 0; x < 6; x++) {
    float16 in[6];
#pragma unroll
    for (uint y = 0; y < 6; y++) in[y] = vload16(y * s->line + x, image);
    transform_line(in, columns[x]);
  }
  transform_lines(columns, to, s->transformed_step);
}

/* Transforms a tile of products to pixels, up to the edge of the image. */
inline void output_transform(const shape *s, global const float *from, uint top, uint left,
                             global float *pixels) {
  float16 lines[6][SIDE];
#pragma unroll
  for (uint i = 0; i < 6; i++) {
    float16 in[6];
#pragma unroll
    for (uint j = 0; j < 6; j++) in[j] = vload16(0, from + (size_t)(i * 6 + j) * s->product_step);
    combine(SIDE, in, lines[i]);
  }
#pragma unroll
  for (uint x = 0; x < SIDE; x++) {
    float16 in[6], out[SIDE];
#pragma unroll
    for (uint i = 0; i < 6; i++) in[i] = lines[i][x];
    combine(SIDE, in, out);
#pragma unroll
    for (uint y = 0; y < SIDE; y++)
      if (top + y < s->out_h && left + x < s->out_w)
        vstore16(out[y], (top + y) * s->out_w + left + x, pixels);
  }
}

/* to[filter][pixel] (+)= leaky(pixels[pixel][filter] + bias[filter]) for 16 filters. */
inline void store_pixels(const shape *s, global const float *pixels, global const float *bias,
                         float slope, global float *to, uint add) {
  const uint area = s->out_h * s->out_w;
  const float16 shift = bias ? vload16(0, bias) : 0.0f;
  for (uint pixel = 0; pixel < area; pixel += 16) {
    const uint count = min(area - pixel, 16u);
    float16 block[16];
#pragma unroll
    for (uint p = 0; p < 16; p++) {
      const float16 sum = vload16(pixel + min(p, count - 1), pixels) + shift;
      block[p] = sum > 0.0f ? sum : slope * sum;
    }
    transpose_block(block);
#pragma unroll
    for (uint f = 0; f < 16; f++) {
      global float *line = to + f * area + pixel;
      if (count == 16)
        vstore16(add ? block[f] + vload16(0, line) : block[f], 0, line);
      else
        store_run((const float *)&block[f], count, line, add);
    }
  }
}

/* Multiplies one point of `rows` tiles with that of the weights in a panel. */
__attribute__((always_inline)) inline void
multiply_rows(const shape *s, global const float *transformed, global const float *panel,
              global float *products, uint rows, const uint tile_rows, const uint vectors) {
  float16 sums[PANEL_ROWS][PANEL_VECTORS];
#pragma unroll
  for (uint r = 0; r < tile_rows; r++)
#pragma unroll
    for (uint v = 0; v < vectors; v++) sums[r][v] = 0.0f;
  micro_kernel(sums, transformed, s->channels, rows, panel, s->channels, tile_rows, vectors);
#pragma unroll
  for (uint r = 0; r < tile_rows; r++)
#pragma unroll
    for (uint v = 0; v < vectors; v++)
      if (r < rows) vstore16(sums[r][v], v, products + r * PANEL_LINE);
}

__attribute__((always_inline)) inline void multiply(const shape *s, global const float *transformed,
                                                    global const float *panel,
                                                    global float *products, uint rows,
                                                    const uint vectors) {
  for (uint point = 0; point < 36; point++) {
    uint row = 0;
    for (; row + PANEL_ROWS <= rows; row += PANEL_ROWS)
      multiply_rows(s, transformed + row * s->channels, panel, products + row * PANEL_LINE,
                    PANEL_ROWS, PANEL_ROWS, vectors);
    for (; row < rows; row += 4)
      multiply_rows(s, transformed + row * s->channels, panel, products + row * PANEL_LINE,
                    rows - row, 4, vectors);
    transformed += s->transformed_step;
    panel += s->channels * PANEL_LINE;
    products += s->product_step;
  }
}

/* A correlation of n samples, `block` at a time: blocks are distributed cyclically over work-items.
 * of and of_slope are as in fill_image. Each work-item has item_step floats of `memory`: an image,
 * then the other parts from pixels_first, transformed_first and products_first on.
 */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
wino_correlate(global const float *restrict from, global const float *restrict of, float of_slope,
               uint channels, uint in_h, uint in_w, uint pad, global const float *weights,
               uint weights_first, global const float *restrict bias, float slope,
               global float *restrict to, uint filters, uint out_h, uint out_w, uint add,
               global float *memory, uint memory_first, uint item_step, uint pixels_first,
               uint transformed_first, uint products_first, uint transformed_step,
               uint product_step, uint n, uint block) {
  const uint row_tiles = (out_w + SIDE - 1) / SIDE, columns = (out_h + SIDE - 1) / SIDE;
  const shape s = {channels,
                   in_h,
                   in_w,
                   pad,
                   filters,
                   out_h,
                   out_w,
                   row_tiles,
                   row_tiles * columns,
                   row_tiles * SIDE + KERNEL - 1,
                   transformed_step,
                   product_step};
  global float *image = memory + memory_first + (size_t)get_global_id(0) * item_step;
  global float *pixels = image + pixels_first, *transformed = image + transformed_first;
  global float *products = image + products_first;
  for (uint i = 0; i < pixels_first; i += 16) vstore16(0.0f, 0, image + i);

  for (uint begin = get_global_id(0) * block; begin < n; begin += get_global_size(0) * block) {
    const uint end = min(begin + block, n), rows = (end - begin) * s.tiles;
    for (uint sample = begin; sample < end; sample++)
      for (uint c = 0; c < channels; c += 16) {
        const size_t first = ((size_t)sample * channels + c) * in_h * in_w;
        fill_image(&s, from + first, of ? of + first : 0, of_slope, image);
        for (uint tile = 0; tile < s.tiles; tile++) {
          const uint place = tile / row_tiles * SIDE * s.line + tile % row_tiles * SIDE;
          const uint row = (sample - begin) * s.tiles + tile;
          input_transform(&s, image + place * 16, transformed + row * channels + c);
        }
      }
    for (uint f = 0; f < filters; f += PANEL_LINE) {
      global const float *panel = weights + weights_first + (size_t)f * 36 * channels;
      if (filters - f > 16)
        multiply(&s, transformed, panel, products, rows, 2);
      else
        multiply(&s, transformed, panel, products, rows, 1);
      for (uint v = 0; v < PANEL_VECTORS && f + 16 * v < filters; v++)
        for (uint sample = begin; sample < end; sample++) {
          for (uint tile = 0; tile < s.tiles; tile++) {
            const uint row = (sample - begin) * s.tiles + tile;
            output_transform(&s, products + row * PANEL_LINE + 16 * v, tile / row_tiles * SIDE,
                             tile % row_tiles * SIDE, pixels);
          }
          store_pixels(&s, pixels, bias ? bias + f + 16 * v : 0, slope,
                       to + ((size_t)sample * filters + f + 16 * v) * out_h * out_w, add);
        }
    }
  }
}
