/** Shared by the files that list the cases: a case_family for each kind of layer op. */
#ifndef DG_TESTS_CASES_LIST_H
#define DG_TESTS_CASES_LIST_H

#include "tests/common/cases/cases.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/** A list that is being written, or only counted if `cases` is NULL. */
typedef struct {
  layer_case *cases;
  size_t count;
} case_list;

void add_case(case_list *l, dg_op_desc desc, uint32_t max_n, layer_fill fill);

/** All modes of d_in, in turn; most often writing. */
dg_grad_mode mode_of(size_t turn);

/** All activations in turn. */
dg_act act_of(size_t turn);

/** ", relu" for an activation; empty for none. */
const char *act_text(dg_act act);

/** The cases of a kind of layer op. */
typedef struct {
  void (*list)(case_list *l, dg_op_kind kind);
  /** Describes an op. */
  void (*text)(const dg_op_desc *desc, char *text, size_t capacity);
  /** For layer_case_scale. NULL: 1. */
  float (*scale)(const dg_op_desc *desc, uint32_t k);
} case_family;

/* cases_NAME of every layer op. */
#define DG_LAYER_OP(KIND, name, desc) extern const case_family cases_##name;
#include "core/op/list.h"

#endif
