/** How sure the answers to test images are, compared with how often they are correct. */
#ifndef DG_CERTAINTY_H
#define DG_CERTAINTY_H

#include "digits/calibration.h"
#include "digits/data.h"
#include "digits/train.h"

typedef struct {
  double temperature; /**< 0: none */
  double error;       /**< expected calibration error */
  double without;     /**< the same without temperature */
} certainty;

/** Measures it from the logits [tested->count, outputs of the trainer]. */
bool certainty_measure(certainty *c, const dg_trainer *trainer, const dg_model *model,
                       const dg_part_view *tested, const float *logits, dg_error *err);

/** Prints it; `untold` is why there is no temperature. */
void certainty_print(const certainty *c, const char *untold);

#endif
