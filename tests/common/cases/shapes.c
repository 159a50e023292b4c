/* Cases of permutations and slices. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void permute_list(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_permute_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, {1}, {0}}, 3},
      {{1, {17}, {0}}, 3},
      {{2, {1, 1}, {1, 0}}, 3},
      /* matrices */
      {{2, {3, 5}, {1, 0}}, 4},
      {{2, {16, 16}, {1, 0}}, 3},
      {{2, {15, 17}, {1, 0}}, 3},
      {{2, {2, 300}, {1, 0}}, 3},
      {{2, {65, 33}, {1, 0}}, 5},
      {{2, {196, 64}, {1, 0}}, 3},
      {{3, {16, 7, 7}, {1, 2, 0}}, 3},
      {{3, {5, 6, 7}, {2, 0, 1}}, 3},
      {{3, {3, 67, 5}, {2, 1, 0}}, 3},
      {{3, {4, 9, 17}, {0, 2, 1}}, 3},
      /* blocks */
      {{3, {5, 7, 33}, {1, 0, 2}}, 3},
      {{3, {4, 12, 196}, {1, 0, 2}}, 2},
      {{3, {2, 3, 1}, {1, 0, 2}}, 9},
      {{4, {3, 4, 5, 16}, {2, 1, 0, 3}}, 2},
      /* attention's heads, pixel shuffles */
      {{4, {6, 4, 5, 3}, {1, 3, 0, 2}}, 3},
      {{5, {3, 2, 2, 5, 7}, {0, 3, 1, 4, 2}}, 3},
      {{5, {2, 5, 2, 17, 2}, {0, 2, 4, 1, 3}}, 3},
      {{5, {2, 3, 1, 4, 5}, {4, 2, 0, 3, 1}}, 3},
      {{5, {2, 3, 4, 5, 6}, {0, 1, 2, 3, 4}}, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++)
    for (size_t k = 0; k < 2; k++)
      add_case(l, (dg_op_desc){kind, {mode_of(i + k)}, .permute = shapes[i].d}, shapes[i].max_n,
               k ? FILL_NAN : FILL_RANDOM);
}

static void permute_text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_permute_desc *d = &desc->permute;
  size_t used = (size_t)snprintf(out, capacity, "permute");
  for (uint32_t k = 0; k < d->rank && used < capacity; k++)
    used += (size_t)snprintf(out + used, capacity - used, "%s%u", k ? ", " : " [", d->dim[k]);
  for (uint32_t k = 0; k < d->rank && used < capacity; k++)
    used += (size_t)snprintf(out + used, capacity - used, "%s%u", k ? ", " : "] by [", d->order[k]);
  if (used < capacity) snprintf(out + used, capacity - used, "]");
}

const case_family cases_permute = {permute_list, permute_text, NULL};

static void slice_list(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_slice_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 0, 1}, 3},    {{1, 5, 1, 2, 2}, 4},      {{3, 16, 1, 0, 15}, 3},
      {{4, 33, 1, 16, 17}, 3}, {{2, 7, 17, 3, 1}, 3},     {{1, 12, 49, 4, 4}, 3},
      {{5, 3, 16, 2, 1}, 5},   {{49, 192, 1, 64, 64}, 3}, {{1, 13, 300, 0, 13}, 2},
      {{17, 2, 31, 1, 1}, 9},
  };
  for (size_t i = 0; i < COUNT(shapes); i++)
    for (size_t k = 0; k < 2; k++)
      add_case(l, (dg_op_desc){kind, {mode_of(i + k)}, .slice = shapes[i].d}, shapes[i].max_n,
               k ? FILL_NAN : FILL_RANDOM);
}

static void slice_text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_slice_desc *d = &desc->slice;
  snprintf(out, capacity, "slice [%u, %u, %u], %u from %u", d->outer, d->count, d->inner, d->length,
           d->first);
}

const case_family cases_slice = {slice_list, slice_text, NULL};
