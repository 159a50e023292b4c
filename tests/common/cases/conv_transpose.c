/* Cases of transposed convolutions, and of those of sequences in groups. */
#include <stdio.h>

#include "tests/common/cases/list.h"

/* ---- images ------------------------------------------------------------- */

static void images(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t channels, height, width, filters, groups, kernel_h, kernel_w, stride_h, stride_w;
    uint32_t dilation_h, dilation_w, pad_h, pad_w, end_h, end_w, max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 3},
      /* windows side by side */
      {3, 8, 14, 5, 1, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 4},
      {16, 16, 32, 17, 1, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 9},
      {15, 9, 51, 33, 1, 3, 3, 3, 3, 1, 1, 0, 0, 0, 0, 3},
      {2, 6, 4, 3, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 17},
      /* windows that overlap, or leave gaps */
      {5, 7, 15, 4, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},
      {17, 13, 17, 15, 1, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 3},
      {4, 14, 11, 6, 1, 3, 2, 2, 3, 1, 1, 1, 0, 1, 0, 5},
      {3, 11, 10, 2, 1, 2, 2, 4, 3, 1, 1, 0, 0, 0, 0, 3},
      /* an output padding; more padding than output */
      {3, 12, 16, 5, 1, 3, 3, 2, 2, 1, 1, 1, 1, 0, 0, 4},
      {2, 3, 2, 3, 1, 5, 5, 1, 1, 1, 1, 4, 4, 4, 4, 3},
      {2, 9, 9, 4, 1, 2, 2, 4, 4, 1, 1, 0, 0, 2, 0, 3},
      /* dilated; unequal padding; groups */
      {3, 12, 11, 5, 1, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 3},
      {6, 9, 18, 4, 2, 3, 2, 2, 3, 3, 5, 0, 4, 5, 1, 4},
      {32, 7, 7, 64, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},
      {5, 16, 31, 5, 5, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 5},
      {10, 8, 9, 5, 5, 2, 3, 2, 1, 1, 2, 1, 2, 0, 1, 3},
      /* a network's */
      {16, 28, 28, 32, 1, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 2},
      {32, 14, 14, 64, 1, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 2},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    const dg_grouped_conv2d_desc d = {
        shapes[i].channels, shapes[i].height,     shapes[i].width,      shapes[i].filters,
        shapes[i].groups,   shapes[i].kernel_h,   shapes[i].kernel_w,   shapes[i].stride_h,
        shapes[i].stride_w, shapes[i].dilation_h, shapes[i].dilation_w, shapes[i].pad_h,
        shapes[i].pad_w,    shapes[i].end_h,      shapes[i].end_w,      i % 3 != 2,
        act_of(i)};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .grouped_conv2d = d}, shapes[i].max_n,
             FILL_RANDOM);
  }
}

static void text_of_images(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  snprintf(out, capacity,
           "conv_transpose2d of %u to [%u, %u, %u] in %u groups, %ux%u by %ux%u, dilation %ux%u, "
           "padding %u %u %u %u%s%s",
           d->filters, d->channels, d->height, d->width, d->groups, d->kernel_h, d->kernel_w,
           d->stride_h, d->stride_w, d->dilation_h, d->dilation_w, d->pad_h, d->pad_w, d->end_h,
           d->end_w, d->bias ? ", bias" : "", act_text(d->act));
}

const case_family cases_conv_transpose2d = {images, text_of_images, NULL};

/* ---- sequences ---------------------------------------------------------- */

static void sequences(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t steps, channels, filters, groups, kernel, stride, dilation, pad, end, max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 0, 0, 3},
      /* depthwise: around vectors, strides, several filters a channel */
      {9, 15, 15, 15, 3, 1, 1, 1, 1, 4},
      {16, 16, 16, 16, 3, 2, 1, 1, 1, 3},
      {17, 17, 17, 17, 5, 1, 2, 4, 4, 9},
      {31, 33, 33, 33, 4, 3, 1, 0, 1, 3},
      {12, 3, 6, 3, 3, 1, 1, 1, 1, 5},
      {70, 1, 1, 1, 7, 1, 1, 3, 3, 17},
      /* groups of several channels */
      {13, 8, 12, 2, 3, 1, 1, 1, 1, 4},
      {28, 32, 64, 8, 3, 1, 1, 1, 1, 3},
      {11, 15, 10, 5, 2, 2, 2, 2, 0, 3},
      {9, 64, 32, 2, 3, 1, 1, 1, 1, 3},
      /* dilated; causal; more padding than input; steps that no window touches */
      {28, 28, 32, 1, 3, 1, 2, 2, 2, 4},
      {50, 16, 17, 1, 2, 1, 4, 4, 0, 3},
      {3, 5, 3, 1, 3, 1, 3, 7, 4, 3},
      {23, 4, 5, 1, 2, 5, 1, 0, 0, 3},
      {130, 7, 9, 1, 3, 2, 1, 1, 0, 3},
      {20, 3, 4, 1, 2, 2, 1, 0, 0, 3},
      /* a network's */
      {128, 32, 32, 32, 5, 1, 1, 2, 2, 2},
      {64, 32, 48, 1, 3, 1, 4, 8, 0, 2},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    const dg_grouped_conv1d_desc d = {shapes[i].steps,    shapes[i].channels, shapes[i].filters,
                                      shapes[i].groups,   shapes[i].kernel,   shapes[i].stride,
                                      shapes[i].dilation, shapes[i].pad,      shapes[i].end,
                                      i % 3 != 2,         act_of(i)};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .grouped_conv1d = d}, shapes[i].max_n,
             FILL_RANDOM);
  }
}

static void text_of_sequences(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_grouped_conv1d_desc *d = &desc->grouped_conv1d;
  snprintf(out, capacity,
           "%s between [%u, %u] and %u in %u groups, %u by %u, dilation %u, padding %u %u%s%s",
           desc->kind == DG_OP_GROUPED_CONV1D ? "grouped_conv1d" : "conv_transpose1d", d->steps,
           d->channels, d->filters, d->groups, d->kernel, d->stride, d->dilation, d->pad, d->end,
           d->bias ? ", bias" : "", act_text(d->act));
}

const case_family cases_grouped_conv1d = {sequences, text_of_sequences, NULL},
                  cases_conv_transpose1d = {sequences, text_of_sequences, NULL};
