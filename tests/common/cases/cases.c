#include "tests/common/cases/cases.h"

#include <stdio.h>

#include "tests/common/cases/list.h"

void add_case(case_list *l, dg_op_desc desc, uint32_t max_n, layer_fill fill) {
  if (l->cases) l->cases[l->count] = (layer_case){desc, max_n, fill};
  l->count++;
}

dg_grad_mode mode_of(size_t turn) {
  static const dg_grad_mode modes[] = {DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_WRITE, DG_GRAD_NONE,
                                       DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_ADD};
  return modes[turn % COUNT(modes)];
}

dg_act act_of(size_t turn) {
  static const dg_act acts[] = {{DG_ACT_RELU, 0},
                                {DG_ACT_NONE, 0},
                                {DG_ACT_LEAKY_RELU, 0.01f},
                                {DG_ACT_SIGMOID, 0},
                                {DG_ACT_TANH, 0}};
  return acts[turn % COUNT(acts)];
}

static const case_family *family_of(dg_op_kind kind) {
  static const case_family *const families[DG_OP_KINDS] = {
#define DG_LAYER_OP(KIND, name, desc) [DG_OP_##KIND] = &cases_##name,
#include "core/op/list.h"
  };
  return families[kind];
}

size_t layer_cases(dg_op_kind kind, layer_case *cases) {
  case_list l = {cases, 0};
  const case_family *family = family_of(kind);
  if (family) family->list(&l, kind);
  return l.count;
}

float layer_case_scale(const dg_op_desc *desc, uint32_t k) {
  const case_family *family = family_of(desc->kind);
  return family->scale ? family->scale(desc, k) : 1;
}

const char *act_text(dg_act act) {
  static const char *const names[] = {"", ", relu", ", leaky relu", ", sigmoid", ", tanh"};
  return names[act.kind];
}

void layer_case_text(const layer_case *c, char *text, size_t capacity) {
  static const char *const fills[] = {"", ", ties", ", wide", ", NaN", ", minus infinity", ", far"};
  static const char *const modes[] = {", no d_in", "", ", d_in added"};
  char op[200];
  family_of(c->desc.kind)->text(&c->desc, op, sizeof op);
  snprintf(text, capacity, "%s%s%s, n up to %u", op, modes[c->desc.d_in[0]], fills[c->fill],
           c->max_n);
}
