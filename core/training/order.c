/** Splits samples into training and validation, and shuffles them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/training/trainer.h"

enum { RECIPE_SAMPLES = 60000 }; /* of MNIST, and of the built-in digits */

/** Fills `order` with a random permutation of 0 to `count` - 1 from a stream (Fisher and Yates). */
static void shuffle(uint32_t *order, uint32_t count, uint32_t seed, uint32_t stream, uint32_t b,
                    uint32_t c) {
  dg_random random = dg_random_start(seed, stream, b, c);
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  for (uint32_t i = count; i-- > 1;) {
    uint32_t other = dg_random_below(&random, i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
}

/** Tells what is set aside of a set that is smaller than the recipe expects. */
static void tell_validation(const dg_trainer *t, uint32_t count) {
  const uint32_t recipe = t->model->data.validation;
  char text[200];
  if (!t->note) return;
  if (t->validation_count == recipe)
    snprintf(text, sizeof text,
             "%u of the %u training samples are set aside for validation; %u are left to train on",
             recipe, count, count - recipe);
  else
    snprintf(
        text, sizeof text,
        "%u of the %u training samples are set aside for validation: the share that the recipe "
        "sets aside, %u of %d",
        t->validation_count, count, recipe, RECIPE_SAMPLES);
  t->note(t->user, text);
}

/**
 * Recipes count for sets of RECIPE_SAMPLES. If their validation doesn't fit a smaller set, it takes
 * the same share of it, at least one sample. What the user asked for must fit.
 */
static bool choose_validation(dg_trainer *t, uint32_t count, dg_error *err) {
  const dg_data_recipe *data = &t->model->data;
  const uint32_t recipe = data->validation;
  t->validation_count = recipe;
  if (!data->validation_given && recipe >= count && recipe < RECIPE_SAMPLES && count > 1) {
    const uint64_t share = (uint64_t)count * recipe / RECIPE_SAMPLES;
    t->validation_count = share ? (uint32_t)share : 1;
  }
  if (t->validation_count >= count)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: data.validation = %u leaves nothing of %u samples to train on; make it "
                   "smaller",
                   t->model->path, recipe, count) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  if (recipe > count / 2 && !data->validation_given) tell_validation(t, count);
  return true;
}

bool dg_trainer_open_source(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  uint32_t count = t->data->train.count, most = dg_trainer_step_samples(t);
  if (!choose_validation(t, count, err)) return false;
  t->train_count = count - t->validation_count;
  uint64_t steps = recipe->steps ? recipe->steps : ((uint64_t)t->train_count + most - 1) / most;
  uint64_t length = recipe->steps ? steps * most : t->train_count;
  if (length > UINT32_MAX / sizeof(uint32_t))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: steps * batch * accumulate is too large; make one of them smaller",
                   t->model->path);
  t->steps = (uint32_t)steps;
  t->members = malloc(count * sizeof *t->members);
  /* the last permutation may exceed the end, see dg_trainer_order_epoch */
  t->order = malloc((length + t->train_count) * sizeof *t->order);
  if (!t->members || !t->order) return dg_fail_memory(err, length * sizeof *t->order);
  if (t->validation_count)
    shuffle(t->members, count, t->seed, dg_stream(DG_STREAM_SPLIT, 0), 0, 0);
  else
    for (uint32_t i = 0; i < count; i++) t->members[i] = i;
  if (t->validation_count && t->model->data.split == DG_SPLIT_STRATIFIED &&
      !dg_trainer_stratify(t, err))
    return false;
  uint32_t longest = length > t->validation_count ? (uint32_t)length : t->validation_count;
  return dg_trainer_upload(t, &t->data->train, longest, &t->source, err);
}

/** Number of samples in the steps of an epoch. */
static uint32_t order_length(const dg_trainer *t) {
  return t->model->train.steps ? t->steps * dg_trainer_step_samples(t) : t->train_count;
}

/** Writes the order of an epoch to t->order. */
static void make_order(dg_trainer *t, uint32_t epoch) {
  uint32_t length = order_length(t), round = 0;
  for (uint64_t done = 0; done < length; done += t->train_count)
    shuffle(t->order + done, t->train_count, t->seed, dg_stream(DG_STREAM_SHUFFLE, 0), epoch,
            round++);
  for (uint32_t i = 0; i < length; i++) t->order[i] = t->members[t->order[i]];
}

bool dg_trainer_order_epoch(dg_trainer *t, dg_error *err) {
  make_order(t, t->cursor.epoch);
  return dg_source_set_order(&t->source, t->order, order_length(t), err);
}

bool dg_trainer_order(dg_trainer *t, uint32_t epoch, uint32_t *order, size_t capacity,
                      size_t *count, dg_error *err) {
  if (t->test_only)
    return dg_fail(err, DG_ERR_INPUT, "the trainer was made to test only: it has no order");
  *count = order_length(t);
  make_order(t, epoch);
  memcpy(order, t->order, (*count < capacity ? *count : capacity) * sizeof *order);
  return true;
}
