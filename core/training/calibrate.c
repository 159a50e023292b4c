/** Fits the temperature of the network's answers on the validation samples. */
#include <stdlib.h>

#include "core/training/trainer.h"
#include "digits/calibration.h"

/** Fits it to the network's outputs for the validation samples. */
static bool fit(dg_trainer *t, float *logits, uint8_t *labels, dg_error *err) {
  const uint32_t *members = t->members + t->train_count;
  uint32_t count = t->validation_count;
  dg_score score;
  for (uint32_t i = 0; i < count; i++) labels[i] = t->data->train.labels[members[i]];
  return dg_source_set_order(&t->source, members, count, err) &&
         dg_trainer_evaluate(t, &t->source, count, &score, logits, err) &&
         dg_temperature_fit(t->model, logits, labels, count, dg_network_outputs(t->network),
                            &t->temperature, err);
}

bool dg_trainer_calibrate(dg_trainer *t, dg_error *err) {
  size_t numbers = (size_t)t->validation_count * dg_network_outputs(t->network);
  t->temperature = 0;
  if (t->test_only)
    return dg_fail(err, DG_ERR_INPUT,
                   "the trainer was made to test only: it has no validation samples");
  if (t->data->train.kind.targets || t->model->target == DG_TARGET_INPUT)
    return dg_fail(err, DG_ERR_INPUT, "%s: only probabilities of classes have a temperature",
                   t->model->path);
  if (t->validation_count == 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: no validation samples are set aside to fit a temperature", t->model->path);
  float *logits = malloc(numbers * sizeof *logits);
  uint8_t *labels = malloc(t->validation_count);
  bool ok = logits && labels ? fit(t, logits, labels, err)
                             : dg_fail_memory(err, numbers * sizeof *logits);
  free(labels);
  free(logits);
  return ok;
}

double dg_trainer_temperature(const dg_trainer *t) {
  return t->temperature;
}

bool dg_trainer_set_temperature(dg_trainer *t, double temperature, dg_error *err) {
  if (temperature != 0 &&
      !(temperature >= DG_TEMPERATURE_LEAST && temperature <= DG_TEMPERATURE_MOST))
    return dg_fail(err, DG_ERR_INPUT, "a temperature is from %g to %g, or 0 for none; not %g",
                   DG_TEMPERATURE_LEAST, DG_TEMPERATURE_MOST, temperature);
  t->temperature = temperature;
  return true;
}
