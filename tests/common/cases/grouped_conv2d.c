/* Cases of convolutions in groups, dilated, or with unequal padding. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t channels, height, width, filters, groups, kernel_h, kernel_w, stride_h, stride_w;
    uint32_t dilation_h, dilation_w, pad_h, pad_w, end_h, end_w, max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 3},
      /* depthwise: around vectors, with strides, several filters a channel */
      {3, 5, 7, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4},
      {17, 7, 15, 17, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},
      {5, 16, 16, 5, 5, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 9},
      {4, 9, 33, 8, 4, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 3},
      {2, 14, 17, 6, 2, 5, 3, 3, 2, 1, 1, 2, 1, 1, 0, 5},
      {6, 4, 4, 6, 6, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 3},
      {1, 31, 70, 1, 1, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3, 17},
      /* groups of several channels */
      {4, 6, 6, 6, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4},
      {32, 7, 7, 64, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3},
      {15, 5, 9, 10, 5, 2, 3, 2, 1, 1, 2, 1, 2, 0, 1, 3},
      /* dilated; more padding than input; unequal padding */
      {3, 12, 11, 5, 1, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 3},
      {2, 9, 18, 4, 1, 3, 2, 2, 3, 3, 5, 0, 4, 5, 1, 4},
      {1, 2, 3, 3, 1, 3, 3, 1, 1, 2, 2, 4, 5, 3, 4, 3},
      {2, 6, 5, 3, 1, 4, 4, 1, 1, 1, 1, 1, 1, 2, 2, 3},
      {3, 8, 8, 4, 1, 2, 2, 1, 1, 1, 1, 0, 0, 1, 1, 3},
      /* rows and columns that no window touches */
      {2, 10, 11, 2, 2, 3, 3, 4, 4, 1, 1, 0, 0, 0, 0, 3},
      /* a network's */
      {32, 28, 28, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},
      {64, 14, 14, 64, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 2},
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

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  snprintf(out, capacity,
           "grouped conv2d [%u, %u, %u] to %u in %u groups, %ux%u by %ux%u, dilation %ux%u, "
           "padding %u %u %u %u%s%s",
           d->channels, d->height, d->width, d->filters, d->groups, d->kernel_h, d->kernel_w,
           d->stride_h, d->stride_w, d->dilation_h, d->dilation_w, d->pad_h, d->pad_w, d->end_h,
           d->end_w, d->bias ? ", bias" : "", act_text(d->act));
}

const case_family cases_grouped_conv2d = {list, text, NULL};
