/* Cases of functions of two numbers. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    uint32_t dim[2][3], max_n;
  } shapes[] = {
      {{{1, 1, 1}, {1, 1, 1}}, 3},        {{{2, 3, 17}, {2, 3, 17}}, 3},
      {{{17, 7, 7}, {17, 1, 1}}, 3},      {{{16, 14, 14}, {16, 1, 1}}, 2},
      {{{3, 1, 1}, {3, 28, 28}}, 3},      {{{5, 9, 11}, {1, 9, 11}}, 2},
      {{{1, 4, 33}, {7, 4, 33}}, 3},      {{{1, 28, 31}, {1, 1, 31}}, 3},
      {{{1, 1, 300}, {1, 6, 300}}, 2},    {{{1, 19, 15}, {1, 19, 1}}, 3},
      {{{3, 5, 16}, {3, 1, 16}}, 2},      {{{3, 5, 7}, {1, 5, 1}}, 5},
      {{{6, 1, 1}, {1, 5, 13}}, 2},       {{{4, 1, 17}, {1, 3, 1}}, 2},
      {{{1, 1, 1}, {3, 15, 16}}, 2},      {{{1, 1, 784}, {1, 1, 1}}, 3},
      {{{1, 1, 4099}, {1, 1, 4099}}, 17}, {{{2, 2, 2}, {2, 2, 1}}, 1},
      {{{64, 1, 1}, {64, 1, 1}}, 2},
  };
  for (size_t i = 0; i < COUNT(shapes); i++)
    for (size_t f = 0; f < DG_BINARY_KINDS; f++) {
      dg_op_desc desc = {
          kind, {mode_of(i + f), mode_of(i + 2 * f)}, .binary = {.kind = (dg_binary_kind)f}};
      for (size_t k = 0; k < 6; k++) desc.binary.dim[k / 3][k % 3] = shapes[i].dim[k / 3][k % 3];
      const bool divides = f == DG_BINARY_DIVIDE; /* by what isn't near 0, but for ties */
      add_case(l, desc, shapes[i].max_n, divides ? FILL_FAR : FILL_RANDOM);
      if ((i + f) % 3 == 0) add_case(l, desc, shapes[i].max_n, divides ? FILL_TIES : FILL_NAN);
    }
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  static const char *const kinds[] = {"add", "subtract", "multiply", "divide"};
  const dg_binary_desc *d = &desc->binary;
  snprintf(out, capacity, "binary %s [%u, %u, %u] and [%u, %u, %u]", kinds[d->kind], d->dim[0][0],
           d->dim[0][1], d->dim[0][2], d->dim[1][0], d->dim[1][1], d->dim[1][2]);
}

const case_family cases_binary = {list, text, NULL};
