/* Cases of padding and bilinear upsampling. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void pads(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_pad_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1, 0, 0, 0, 0, DG_PAD_ZEROS}, 3},
      {{1, 1, 1, 1, 2, 1, 3, 4, DG_PAD_REPLICATE}, 3},
      {{1, 2, 2, 1, 1, 1, 1, 1, DG_PAD_REFLECT}, 3},
      {{3, 5, 7, 1, 1, 2, 3, 4, DG_PAD_ZEROS}, 4},
      {{3, 5, 7, 1, 4, 6, 3, 5, DG_PAD_REFLECT}, 4},
      {{3, 5, 7, 1, 1, 2, 6, 9, DG_PAD_REPLICATE}, 4},
      {{16, 15, 16, 1, 1, 1, 1, 1, DG_PAD_REFLECT}, 3},
      {{2, 17, 33, 1, 0, 3, 0, 0, DG_PAD_REPLICATE}, 5},
      {{1, 28, 28, 1, 2, 2, 2, 2, DG_PAD_ZEROS}, 17},
      /* sequences */
      {{1, 9, 1, 5, 2, 0, 1, 0, DG_PAD_ZEROS}, 3},
      {{1, 17, 1, 16, 16, 0, 4, 0, DG_PAD_REFLECT}, 3},
      {{1, 3, 1, 17, 5, 0, 0, 0, DG_PAD_REPLICATE}, 4},
      /* images, channels last */
      {{2, 4, 3, 15, 1, 2, 2, 1, DG_PAD_REFLECT}, 3},
      {{1, 6, 5, 3, 2, 2, 2, 2, DG_PAD_REPLICATE}, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {mode_of(i)}, .pad = shapes[i].d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[i].max_n, FILL_NAN);
  }
}

static void text_of_pad(const dg_op_desc *desc, char *out, size_t capacity) {
  static const char *const modes[] = {"zeros", "reflect", "replicate"};
  const dg_pad_desc *d = &desc->pad;
  snprintf(out, capacity, "pad [%u, %u, %u, %u] by %u %u %u %u, %s", d->outer, d->height, d->width,
           d->inner, d->top, d->left, d->bottom, d->right, modes[d->mode]);
}

const case_family cases_pad = {pads, text_of_pad, NULL};

static void bilinear(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_upsample2d_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1}, 3},   {{1, 1, 1, 2}, 3},  {{3, 5, 7, 2}, 4},   {{2, 1, 16, 3}, 3},
      {{1, 17, 15, 2}, 5}, {{16, 7, 7, 2}, 3}, {{8, 14, 14, 1}, 2}, {{5, 4, 33, 5}, 2},
      {{1, 3, 3, 17}, 2},  {{17, 4, 4, 4}, 9}, {{2, 33, 1, 2}, 3},  {{1, 2, 300, 2}, 17},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {mode_of(i)}, .upsample2d = shapes[i].d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[i].max_n, FILL_NAN);
  }
}

static void text_of_bilinear(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_upsample2d_desc *d = &desc->upsample2d;
  snprintf(out, capacity, "upsample_bilinear2d [%u, %u, %u] by %u", d->channels, d->height,
           d->width, d->scale);
}

const case_family cases_upsample_bilinear2d = {bilinear, text_of_bilinear, NULL};
