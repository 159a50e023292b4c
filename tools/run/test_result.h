/** The result of a test: loss, metrics and, of classes, how sure the answers are. */
#ifndef DG_TEST_RESULT_H
#define DG_TEST_RESULT_H

#include "report/report.h"
#include "tools/run/certainty.h"

typedef struct {
  dg_task task;
  dg_score score;
  dg_metrics_of_all metrics;
  dg_metrics_of_output each[REPORT_EACH]; /**< of the outputs */
  uint32_t each_count; /**< 0: more than REPORT_EACH, or the network learns its input */
  certainty certainty; /**< of classes */
} test_result;

/** Tests on the test part of `data` (NULL: of the trainer's own), whose outputs go to `outputs`. */
bool test_result_measure(test_result *r, dg_trainer *trainer, const dg_model *model,
                         const dg_dataset *data, const dg_part_view *part, float *outputs,
                         dg_error *err);

/** Prints loss and metrics, without the end of the line. */
void test_result_print(const test_result *r);

/** Prints a line with the mean F1 of classes or labels and those with the lowest, or a line for
   each of a few targets. `data` names them. */
void test_result_print_each(const test_result *r, const dg_dataset *data);

/** What sums a result up in one number: the accuracy, or the root mean square error of values. */
double test_result_figure(const test_result *r);

#endif
