/* Cases of products: linear, conv2d and conv1d. */
#include <stdio.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/common/cases/list.h"

static dg_drop drop_of(float rate, size_t layer) {
  return (dg_drop){rate, dg_stream(DG_STREAM_DROPOUT, (uint32_t)layer)};
}

/** Several rows a sample. */
static void linear_rows_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t rows, in, out, max_n;
  } shapes[] = {
      {2, 1, 1, 3},    {3, 16, 17, 4},  {15, 7, 33, 3},   {16, 16, 16, 3},  {17, 31, 15, 3},
      {5, 65, 3, 2},   {49, 64, 64, 4}, {49, 64, 256, 2}, {49, 256, 64, 2}, {197, 48, 40, 3},
      {28, 28, 40, 9}, {300, 3, 5, 5},  {600, 20, 33, 2}, {7, 70, 130, 17},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_linear_desc d = {shapes[i].in, shapes[i].out, i % 3 != 2, act_of(i), {0, 0}, shapes[i].rows};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .linear = d}, shapes[i].max_n, FILL_RANDOM);
  }
}

static void linear_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t in, out, max_n;
  } shapes[] = {
      {1, 1, 3},      {1, 17, 2},     {15, 1, 4},     {16, 16, 5},    {17, 31, 8},    {31, 33, 7},
      {33, 15, 6},    {5, 300, 1},    {2, 3, 130},    {65, 10, 17},   {300, 7, 257},  {129, 65, 40},
      {100, 10, 128}, {64, 64, 16},   {48, 32, 12},   {784, 100, 6},  {784, 512, 3},  {512, 256, 3},
      {256, 10, 64},  {1568, 128, 3}, {1568, 512, 2}, {4732, 128, 2}, {512, 10, 100}, {47, 97, 65},
      {70, 130, 300}, {33, 40, 259},  {512, 40, 19},  {1024, 20, 9},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_linear_desc d = {shapes[i].in, shapes[i].out, i % 3 != 2, act_of(i), {0, 0}, 0};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .linear = d}, shapes[i].max_n, FILL_RANDOM);
  }
  for (size_t i = 0; i < 10; i++) {
    dg_linear_desc d = {37, 19, i < 5, act_of(i), {0, 0}, 0};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .linear = d}, 6, FILL_RANDOM);
  }
  for (size_t i = 0; i < COUNT(shapes); i += 2) {
    dg_linear_desc d = {
        shapes[i].in, shapes[i].out, i % 3 != 2, act_of(0), drop_of(i / 2 % 3 ? 0.2f : 0.5f, i), 0};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .linear = d}, shapes[i].max_n, FILL_RANDOM);
  }
  linear_rows_cases(l, kind);
}

/** Convolutions with a fused pooling, dropout or both. */
static void fused_conv2d_cases(case_list *l) {
  static const struct {
    uint32_t channels, height, width, filters, kernel, stride, pad, pool;
    float rate;
    uint32_t max_n;
  } shapes[] = {
      /* one window; windows of one; rows and columns that no window touches */
      {1, 2, 2, 1, 1, 1, 0, 2, 0, 3},
      {1, 4, 4, 2, 3, 1, 0, 2, 0.5f, 3},
      {2, 5, 6, 3, 3, 1, 1, 1, 0.2f, 3},
      {2, 7, 5, 3, 3, 1, 1, 2, 0, 4},
      {1, 6, 9, 5, 2, 1, 0, 2, 0.2f, 5},
      {3, 11, 8, 2, 3, 1, 0, 3, 0, 3},
      {1, 16, 17, 2, 1, 1, 0, 16, 0, 3},
      {2, 9, 13, 4, 3, 1, 1, 5, 0.5f, 2},
      /* dropout alone */
      {2, 6, 5, 3, 3, 1, 1, 0, 0.5f, 4},
      {3, 7, 7, 17, 3, 2, 1, 0, 0.2f, 3},
      /* strides, much padding */
      {2, 13, 12, 5, 3, 2, 1, 2, 0, 3},
      {1, 11, 14, 3, 4, 3, 2, 2, 0.2f, 2},
      {2, 6, 6, 4, 3, 1, 2, 2, 0, 3},
      {2, 6, 5, 4, 3, 1, 3, 2, 0.2f, 2},
      /* around the widths of vectors and tiles */
      {3, 6, 32, 15, 3, 1, 1, 2, 0, 3},
      {2, 5, 35, 33, 3, 1, 1, 2, 0.2f, 3},
      {17, 4, 66, 16, 3, 1, 1, 2, 0, 2},
      {1, 3, 70, 31, 2, 1, 0, 2, 0, 9},
      /* many channels, several samples */
      {32, 6, 6, 32, 3, 1, 1, 2, 0, 8},
      {33, 7, 5, 47, 3, 1, 1, 2, 0.5f, 13},
      {39, 8, 9, 49, 3, 2, 1, 2, 0, 9},
      {36, 7, 8, 35, 3, 1, 0, 3, 0.2f, 12},
      {35, 3, 3, 34, 3, 1, 1, 0, 0.2f, 25},
      /* vectors along filters: wide lines in several blocks, a partial last vector */
      {1, 4, 6, 9, 3, 1, 1, 2, 0, 2},
      {2, 13, 43, 9, 5, 1, 2, 3, 0, 4},
      {1, 31, 90, 20, 3, 1, 1, 2, 0.2f, 2},
      {3, 9, 9, 40, 3, 1, 2, 2, 0, 17},
      /* more numbers than are pooled at once */
      {1, 64, 66, 64, 1, 1, 0, 2, 0.2f, 5},
      /* the zoo */
      {1, 28, 28, 16, 3, 1, 1, 2, 0, 33},
      {16, 14, 14, 32, 3, 1, 1, 2, 0.2f, 3},
      {1, 28, 28, 32, 5, 1, 2, 2, 0, 2},
      {32, 14, 14, 32, 5, 1, 2, 2, 0, 9},
      {1, 28, 28, 28, 3, 1, 0, 2, 0, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_conv2d_desc d = {shapes[i].channels,
                        shapes[i].height,
                        shapes[i].width,
                        shapes[i].filters,
                        shapes[i].kernel,
                        shapes[i].kernel,
                        shapes[i].stride,
                        shapes[i].stride,
                        shapes[i].pad,
                        shapes[i].pad,
                        i % 3 != 2,
                        act_of(i),
                        shapes[i].pool,
                        drop_of(shapes[i].rate, i),
                        false};
    if (d.drop.rate > 0) d.act = (dg_act){DG_ACT_RELU, 0};
    add_case(l, (dg_op_desc){DG_OP_CONV2D, {mode_of(i)}, .conv2d = d}, shapes[i].max_n,
             FILL_RANDOM);
  }
}

static void conv2d_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t channels, height, width, filters;
    uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
    uint32_t max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 3},
      {1, 5, 7, 1, 3, 3, 1, 1, 0, 0, 4},
      {3, 7, 5, 2, 2, 2, 1, 1, 0, 0, 3},
      {2, 8, 6, 3, 4, 2, 2, 1, 1, 0, 3},
      {2, 9, 11, 5, 3, 3, 2, 2, 1, 1, 5},
      {3, 10, 13, 4, 3, 5, 3, 2, 1, 2, 2},
      {4, 12, 12, 17, 1, 1, 1, 1, 0, 0, 3},
      {1, 1, 30, 4, 1, 5, 1, 1, 0, 2, 3},
      {8, 30, 1, 8, 3, 1, 1, 1, 1, 0, 2},
      {1, 28, 28, 6, 7, 7, 2, 2, 3, 3, 3},
      {1, 40, 37, 2, 11, 9, 4, 3, 5, 4, 2},
      {3, 32, 32, 33, 3, 3, 1, 1, 1, 1, 2},
      /* kernel = image, without and with padding */
      {1, 6, 6, 2, 6, 6, 1, 1, 0, 0, 3},
      {2, 5, 9, 3, 5, 9, 1, 1, 0, 0, 3},
      {2, 5, 9, 3, 5, 9, 1, 1, 2, 4, 3},
      /* around the widths of vectors and tiles */
      {15, 6, 7, 16, 3, 3, 1, 1, 1, 1, 3},
      {16, 7, 6, 15, 3, 3, 1, 1, 1, 1, 3},
      {17, 5, 5, 31, 3, 3, 1, 1, 1, 1, 3},
      {31, 4, 6, 33, 3, 3, 2, 2, 1, 1, 3},
      {33, 5, 3, 17, 3, 2, 1, 2, 1, 1, 3},
      {64, 4, 4, 64, 3, 3, 1, 1, 1, 1, 2},
      {2, 16, 17, 16, 3, 3, 1, 1, 1, 1, 9},
      /* many channels, several samples: one pixel, odd counts, strides, even kernels, padding */
      {32, 1, 1, 32, 1, 1, 1, 1, 0, 0, 8},
      {33, 5, 4, 47, 3, 3, 1, 1, 1, 1, 13},
      {47, 4, 5, 33, 2, 4, 1, 1, 0, 1, 8},
      {39, 7, 6, 49, 3, 2, 2, 3, 1, 1, 9},
      {32, 3, 3, 36, 5, 5, 1, 1, 2, 2, 25},
      {35, 4, 4, 32, 3, 3, 1, 1, 3, 3, 8},
      {80, 6, 5, 48, 3, 3, 1, 1, 0, 0, 24},
      {32, 8, 8, 34, 2, 2, 3, 3, 0, 0, 8},
      {48, 7, 7, 32, 7, 7, 1, 1, 0, 0, 12},
      /* Winograd: last tiles cut, padding, a panel and a half, one tile a sample */
      {48, 4, 5, 32, 3, 3, 1, 1, 1, 1, 9},
      {16, 12, 12, 32, 3, 3, 1, 1, 0, 0, 3},
      {32, 15, 8, 16, 3, 3, 1, 1, 2, 2, 5},
      {48, 10, 10, 48, 3, 3, 1, 1, 0, 0, 13},
      {16, 4, 4, 80, 3, 3, 1, 1, 1, 1, 70},
      {96, 7, 14, 16, 3, 3, 1, 1, 1, 1, 3},
      {16, 13, 14, 48, 5, 5, 1, 1, 2, 2, 3},
      {32, 8, 10, 16, 5, 5, 1, 1, 0, 0, 11},
      {48, 5, 6, 32, 5, 5, 1, 1, 4, 4, 9},
      {16, 16, 18, 48, 7, 7, 1, 1, 0, 0, 3},
      {32, 12, 11, 16, 7, 7, 1, 1, 3, 3, 5},
      /* rows and columns that no window touches */
      {2, 8, 8, 3, 2, 2, 3, 3, 0, 0, 3},
      {1, 10, 11, 2, 1, 1, 3, 2, 0, 0, 3},
      {3, 11, 12, 2, 3, 3, 3, 3, 0, 0, 2},
      {2, 7, 8, 3, 2, 1, 3, 2, 1, 0, 2},
      /* much padding: a whole kernel of it, and with strides */
      {2, 6, 6, 4, 3, 3, 1, 1, 2, 2, 3},
      {2, 6, 5, 4, 3, 3, 1, 1, 3, 3, 2},
      {2, 7, 6, 3, 3, 4, 2, 3, 2, 3, 3},
      {1, 2, 3, 2, 5, 5, 1, 1, 2, 2, 3},
      /* the zoo */
      {1, 28, 28, 16, 3, 3, 1, 1, 1, 1, 33},
      {16, 14, 14, 32, 3, 3, 1, 1, 1, 1, 3},
      {1, 28, 28, 32, 5, 5, 1, 1, 2, 2, 2},
      {32, 14, 14, 32, 5, 5, 1, 1, 2, 2, 2},
      {1, 28, 28, 28, 3, 3, 1, 1, 0, 0, 3},
      /* more padding than a kernel */
      {2, 4, 5, 9, 1, 1, 1, 1, 2, 2, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_conv2d_desc d = {shapes[i].channels,
                        shapes[i].height,
                        shapes[i].width,
                        shapes[i].filters,
                        shapes[i].kernel_h,
                        shapes[i].kernel_w,
                        shapes[i].stride_h,
                        shapes[i].stride_w,
                        shapes[i].pad_h,
                        shapes[i].pad_w,
                        i % 3 != 2,
                        act_of(i),
                        0,
                        {0, 0},
                        false};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .conv2d = d}, shapes[i].max_n, FILL_RANDOM);
  }
  for (size_t i = 0; i < 10; i++) {
    dg_conv2d_desc d = {3, 9, 10, 18, 3, 3, 1, 1, 1, 1, i < 5, act_of(i), 0, {0, 0}, false};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .conv2d = d}, 3, FILL_RANDOM);
  }
  fused_conv2d_cases(l);
}

static void conv1d_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t steps, in, filters, kernel, stride, pad, max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 0, 3},
      {5, 1, 1, 3, 1, 0, 4},
      {7, 3, 2, 2, 1, 0, 3},
      {8, 1, 17, 4, 2, 1, 3},
      {9, 17, 1, 3, 2, 1, 5},
      {13, 2, 5, 5, 3, 2, 2},
      {1, 16, 16, 1, 1, 0, 8},
      {1, 5, 3, 3, 1, 1, 3},
      {30, 4, 33, 1, 1, 0, 3},
      {12, 33, 15, 2, 2, 0, 3},
      {11, 15, 31, 3, 1, 2, 3},
      {6, 31, 17, 6, 1, 0, 3},
      {6, 16, 32, 6, 1, 5, 2},
      {10, 7, 9, 4, 1, 2, 3},
      /* steps that no window touches */
      {11, 3, 4, 2, 3, 0, 3},
      {10, 5, 6, 1, 4, 0, 2},
      /* the zoo */
      {28, 28, 32, 3, 1, 0, 17},
      {26, 32, 32, 3, 1, 0, 9},
      {784, 1, 8, 7, 2, 3, 2},
      {40, 64, 64, 3, 1, 1, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_conv1d_desc d = {shapes[i].steps,  shapes[i].in,  shapes[i].filters, shapes[i].kernel,
                        shapes[i].stride, shapes[i].pad, i % 3 != 2,        act_of(i)};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .conv1d = d}, shapes[i].max_n, FILL_RANDOM);
  }
  for (size_t i = 0; i < 10; i++) {
    dg_conv1d_desc d = {10, 7, 18, 3, 1, 1, i < 5, act_of(i)};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .conv1d = d}, 3, FILL_RANDOM);
  }
}

/* ---- in words ----------------------------------------------------------- */

/** Appends what is fused after the activation. */
static void append_epilogue(uint32_t pool, dg_drop drop, char *text, size_t capacity) {
  size_t used = strlen(text);
  if (pool) snprintf(text + used, capacity - used, ", pool %u", pool);
  used = strlen(text);
  if (drop.rate > 0) snprintf(text + used, capacity - used, ", dropout %g", drop.rate);
}

static void linear_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_linear_desc *d = &desc->linear;
  size_t used = d->rows > 1 ? (size_t)snprintf(text, capacity, "linear %u x ", d->rows)
                            : (size_t)snprintf(text, capacity, "linear ");
  snprintf(text + used, capacity - used, "%u to %u%s%s", d->in, d->out, d->bias ? ", bias" : "",
           act_text(d->act));
  append_epilogue(0, d->drop, text, capacity);
}

static void conv2d_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_conv2d_desc *d = &desc->conv2d;
  snprintf(text, capacity, "conv2d [%u, %u, %u], %u of %ux%u, stride %ux%u, pad %ux%u%s%s",
           d->channels, d->height, d->width, d->filters, d->kernel_h, d->kernel_w, d->stride_h,
           d->stride_w, d->pad_h, d->pad_w, d->bias ? ", bias" : "", act_text(d->act));
  append_epilogue(d->pool, d->drop, text, capacity);
}

static void conv1d_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_conv1d_desc *d = &desc->conv1d;
  snprintf(text, capacity, "conv1d [%u, %u], %u of %u, stride %u, pad %u%s%s", d->steps, d->in,
           d->filters, d->kernel, d->stride, d->pad, d->bias ? ", bias" : "", act_text(d->act));
}

const case_family cases_linear = {linear_cases, linear_text, NULL};
const case_family cases_conv2d = {conv2d_cases, conv2d_text, NULL};
const case_family cases_conv1d = {conv1d_cases, conv1d_text, NULL};
