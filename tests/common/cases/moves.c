/* Cases of poolings and of ops that keep, drop, move or add elements. */
#include <stdio.h>

#include "core/base/philox.h"
#include "tests/common/cases/list.h"

static void pool2d_cases(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_pool2d_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1, 1, 1, 1, 0, 0}, 3},    {{16, 28, 28, 2, 2, 2, 2, 0, 0}, 3},
      {{32, 14, 14, 2, 2, 2, 2, 0, 0}, 2}, {{28, 26, 26, 2, 2, 2, 2, 0, 0}, 2},
      {{3, 7, 5, 2, 2, 2, 2, 0, 0}, 4},    {{2, 9, 9, 3, 3, 2, 2, 0, 0}, 3},
      {{2, 9, 8, 3, 3, 2, 2, 1, 1}, 3},    {{1, 6, 7, 3, 2, 1, 1, 1, 1}, 5},
      {{3, 5, 5, 5, 5, 1, 1, 0, 0}, 3},    {{4, 10, 11, 2, 3, 3, 4, 0, 0}, 3},
      {{2, 8, 9, 4, 5, 2, 3, 2, 2}, 3},    {{17, 6, 6, 2, 2, 2, 2, 0, 0}, 5},
      {{1, 33, 31, 3, 3, 3, 3, 1, 1}, 2},  {{5, 12, 1, 3, 1, 2, 1, 1, 0}, 3},
      {{1, 4, 70, 2, 2, 2, 2, 0, 0}, 17},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {i % 2 ? DG_GRAD_ADD : DG_GRAD_WRITE}, .pool2d = shapes[i].d};
    add_case(l, desc, shapes[i].max_n, FILL_RANDOM);
    if (kind == DG_OP_AVGPOOL2D) continue;
    add_case(l, desc, shapes[i].max_n, FILL_TIES);
    add_case(l, desc, shapes[i].max_n, FILL_NAN);
    add_case(l, desc, shapes[i].max_n, FILL_MINUS_INFINITY);
  }
}

static void activation_cases(case_list *l, dg_op_kind kind) {
  static const uint32_t counts[] = {1, 15, 16, 17, 33, 784, 4099};
  static const layer_fill fills[] = {FILL_RANDOM, FILL_TIES, FILL_WIDE};
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t a = 0; a < 5; a++) {
      dg_activation_desc d = {counts[i], act_of(a)};
      if (d.act.kind == DG_ACT_NONE) continue;
      dg_op_desc desc = {kind, {mode_of(i + a)}, .activation = d};
      add_case(l, desc, 3, fills[(i + a) % COUNT(fills)]);
    }
}

static void dropout_cases(case_list *l, dg_op_kind kind) {
  static const uint32_t counts[] = {1, 2, 3, 4, 5, 17, 64, 130, 784};
  static const float rates[] = {0.2f, 0.5f, 0, 0.999f};
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t r = 0; r < 2; r++) {
      dg_dropout_desc d = {counts[i], rates[(i + r) % COUNT(rates)],
                           dg_stream(DG_STREAM_DROPOUT, (uint32_t)i)};
      dg_op_desc desc = {kind, {mode_of(i + r)}, .dropout = d};
      add_case(l, desc, i < 4 ? 5 : 3, FILL_RANDOM);
    }
}

static void chw_cases(case_list *l, dg_op_kind kind) {
  static const dg_chw_desc shapes[] = {{1, 1, 1},  {3, 4, 5}, {32, 7, 7},  {17, 3, 2},
                                       {1, 9, 16}, {5, 1, 9}, {16, 16, 17}};
  for (size_t i = 0; i < COUNT(shapes); i++)
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .chw = shapes[i]}, 3, FILL_RANDOM);
}

static void add_cases(case_list *l, dg_op_kind kind) {
  static const dg_add_desc shapes[] = {{1, 2}, {17, 3}, {784, 2}, {33, DG_MAX_IN}, {4, 4}};
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {DG_GRAD_NONE}, .add = shapes[i]};
    for (size_t k = 0; k < shapes[i].inputs; k++) desc.d_in[k] = mode_of(i + k);
    add_case(l, desc, 3, FILL_RANDOM);
  }
}

static void concat_cases(case_list *l, dg_op_kind kind) {
  static const dg_concat_desc shapes[] = {
      {1, 2, {1, 1}},
      {1, 2, {17, 3}},
      {3, 2, {1, 16}},
      {5, 3, {33, 1, 7}},
      {1, 4, {784, 16, 100, 5}},
      {7, 5, {15, 16, 17, 31, 64}},
      {28, 8, {1, 2, 3, 4, 5, 6, 7, 8}},
      {1, 8, {33, 1, 17, 49, 5, 3, 9, 15}},
      {1, 2, {16 * 49, 32 * 49}},
      {2, 25, {64, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 17}},
      {1, DG_MAX_IN, {1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,
                      17, 16, 15, 14, 13, 12, 11, 10, 9, 8,  7,  6,  5,  4,  3,  2}},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {DG_GRAD_NONE}, .concat = shapes[i]};
    for (size_t k = 0; k < shapes[i].inputs; k++) desc.d_in[k] = mode_of(i + k);
    add_case(l, desc, 3, FILL_RANDOM);
  }
}

/* ---- in words ----------------------------------------------------------- */

static void pool2d_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_pool2d_desc *d = &desc->pool2d;
  snprintf(text, capacity, "%s [%u, %u, %u], %ux%u, stride %ux%u, pad %ux%u",
           dg_op_name(desc->kind), d->channels, d->height, d->width, d->kernel_h, d->kernel_w,
           d->stride_h, d->stride_w, d->pad_h, d->pad_w);
}

static void activation_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_activation_desc *d = &desc->activation;
  snprintf(text, capacity, "activation of %u%s", d->count, act_text(d->act));
}

static void dropout_text(const dg_op_desc *desc, char *text, size_t capacity) {
  snprintf(text, capacity, "dropout of %u, rate %g", desc->dropout.count, desc->dropout.rate);
}

static void chw_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_chw_desc *d = &desc->chw;
  snprintf(text, capacity, "chw to hwc [%u, %u, %u]", d->channels, d->height, d->width);
}

static void add_text(const dg_op_desc *desc, char *text, size_t capacity) {
  snprintf(text, capacity, "add %u of %u", desc->add.inputs, desc->add.count);
}

static void concat_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_concat_desc *d = &desc->concat;
  snprintf(text, capacity, "concat %u, %u rows, the first of %u", d->inputs, d->rows, d->count[0]);
}

const case_family cases_maxpool2d = {pool2d_cases, pool2d_text, NULL};
const case_family cases_avgpool2d = {pool2d_cases, pool2d_text, NULL};
const case_family cases_activation = {activation_cases, activation_text, NULL};
const case_family cases_dropout = {dropout_cases, dropout_text, NULL};
const case_family cases_chw_to_hwc = {chw_cases, chw_text, NULL};
const case_family cases_add = {add_cases, add_text, NULL};
const case_family cases_concat = {concat_cases, concat_text, NULL};
