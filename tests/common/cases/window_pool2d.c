/* Cases of poolings over other windows. */
#include <stdio.h>

#include "tests/common/cases/list.h"

/** size, out, kernel, stride, dilation, begin, end */
typedef struct {
  uint32_t channels;
  dg_pool_axis rows, columns;
  uint32_t max_n;
} shape;

static const shape averaged[] = {
    {1, {1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 0, 0}, 3},
    /* padding that doesn't count; of two sides; a last window beyond the end */
    {2, {9, 5, 3, 2, 1, 1, 1}, {8, 4, 3, 2, 1, 1, 1}, 3},
    {3, {7, 7, 2, 1, 1, 0, 1}, {5, 5, 2, 1, 1, 1, 0}, 4},
    {17, {6, 3, 3, 2, 1, 0, 0}, {7, 4, 2, 2, 1, 0, 0}, 5},
    {1, {33, 16, 4, 2, 1, 1, 2}, {31, 15, 5, 2, 1, 1, 2}, 2},
    {4, {15, 4, 4, 4, 1, 0, 0}, {16, 6, 3, 3, 1, 0, 0}, 3},
    {1, {2, 1, 3, 3, 1, 1, 1}, {17, 17, 5, 1, 1, 2, 2}, 17},
    /* adaptive: to less, to more, to one, along one dimension only */
    {3, {7, 3, 0, 0, 0, 0, 0}, {13, 5, 0, 0, 0, 0, 0}, 4},
    {2, {3, 7, 0, 0, 0, 0, 0}, {1, 4, 0, 0, 0, 0, 0}, 3},
    {33, {14, 1, 0, 0, 0, 0, 0}, {15, 1, 0, 0, 0, 0, 0}, 3},
    {1, {28, 1, 0, 0, 0, 0, 0}, {17, 17, 1, 1, 1, 0, 0}, 5},
    {16, {14, 4, 0, 0, 0, 0, 0}, {14, 4, 0, 0, 0, 0, 0}, 2},
    {1, {16, 16, 0, 0, 0, 0, 0}, {70, 33, 0, 0, 0, 0, 0}, 3},
};

/** Of maxima alone. */
static const shape dilated[] = {
    {2, {9, 5, 3, 1, 2, 0, 0}, {8, 4, 2, 2, 2, 0, 0}, 3},
    {3, {12, 4, 3, 2, 3, 1, 0}, {11, 11, 3, 1, 2, 2, 2}, 4},
    {1, {31, 27, 2, 1, 4, 0, 0}, {33, 16, 3, 2, 2, 1, 2}, 2},
    {5, {3, 2, 3, 1, 2, 2, 1}, {17, 9, 2, 2, 5, 3, 2}, 3},
};

static void add(case_list *l, dg_op_kind kind, const shape *s, size_t turn) {
  const bool average = kind == DG_OP_WINDOW_AVGPOOL2D;
  dg_op_desc desc = {kind,
                     {mode_of(turn)},
                     .window_pool2d = {s->channels, s->rows, s->columns, average && turn % 3 == 2}};
  add_case(l, desc, s->max_n, FILL_RANDOM);
  if (average) return;
  add_case(l, desc, s->max_n, FILL_TIES);
  add_case(l, desc, s->max_n, FILL_NAN);
  add_case(l, desc, s->max_n, FILL_MINUS_INFINITY);
}

static void list(case_list *l, dg_op_kind kind) {
  for (size_t i = 0; i < COUNT(averaged); i++) add(l, kind, &averaged[i], i);
  for (size_t i = 0; kind == DG_OP_WINDOW_MAXPOOL2D && i < COUNT(dilated); i++)
    add(l, kind, &dilated[i], i);
}

static void text(const dg_op_desc *desc, char *out, size_t capacity) {
  const dg_window_pool2d_desc *d = &desc->window_pool2d;
  const dg_pool_axis *r = &d->rows, *c = &d->columns;
  snprintf(out, capacity,
           "%s [%u, %u, %u] to [%u, %u], %ux%u by %ux%u, dilation %ux%u, padding %u %u %u %u%s",
           dg_op_name(desc->kind), d->channels, r->size, c->size, r->out, c->out, r->kernel,
           c->kernel, r->stride, c->stride, r->dilation, c->dilation, r->begin, c->begin, r->end,
           c->end, d->count_padding ? ", which counts" : "");
}

const case_family cases_window_maxpool2d = {list, text, NULL};
const case_family cases_window_avgpool2d = {list, text, NULL};
