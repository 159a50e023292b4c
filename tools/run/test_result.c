#include "tools/run/test_result.h"

#include <math.h>

#include "tools/common/say.h"

bool test_result_measure(test_result *r, dg_trainer *trainer, const dg_model *model,
                         const dg_dataset *data, const dg_part_view *part, float *outputs,
                         dg_error *err) {
  *r = (test_result){.task = dg_trainer_task(trainer)};
  return dg_trainer_test_logits(trainer, data, &r->score, outputs, err) &&
         dg_trainer_test_metrics(trainer, data, outputs, &r->metrics, sizeof r->metrics, err) &&
         (r->task != DG_TASK_CLASS ||
          certainty_measure(&r->certainty, trainer, model, part, outputs, err));
}

void test_result_print(const test_result *r) {
  const dg_metrics_of_all *m = &r->metrics;
  say("test    loss %.4f", r->score.loss);
  if (r->task != DG_TASK_VALUES)
    say("  accuracy %.2f %% (%u of %u)", 100 * r->score.accuracy, r->score.correct, r->score.total);
  if (r->task == DG_TASK_LABELS) say("  F1 %.4f", m->f1_macro);
  if (r->task != DG_TASK_VALUES) return;
  say("  mean absolute error %.5g  root mean square %.5g", m->mae, m->rmse);
  if (!isnan(m->r2)) say("  R2 %.4f", m->r2);
}

double test_result_figure(const test_result *r) {
  return r->task == DG_TASK_VALUES ? r->metrics.rmse : r->score.accuracy;
}
