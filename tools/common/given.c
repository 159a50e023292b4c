#include "tools/common/given.h"

#include <math.h>
#include <string.h>

bool given_logits(const dg_model *model, const dg_predictor *predictor) {
  const char *loss = dg_model_loss(model);
  return dg_predictor_task(predictor) != DG_TASK_VALUES &&
         (strcmp(loss, "cross_entropy") == 0 || strcmp(loss, "bce") == 0);
}

void given_probabilities(const dg_predictor *predictor, const float *logits, uint32_t n,
                         float *probabilities) {
  const size_t count = (size_t)n * dg_predictor_outputs(predictor);
  if (dg_predictor_task(predictor) != DG_TASK_LABELS)
    dg_predictor_probabilities(predictor, logits, n, probabilities);
  else
    for (size_t i = 0; i < count; i++) probabilities[i] = 1 / (1 + expf(-logits[i]));
}
