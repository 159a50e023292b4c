/** Validation samples with each class's share. */
#include <stdlib.h>
#include <string.h>

#include "core/training/trainer.h"

/** A class's share of the validation samples: whole ones, and the remainder of the division. */
typedef struct {
  uint32_t held;
  uint64_t rest;
} share;

/** Gives each class count * held / all samples, rounded down, and one more to those with the
    largest remainders, the first of equal ones, until there are `held`. */
static void divide(const uint32_t *count, uint32_t all, uint32_t held, share *shares) {
  uint32_t left = held;
  for (uint32_t c = 0; c < DG_MODEL_CLASSES; c++) {
    const uint64_t product = (uint64_t)count[c] * held;
    shares[c] = (share){(uint32_t)(product / all), product % all};
    left -= shares[c].held;
  }
  for (; left > 0; left--) {
    share *most = shares;
    for (uint32_t c = 1; c < DG_MODEL_CLASSES; c++)
      if (shares[c].rest > most->rest) most = &shares[c];
    most->held++;
    most->rest = 0;
  }
}

static bool check_labels(const dg_trainer *t, dg_error *err) {
  return (t->data->train.labels && t->model->target == DG_TARGET_GIVEN) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: data.split = \"stratified\" needs classes, but %s to be learned",
                 t->model->path,
                 t->model->target == DG_TARGET_INPUT ? "the input is" : "targets are") ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

bool dg_trainer_stratify(dg_trainer *t, dg_error *err) {
  const uint32_t all = t->data->train.count, held_out = t->validation_count;
  const uint8_t *labels = t->data->train.labels;
  uint32_t count[DG_MODEL_CLASSES] = {0}, kept = 0, held = 0;
  share shares[DG_MODEL_CLASSES];
  if (!check_labels(t, err)) return false;
  uint32_t *chosen = malloc(held_out * sizeof *chosen);
  if (!chosen) return dg_fail_memory(err, held_out * sizeof *chosen);
  for (uint32_t i = 0; i < all; i++) count[labels[i]]++;
  divide(count, all, held_out, shares);
  for (uint32_t i = 0; i < all; i++) {
    const uint32_t sample = t->members[i];
    share *of = &shares[labels[sample]];
    if (of->held > 0)
      of->held--, chosen[held++] = sample;
    else
      t->members[kept++] = sample;
  }
  memcpy(t->members + kept, chosen, held_out * sizeof *chosen);
  free(chosen);
  return true;
}
