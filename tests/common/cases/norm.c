/* Cases of normalizations. */
#include <stdio.h>

#include "tests/common/cases/list.h"

/**
 * Enough numbers per channel that no variance is tiny. Far from 0, the mean has a larger rounding
 * error, which a tiny variance would amplify.
 */
enum { MANY = 9 };

static void batch_norm_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t rows, channels, plane, max_n;
  } shapes[] = {
      /* of a single number: n = 1 */
      {1, 1, 1, 3},
      {1, 17, 1, 3},
      {1, 33, 1, 5},
      {1, 176, 1, 4},
      {1, 10, 1, 120},
      {1, 16, 1, 300},
      /* rows */
      {5, 1, 1, 3},
      {28, 3, 1, 2},
      {13, 64, 1, 3},
      {26, 33, 1, 17},
      /* planes */
      {1, 1, 49, 3},
      {1, 17, 49, 3},
      {1, 33, 4, 7},
      {1, 176, 64, 3},
      {1, 3, 15, 2},
      {1, 16, 196, 5},
      {1, 32, 676, 3},
      {1, 5, 1089, 2},
      {1, 1, 784, 33},
      /* both */
      {3, 5, 7, 4},
      {2, 17, 33, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_batch_norm_desc d = {shapes[i].rows,
                            shapes[i].channels,
                            shapes[i].plane,
                            i % 4 == 3 ? 0.3f : 0.1f,
                            i % 5 == 4 ? 1e-3f : 1e-5f,
                            act_of(i),
                            false};
    dg_op_desc desc = {kind, {mode_of(i)}, .batch_norm = d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    if (shapes[i].rows * shapes[i].plane >= MANY) add_case(l, desc, shapes[i].max_n, FILL_FAR);
  }
  for (size_t i = 0; i < 7; i++) {
    dg_batch_norm_desc d = {1, 19, 30, 0.1f, 1e-5f, act_of(i), false};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .batch_norm = d}, 3, FILL_RANDOM);
  }
}

static void layer_norm_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t rows, count, max_n;
  } shapes[] = {
      {1, 1, 3},    {1, 2, 3},    {3, 3, 3},     {1, 15, 5},   {1, 16, 4},
      {1, 17, 7},   {1, 33, 130}, {28, 1, 2},    {28, 64, 3},  {13, 31, 3},
      {26, 128, 3}, {1, 784, 3},  {1, 1568, 17}, {2, 4099, 2}, {300, 5, 2},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_layer_norm_desc d = {shapes[i].rows, shapes[i].count, i % 5 == 4 ? 1e-3f : 1e-5f};
    dg_op_desc desc = {kind, {mode_of(i)}, .layer_norm = d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    if (shapes[i].count >= MANY) add_case(l, desc, shapes[i].max_n, FILL_FAR);
  }
}

static void group_norm_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t rows, channels, plane, groups, max_n;
  } shapes[] = {
      /* planes */
      {1, 1, 2, 1, 3},
      {1, 3, 15, 3, 3},
      {1, 16, 16, 4, 4},
      {1, 17, 17, 1, 5},
      {1, 33, 49, 11, 3},
      {1, 64, 196, 8, 2},
      {1, 6, 1089, 2, 17},
      {1, 34, 4, 17, 3},
      {1, 5, 784, 5, 2},
      /* rows */
      {2, 1, 1, 1, 3},
      {28, 3, 1, 3, 2},
      {13, 64, 1, 4, 3},
      {26, 33, 1, 11, 17},
      {7, 35, 1, 5, 3},
      {9, 132, 1, 3, 3},
      {300, 16, 1, 16, 2},
      {5, 70, 1, 70, 4},
      /* features */
      {1, 2, 1, 1, 3},
      {1, 34, 1, 2, 5},
      {1, 96, 1, 32, 3},
      {1, 4099, 1, 1, 2},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_group_norm_desc d = {shapes[i].rows,   shapes[i].channels,         shapes[i].plane,
                            shapes[i].groups, i % 5 == 4 ? 1e-3f : 1e-5f, i % 3 != 1};
    dg_op_desc desc = {kind, {mode_of(i)}, .group_norm = d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    if (d.rows * (d.channels / d.groups) * d.plane >= MANY)
      add_case(l, desc, shapes[i].max_n, FILL_FAR);
  }
}

static void batch_norm_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  snprintf(text, capacity, "batch norm [%u, %u, %u], momentum %g, eps %g%s", d->rows, d->channels,
           d->plane, d->momentum, d->eps, act_text(d->act));
}

static void layer_norm_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_layer_norm_desc *d = &desc->layer_norm;
  snprintf(text, capacity, "%s norm [%u, %u], eps %g",
           desc->kind == DG_OP_RMS_NORM ? "rms" : "layer", d->rows, d->count, d->eps);
}

static void group_norm_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_group_norm_desc *d = &desc->group_norm;
  snprintf(text, capacity, "group norm [%u, %u, %u] in %u groups, eps %g%s", d->rows, d->channels,
           d->plane, d->groups, d->eps, d->affine ? ", affine" : "");
}

const case_family cases_batch_norm = {batch_norm_cases, batch_norm_text, NULL};
const case_family cases_layer_norm = {layer_norm_cases, layer_norm_text, NULL};
const case_family cases_rms_norm = {layer_norm_cases, layer_norm_text, NULL};
const case_family cases_group_norm = {group_norm_cases, group_norm_text, NULL};
