/* Cases of ops along a dimension: softmax, reduce, prelu and glu. */
#include <stdio.h>

#include "tests/common/cases/list.h"

/** A dimension with what is around it. */
static const struct {
  uint32_t outer, count, inner, max_n;
} shapes[] = {
    {1, 1, 1, 3},    {1, 10, 1, 5},  {3, 16, 1, 4},   {5, 15, 1, 3},  {2, 17, 1, 17},
    {7, 33, 1, 3},   {49, 49, 1, 2}, {4, 1000, 1, 2}, {1, 3, 2, 3},   {2, 5, 15, 3},
    {1, 16, 16, 3},  {3, 7, 17, 3},  {1, 12, 196, 2}, {1, 300, 3, 3}, {64, 2, 1, 9},
    {1, 130, 49, 3}, {3, 1, 33, 3},  {1, 2, 4099, 2},
};

static const layer_fill fills[] = {FILL_RANDOM, FILL_TIES, FILL_WIDE, FILL_NAN};

/* ---- softmax ------------------------------------------------------------ */

static void softmax_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < COUNT(shapes); i++)
    for (size_t k = 0; k < 4; k++) {
      const dg_softmax_desc d = {shapes[i].outer, shapes[i].count, shapes[i].inner, k % 2};
      add_case(l, (dg_op_desc){kind, {mode_of(i + k)}, .softmax = d}, shapes[i].max_n,
               fills[(i + k / 2) % COUNT(fills)]);
    }
  add_case(l, (dg_op_desc){kind, {DG_GRAD_WRITE}, .softmax = {3, 21, 1, false}}, 3,
           FILL_MINUS_INFINITY);
  add_case(l, (dg_op_desc){kind, {DG_GRAD_ADD}, .softmax = {2, 14, 9, false}}, 3,
           FILL_MINUS_INFINITY);
}

static void softmax_text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_softmax_desc *d = &desc->softmax;
  snprintf(out, capacity, "%ssoftmax [%u, %u, %u]", d->log ? "log " : "", d->outer, d->count,
           d->inner);
}

const case_family cases_softmax = {softmax_list, softmax_text, NULL};

/* ---- reduce ------------------------------------------------------------- */

static void reduce_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < COUNT(shapes); i++)
    for (size_t k = 0; k < DG_REDUCE_KINDS; k++) {
      const dg_reduce_desc d = {shapes[i].outer, shapes[i].count, shapes[i].inner,
                                (dg_reduce_kind)k};
      add_case(l, (dg_op_desc){kind, {mode_of(i + k)}, .reduce = d}, shapes[i].max_n,
               fills[(i + k) % COUNT(fills)]);
    }
  const dg_reduce_desc lowest = {3, 21, 1, DG_REDUCE_MAX}, columns = {2, 14, 9, DG_REDUCE_MAX};
  add_case(l, (dg_op_desc){kind, {DG_GRAD_WRITE}, .reduce = lowest}, 3, FILL_MINUS_INFINITY);
  add_case(l, (dg_op_desc){kind, {DG_GRAD_ADD}, .reduce = columns}, 3, FILL_MINUS_INFINITY);
  add_case(l, (dg_op_desc){kind, {DG_GRAD_WRITE}, .reduce = lowest}, 3, FILL_NAN);
  add_case(l, (dg_op_desc){kind, {DG_GRAD_WRITE}, .reduce = columns}, 3, FILL_NAN);
}

static void reduce_text(const dg_op_desc *desc, char *out, size_t capacity) {
  static const char *const kinds[] = {"sum", "mean", "max"};
  const dg_reduce_desc *d = &desc->reduce;
  snprintf(out, capacity, "reduce [%u, %u, %u], %s", d->outer, d->count, d->inner, kinds[d->kind]);
}

const case_family cases_reduce = {reduce_list, reduce_text, NULL};

/* ---- prelu -------------------------------------------------------------- */

static void prelu_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < COUNT(shapes); i++) {
    const dg_prelu_desc d = {shapes[i].outer, shapes[i].count, shapes[i].inner};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .prelu = d}, shapes[i].max_n,
             fills[i % COUNT(fills)]);
    add_case(l, (dg_op_desc){kind, {mode_of(i + 1)}, .prelu = d}, shapes[i].max_n, FILL_RANDOM);
  }
}

static void prelu_text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_prelu_desc *d = &desc->prelu;
  snprintf(out, capacity, "prelu [%u, %u, %u]", d->rows, d->channels, d->plane);
}

const case_family cases_prelu = {prelu_list, prelu_text, NULL};

/* ---- glu ---------------------------------------------------------------- */

static void glu_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < COUNT(shapes); i++) {
    const dg_glu_desc d = {shapes[i].outer, shapes[i].count * shapes[i].inner};
    add_case(l, (dg_op_desc){kind, {mode_of(i)}, .glu = d}, shapes[i].max_n,
             fills[i % COUNT(fills)]);
  }
}

static void glu_text(const dg_op_desc *desc, char *out, size_t capacity) {
  snprintf(out, capacity, "glu [%u, 2, %u]", desc->glu.rows, desc->glu.count);
}

const case_family cases_glu = {glu_list, glu_text, NULL};
