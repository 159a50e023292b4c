#include "tests/common/order.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/common/fixture.h"
#include "tests/common/reference.h"

/** Losses of steps, from the listener. */
typedef struct {
  uint32_t count, capacity;
  double *loss;
} told;

static void on_step(void *user, uint64_t step, double loss, double accuracy) {
  told *t = user;
  (void)accuracy;
  ck_assert_uint_eq(step, t->count);
  ck_assert_uint_lt(t->count, t->capacity);
  t->loss[t->count++] = loss;
}

/** The sample with this loss; there must be one, and no other loss near it. */
static uint32_t recognize(const double *losses, uint32_t samples, double loss) {
  uint32_t best = 0, found = 0;
  for (uint32_t i = 0; i < samples; i++) {
    if (fabs(losses[i] - loss) < fabs(losses[best] - loss)) best = i;
    found += fabs(losses[i] - loss) < 2e-5 * loss;
  }
  ck_assert_msg(found == 1, "%u samples have the loss %.9g", found, loss);
  return best;
}

/** The loss of each sample with the initial parameters of a run. */
static double *losses_of(fixture *f, const reference_recipe *recipe) {
  const dg_part_view part = dg_dataset_part(f->data, DG_PART_TRAIN);
  double *weights = fixture_read(f, "out.weight", NULL);
  double *biases = fixture_read(f, "out.bias", NULL);
  double *losses = fixture_alloc(part.count, sizeof *losses);
  reference *r = reference_new(recipe, weights, biases);
  for (uint32_t i = 0; i < part.count; i++)
    losses[i] = reference_test(r, r->values, &part, &i, 1).loss;
  free(r), free(weights), free(biases);
  return losses;
}

uint32_t order_find(const order_plan *plan, uint32_t *order) {
  char recipe[400];
  uint32_t length = plan->length ? plan->length : plan->train - plan->validation;
  told t = {.capacity = length * plan->epochs};
  t.loss = fixture_alloc(t.capacity, sizeof *t.loss);
  snprintf(recipe, sizeof recipe,
           "loss = \"mse\"; data = { std = 0.1; validation = %u; };\n"
           "train = { epochs = %u; batch = 1; steps = %u;"
           " optimizer = { type = \"sgd\"; lr = 1e-30; }; };",
           plan->validation, plan->epochs, plan->length);
  const fixture_plan made = {.layers = REFERENCE_LAYERS,
                             .recipe = recipe,
                             .train = plan->train,
                             .seed = plan->seed,
                             .listener = {.user = &t, .step = on_step}};
  fixture f = fixture_new(&made);
  double *losses = losses_of(&f, &(reference_recipe){.mse = true, .std = 0.1});
  fixture_train(&f);
  ck_assert_uint_eq(t.count, t.capacity);
  for (uint32_t i = 0; i < t.count; i++) order[i] = recognize(losses, plan->train, t.loss[i]);
  free(losses), free(t.loss);
  fixture_free(&f);
  return length;
}

uint32_t order_rest(const uint32_t *order, uint32_t length, uint32_t train, uint32_t *rest) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < train; i++) {
    bool taken = false;
    for (uint32_t k = 0; k < length; k++) taken |= order[k] == i;
    if (!taken) rest[count++] = i;
  }
  return count;
}
