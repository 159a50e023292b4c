#include "tools/run/certainty.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "tools/common/say.h"

bool certainty_measure(certainty *c, const dg_trainer *trainer, const dg_model *model,
                       const dg_part_view *tested, const float *logits, dg_error *err) {
  uint32_t classes = dg_trainer_outputs(trainer);
  size_t numbers = (size_t)tested->count * classes;
  float *p = malloc(numbers * sizeof *p);
  dg_calibration measured[2];
  if (!p) return dg_fail_memory(err, numbers * sizeof *p);
  c->temperature = dg_trainer_temperature(trainer);
  const int ways = c->temperature > 0 ? 2 : 1; /* without a temperature, and with it */
  for (int i = 0; i < ways; i++) {
    dg_probabilities(model, i ? c->temperature : 0, logits, tested->count, classes, p);
    dg_calibration_measure(p, tested->labels, tested->count, classes, &measured[i],
                           sizeof measured[i]);
  }
  c->without = measured[0].error;
  c->error = measured[ways - 1].error;
  free(p);
  return true;
}

void certainty_print(const certainty *c, const char *untold) {
  if (c->temperature > 0)
    say("        calibration error %.2f %% with temperature %.4g, %.2f %% without\n",
        100 * c->error, c->temperature, 100 * c->without);
  else
    say("        calibration error %.2f %%, no temperature: %s\n", 100 * c->error, untold);
}
