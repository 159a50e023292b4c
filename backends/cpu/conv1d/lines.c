#include "backends/cpu/conv1d/lines.h"

#include <string.h>

#include "backends/cpu/gemm/pack.h"

/** Steps of the short sequence that are gathered at a time. */
enum { BLOCK = 64 };

dg_conv1d_lines dg_conv1d_lines_of(const dg_grouped_conv1d_desc *d) {
  dg_conv1d_lines l = {.steps = d->steps,
                       .channels = d->channels,
                       .short_steps = dg_grouped_conv1d_out(d),
                       .filters = d->filters,
                       .groups = d->groups,
                       .group_channels = d->channels / d->groups,
                       .group_filters = d->filters / d->groups,
                       .kernel = d->kernel,
                       .stride = d->stride,
                       .dilation = d->dilation,
                       .pad = d->pad};
  l.depthwise = l.group_channels == 1 && l.group_filters == 1;
  l.depth = l.kernel * l.group_channels;
  return l;
}

/** The step of the long sequence that element k of the kernel meets at step t of the short one;
    beyond `steps` if there is none. */
static inline size_t met(const dg_conv1d_lines *l, size_t t, size_t k) {
  return t * l->stride + k * l->dilation - l->pad; /* wraps around below 0 */
}

/* ---- weights ------------------------------------------------------------ */

size_t dg_conv1d_lines_packed(const dg_conv1d_lines *l, bool shorten) {
  if (l->depthwise) return l->kernel * l->channels;
  return shorten ? l->depth * dg_panels_width(l->group_filters)
                 : l->group_filters * dg_panels_width(l->depth);
}

/** Panels of filters, whose rows are those of a gathered row. */
static void pack_filters(const dg_conv1d_lines *l, const float *weight, float *packed) {
  const size_t width_of_all = dg_panels_width(l->group_filters);
  memset(packed, 0, l->depth * width_of_all * sizeof *packed);
  for (size_t f = 0; f < l->group_filters; f++) {
    const size_t panel = f / DG_TILE_WIDTH * DG_TILE_WIDTH;
    const size_t width = dg_panel_width(dg_panel_columns(l->group_filters - panel));
    float *to = packed + panel * l->depth + f - panel;
    for (size_t c = 0; c < l->group_channels; c++)
      for (size_t k = 0; k < l->kernel; k++)
        to[(k * l->group_channels + c) * width] =
            weight[(f * l->group_channels + c) * l->kernel + k];
  }
}

/** Panels of the numbers of a gathered row, with a row for each filter. */
static void pack_rows(const dg_conv1d_lines *l, const float *weight, float *packed) {
  const size_t width_of_all = dg_panels_width(l->depth);
  memset(packed, 0, l->group_filters * width_of_all * sizeof *packed);
  for (size_t i = 0; i < l->depth; i++) {
    const size_t panel = i / DG_TILE_WIDTH * DG_TILE_WIDTH;
    const size_t width = dg_panel_width(dg_panel_columns(l->depth - panel));
    const float *from = weight + i % l->group_channels * l->kernel + i / l->group_channels;
    for (size_t f = 0; f < l->group_filters; f++)
      packed[panel * l->group_filters + f * width + i - panel] = from[f * l->depth];
  }
}

void dg_conv1d_lines_pack(const dg_conv1d_lines *l, bool shorten, const float *weight, size_t begin,
                          size_t end, float *packed) {
  const size_t weights = l->group_filters * l->depth, size = dg_conv1d_lines_packed(l, shorten);
  if (l->depthwise) {
    dg_transpose(end - begin, l->kernel, weight + begin * l->kernel, l->kernel, packed + begin,
                 l->channels);
    return;
  }
  for (size_t g = begin; g < end; g++)
    (shorten ? pack_filters : pack_rows)(l, weight + g * weights, packed + g * size);
}

/* ---- a group for each feature ------------------------------------------- */

/** to[i] += a[i] * b[i] */
static inline void add_products(size_t count, const float *restrict a, const float *restrict b,
                                float *restrict to) {
  for (size_t i = 0; i < count; i++) to[i] += a[i] * b[i];
}

static void shorten_depthwise(const dg_conv1d_lines *l, const float *from, const float *packed,
                              bool add, float *to) {
  const size_t count = l->channels;
  if (!add) memset(to, 0, l->short_steps * count * sizeof *to);
  for (size_t t = 0; t < l->short_steps; t++, to += count)
    for (size_t k = 0; k < l->kernel; k++)
      if (met(l, t, k) < l->steps)
        add_products(count, packed + k * count, from + met(l, t, k) * count, to);
}

static void lengthen_depthwise(const dg_conv1d_lines *l, const float *from, const float *packed,
                               float *to) {
  const size_t count = l->channels;
  for (size_t t = 0; t < l->short_steps; t++, from += count)
    for (size_t k = 0; k < l->kernel; k++)
      if (met(l, t, k) < l->steps)
        add_products(count, packed + k * count, from, to + met(l, t, k) * count);
}

static void multiply_depthwise(const dg_conv1d_lines *l, const float *of_long,
                               const float *of_short, float *sums) {
  const size_t count = l->channels;
  for (size_t t = 0; t < l->short_steps; t++, of_short += count)
    for (size_t k = 0; k < l->kernel; k++)
      if (met(l, t, k) < l->steps)
        add_products(count, of_short, of_long + met(l, t, k) * count, sums + k * count);
}

/* ---- groups ------------------------------------------------------------- */

static size_t rows_floats(const dg_conv1d_lines *l) {
  return dg_round_up(BLOCK * l->depth);
}

size_t dg_conv1d_lines_scratch(const dg_conv1d_lines *l) {
  return l->depthwise ? 0 : rows_floats(l) + BLOCK * DG_TILE_WIDTH;
}

/** Gathers the rows of `count` steps from t on. */
static void gather(const dg_conv1d_lines *l, const float *from, size_t group, size_t t,
                   size_t count, float *rows) {
  const size_t run = l->group_channels;
  for (size_t j = t; j < t + count; j++)
    for (size_t k = 0; k < l->kernel; k++, rows += run)
      if (met(l, j, k) < l->steps)
        memcpy(rows, from + met(l, j, k) * l->channels + group * run, run * sizeof *rows);
      else
        memset(rows, 0, run * sizeof *rows);
}

/** Adds the rows of `count` steps from t on to the steps that they belong to. */
static void scatter(const dg_conv1d_lines *l, const float *rows, size_t group, size_t t,
                    size_t count, float *to) {
  const size_t run = l->group_channels;
  for (size_t j = t; j < t + count; j++)
    for (size_t k = 0; k < l->kernel; k++, rows += run) {
      if (met(l, j, k) >= l->steps) continue;
      float *restrict line = to + met(l, j, k) * l->channels + group * run;
      for (size_t i = 0; i < run; i++) line[i] += rows[i];
    }
}

/** c [rows, columns], written or added = a [rows, depth] times packed panels; the rows of a and c
    are `a_row` and `c_row` apart. */
static void product(size_t rows, size_t columns, size_t depth, const float *a, size_t a_row,
                    const float *packed, bool add, float *c, size_t c_row) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  for (size_t v = 0, some, height; v < columns; v += some) {
    some = dg_panel_columns(columns - v);
    for (size_t j = 0; j < rows; j += height) {
      height = dg_tile_height(rows - j);
      dg_micro_kernel(height, dg_panel_width(some), depth, a + j * a_row, a_row, packed + v * depth,
                      tile, DG_TILE_WIDTH);
      dg_store_rows(add, height, some, tile, c + j * c_row + v, c_row);
    }
  }
}

/** The steps of a block from t on. */
static size_t block_at(const dg_conv1d_lines *l, size_t t) {
  return l->short_steps - t < BLOCK ? l->short_steps - t : BLOCK;
}

void dg_conv1d_lines_shorten(const dg_conv1d_lines *l, const float *from, const float *packed,
                             bool add, float *scratch, float *to) {
  if (l->depthwise) {
    shorten_depthwise(l, from, packed, add, to);
    return;
  }
  for (size_t g = 0; g < l->groups; g++)
    for (size_t t = 0; t < l->short_steps; t += BLOCK) {
      const size_t count = block_at(l, t);
      gather(l, from, g, t, count, scratch);
      product(count, l->group_filters, l->depth, scratch, l->depth,
              packed + g * dg_conv1d_lines_packed(l, true), add,
              to + t * l->filters + g * l->group_filters, l->filters);
    }
}

void dg_conv1d_lines_lengthen(const dg_conv1d_lines *l, const float *from, const float *packed,
                              float *scratch, float *to) {
  if (l->depthwise) {
    lengthen_depthwise(l, from, packed, to);
    return;
  }
  for (size_t g = 0; g < l->groups; g++)
    for (size_t t = 0; t < l->short_steps; t += BLOCK) {
      const size_t count = block_at(l, t);
      product(count, l->depth, l->group_filters, from + t * l->filters + g * l->group_filters,
              l->filters, packed + g * dg_conv1d_lines_packed(l, false), false, scratch, l->depth);
      scatter(l, scratch, g, t, count, to);
    }
}

/* ---- the gradient of the weights ---------------------------------------- */

/** Of a group: panels of the numbers of a gathered row, with a line for each filter. */
static size_t sums_of_group(const dg_conv1d_lines *l) {
  return l->group_filters * dg_panels_width(l->depth);
}

size_t dg_conv1d_lines_sums(const dg_conv1d_lines *l) {
  return l->depthwise ? l->kernel * l->channels : l->groups * sums_of_group(l);
}

/** Adds the products of `count` steps, whose rows are gathered in the scratch. */
static void multiply_block(const dg_conv1d_lines *l, size_t count, const float *of_short,
                           float *scratch, float *sums) {
  float *panel = scratch + rows_floats(l);
  for (size_t v = 0, columns, height; v < l->depth; v += columns) {
    columns = dg_panel_columns(l->depth - v);
    const size_t width = dg_panel_width(columns);
    dg_pack_rows(count, columns, scratch + v, l->depth, panel);
    for (size_t f = 0; f < l->group_filters; f += height) {
      height = dg_tile_height(l->group_filters - f);
      dg_micro_kernel_transposed(height, width, count, of_short + f, l->filters, panel,
                                 sums + v * l->group_filters + f * width);
    }
  }
}

void dg_conv1d_lines_multiply(const dg_conv1d_lines *l, const float *of_long, const float *of_short,
                              float *scratch, float *sums) {
  if (l->depthwise) {
    multiply_depthwise(l, of_long, of_short, sums);
    return;
  }
  for (size_t g = 0; g < l->groups; g++)
    for (size_t t = 0; t < l->short_steps; t += BLOCK) {
      const size_t count = block_at(l, t);
      gather(l, of_long, g, t, count, scratch);
      multiply_block(l, count, of_short + t * l->filters + g * l->group_filters, scratch,
                     sums + g * sums_of_group(l));
    }
}

/** Where the sum of element k of the kernel of filter f lies, for channel c of the group. */
static size_t place_of(const dg_conv1d_lines *l, size_t f, size_t c, size_t k) {
  const size_t i = k * l->group_channels + c, panel = i / DG_TILE_WIDTH * DG_TILE_WIDTH;
  if (l->depthwise) return k * l->channels + f;
  return f / l->group_filters * sums_of_group(l) + panel * l->group_filters +
         f % l->group_filters * dg_panel_width(dg_panel_columns(l->depth - panel)) + i - panel;
}

void dg_conv1d_lines_take(const dg_conv1d_lines *l, const float *sums, bool add, size_t begin,
                          size_t end, float *d_weight) {
  for (size_t f = begin; f < end; f++)
    for (size_t c = 0; c < l->group_channels; c++)
      for (size_t k = 0; k < l->kernel; k++) {
        float *to = d_weight + (f * l->group_channels + c) * l->kernel + k;
        const float sum = sums[place_of(l, f, c, k)];
        *to = add ? *to + sum : sum;
      }
}
