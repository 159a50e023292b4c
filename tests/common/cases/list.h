/** What the files that list the cases share. Each function adds the cases of one kind of op. */
#ifndef DG_TESTS_CASES_LIST_H
#define DG_TESTS_CASES_LIST_H

#include "tests/common/cases/cases.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/** A list that is being written, or, where `cases` is NULL, only counted. */
typedef struct {
  layer_case *cases;
  size_t count;
} case_list;

void add_case(case_list *l, dg_op_desc desc, uint32_t max_n, layer_fill fill);

/** All ways to treat d_in, in turn; writing most often. */
dg_grad_mode mode_of(size_t turn);

/** All activations in turn. */
dg_act act_of(size_t turn);

void linear_cases(case_list *l);
void conv2d_cases(case_list *l);
void conv1d_cases(case_list *l);
void pool2d_cases(case_list *l, dg_op_kind kind);
void activation_cases(case_list *l);
void dropout_cases(case_list *l);
void chw_cases(case_list *l);
void add_cases(case_list *l);
void concat_cases(case_list *l);
void batch_norm_cases(case_list *l);
void layer_norm_cases(case_list *l);
void recurrent_cases(case_list *l);

/** Parts of layer_case_text and layer_case_scale. */
void recurrent_text(const dg_recurrent_desc *desc, char *text, size_t room);
float recurrent_param_scale(const dg_recurrent_desc *desc, uint32_t k);

#endif
