/* Cases of the ops over sequences of unequal length. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static const struct {
  uint32_t steps, features, max_n;
} shapes[] = {{1, 1, 3},  {1, 17, 3},  {7, 1, 5},    {5, 16, 4},  {9, 15, 3},
              {16, 3, 7}, {33, 33, 3}, {128, 3, 17}, {128, 64, 2}};

static void mask_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < 2 * COUNT(shapes); i++) {
    const size_t shape = i % COUNT(shapes);
    dg_op_desc desc = {kind,
                       {mode_of(i)},
                       .mask_steps = {.steps = shapes[shape].steps,
                                      .features = shapes[shape].features,
                                      .reverse = i >= COUNT(shapes)}};
    add_case(l, desc, shapes[shape].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[shape].max_n, FILL_NAN);
    desc.mask_steps.lowest = true;
    add_case(l, desc, shapes[shape].max_n, FILL_WIDE);
  }
}

static void reduce_list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < 2 * COUNT(shapes); i++) {
    const size_t shape = i % COUNT(shapes);
    dg_op_desc desc = {kind,
                       {mode_of(i)},
                       .reduce_steps = {.kind = i < COUNT(shapes) ? DG_STEPS_LAST : DG_STEPS_MEAN,
                                        .steps = shapes[shape].steps,
                                        .features = shapes[shape].features}};
    add_case(l, desc, shapes[shape].max_n, FILL_RANDOM);
    add_case(l, desc, shapes[shape].max_n, FILL_NAN);
  }
}

static void lengths_list(case_list *l, dg_op_kind kind) {
  static const dg_window_lengths_desc windows[] = {
      {0, 1},  {-4, 1}, {2, 1},    {0, 2},
      {-1, 3}, {5, 7},  {-300, 1}, {DG_LENGTH_MOST, DG_LENGTH_MOST}};
  for (size_t i = 0; i < COUNT(windows); i++)
    add_case(l, (dg_op_desc){kind, {DG_GRAD_NONE}, .window_lengths = windows[i]}, 3 + 7 * (i % 3),
             FILL_RANDOM);
}

uint32_t layer_case_steps(const dg_op_desc *desc, uint32_t k) {
  switch (desc->kind) {
  case DG_OP_MASK_STEPS:
    return k == 1 ? desc->mask_steps.steps : 0;
  case DG_OP_REDUCE_STEPS:
    return k == 1 ? desc->reduce_steps.steps : 0;
  case DG_OP_ATTENTION:
    return k == 1 ? desc->attention.steps : 0;
  case DG_OP_EMBEDDING: /* words from 0 on, as lengths are */
    return desc->embedding.words - 1;
  case DG_OP_WINDOW_LENGTHS:
    return 300;
  default:
    return 0;
  }
}

static void mask_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_mask_steps_desc *d = &desc->mask_steps;
  snprintf(text, capacity, "mask_steps [%u, %u]%s%s", d->steps, d->features,
           d->reverse ? ", reversed" : "", d->lowest ? ", lowest" : "");
}

static void reduce_text(const dg_op_desc *desc, char *text, size_t capacity) {
  const dg_reduce_steps_desc *d = &desc->reduce_steps;
  snprintf(text, capacity, "reduce_steps [%u, %u], %s", d->steps, d->features,
           d->kind == DG_STEPS_MEAN ? "mean" : "last");
}

static void lengths_text(const dg_op_desc *desc, char *text, size_t capacity) {
  snprintf(text, capacity, "window_lengths %d, %u", desc->window_lengths.offset,
           desc->window_lengths.stride);
}

const case_family cases_mask_steps = {mask_list, mask_text, NULL};
const case_family cases_reduce_steps = {reduce_list, reduce_text, NULL};
const case_family cases_window_lengths = {lengths_list, lengths_text, NULL};
