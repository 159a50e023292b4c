/* Cases of embeddings. */
#include <stdio.h>

#include "tests/common/cases/list.h"

static void list(case_list *l, dg_op_kind kind) {
  static const struct {
    dg_embedding_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1}, 3},    {{1, 2, 1}, 3},   {{5, 1, 17}, 3},  {{7, 3, 15}, 5},   {{16, 16, 16}, 4},
      {{3, 97, 33}, 17}, {{64, 28, 8}, 3}, {{128, 5, 3}, 9}, {{31, 700, 1}, 3}, {{2, 300, 130}, 4},
  };
  for (size_t i = 0; i < COUNT(shapes); i++)
    add_case(l, (dg_op_desc){kind, {DG_GRAD_NONE}, .embedding = shapes[i].d}, shapes[i].max_n,
             FILL_RANDOM);
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_embedding_desc *d = &desc->embedding;
  snprintf(out, capacity, "embedding [%u] of %u words, [%u]", d->steps, d->words, d->width);
}

const case_family cases_embedding = {list, text, NULL};
