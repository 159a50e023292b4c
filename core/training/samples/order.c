/** Splits samples into training and validation, and shuffles them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/training/trainer.h"

enum { RECIPE_SAMPLES = 60000 }; /* of MNIST, and of the built-in digits */

/** Shuffles indices (Fisher and Yates). */
static void shuffle(uint32_t *order, uint32_t count, dg_random *random) {
  for (uint32_t i = count; i-- > 1;) {
    uint32_t other = dg_random_below(random, i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
}

/** Fills `order` with `count` numbers from `first` on, and shuffles them. */
static void permute(uint32_t *order, uint32_t first, uint32_t count, dg_random *random) {
  for (uint32_t i = 0; i < count; i++) order[i] = first + i;
  shuffle(order, count, random);
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

/** Splits off runs of samples, so that blocks of the others are few runs themselves. Both parts
    keep the order of the set. */
static bool split_runs(dg_trainer *t, uint32_t count, dg_random *random, dg_error *err) {
  enum { LEAST_RUNS = 64, LONGEST = 64 };
  uint32_t run = t->validation_count / LEAST_RUNS, split = 0, next[2] = {0, t->train_count};
  run = run < 1 ? 1 : run > LONGEST ? LONGEST : run;
  const uint32_t runs = (count + run - 1) / run;
  bool *aside = calloc(count, sizeof *aside);
  if (!aside) return dg_fail_memory(err, count);
  permute(t->members, 0, runs, random);
  for (uint32_t r = 0; split < t->validation_count; r++)
    for (uint32_t i = t->members[r] * run;
         i < count && i < (t->members[r] + 1) * run && split < t->validation_count; i++, split++)
      aside[i] = true;
  for (uint32_t i = 0; i < count; i++) t->members[next[aside[i]]++] = i;
  free(aside);
  return true;
}

static int by_index(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/** Splits off each class's share; of an order by blocks, both parts keep the order of the set. */
static bool split_classes(dg_trainer *t, uint32_t count, dg_random *random, dg_error *err) {
  permute(t->members, 0, count, random);
  if (!dg_trainer_stratify(t, err)) return false;
  if (!t->model->data.shuffle_block) return true;
  qsort(t->members, t->train_count, sizeof *t->members, by_index);
  qsort(t->members + t->train_count, t->validation_count, sizeof *t->members, by_index);
  return true;
}

static bool split(dg_trainer *t, uint32_t count, dg_error *err) {
  dg_random random = dg_random_start(t->seed, dg_stream(DG_STREAM_SPLIT, 0), 0, 0);
  if (t->validation_count && t->model->data.split == DG_SPLIT_STRATIFIED)
    return split_classes(t, count, &random, err);
  if (t->model->data.shuffle_block) return split_runs(t, count, &random, err);
  permute(t->members, 0, count, &random);
  if (t->validation_count == 0)
    for (uint32_t i = 0; i < count; i++) t->members[i] = i;
  return true;
}

/* ---- the order of an epoch ---------------------------------------------- */

/** Blocks in one permutation of the training samples. */
static uint32_t block_count(const dg_trainer *t) {
  return (uint32_t)(((uint64_t)t->train_count + t->model->data.shuffle_block - 1) /
                    t->model->data.shuffle_block);
}

/** Memory for the order of `length` samples; the last permutation may exceed its end. */
static bool new_order(dg_trainer *t, uint64_t length, dg_error *err) {
  const uint64_t most = length + t->train_count;
  dg_blocks *b = &t->blocks;
  t->order = malloc(most * sizeof *t->order);
  if (!t->order) return dg_fail_memory(err, most * sizeof *t->order);
  if (!t->model->data.shuffle_block) return true;
  const uint32_t blocks = block_count(t);
  const uint64_t rounds = most / t->train_count,
                 groups = rounds * ((blocks + DG_GROUP_BLOCKS - 1) / DG_GROUP_BLOCKS);
  b->shuffled = malloc(blocks * sizeof *b->shuffled);
  b->samples = malloc(most * sizeof *b->samples);
  b->begins = malloc((groups + 1) * sizeof *b->begins);
  return (b->shuffled && b->samples && b->begins) ||
         dg_fail_memory(err, (most + groups) * sizeof *b->samples);
}

bool dg_trainer_open_source(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  uint32_t count = t->data->train.count, most = dg_trainer_step_samples(t);
  if (!choose_validation(t, count, err)) return false;
  t->train_count = count - t->validation_count;
  uint64_t steps = recipe->steps ? recipe->steps : ((uint64_t)t->train_count + most - 1) / most;
  uint64_t length = recipe->steps ? steps * most : t->train_count;
  if (length > UINT32_MAX / sizeof(uint32_t) || length + t->train_count > UINT32_MAX)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: steps * batch * accumulate is too large; make one of them smaller",
                   t->model->path);
  t->steps = (uint32_t)steps;
  t->members = malloc(count * sizeof *t->members);
  if (!t->members) return dg_fail_memory(err, count * sizeof *t->members);
  if (!split(t, count, err) || !new_order(t, length, err)) return false;
  return dg_trainer_open_training(
      t, length > t->validation_count ? (uint32_t)length : t->validation_count, err);
}

/** Number of samples in the steps of an epoch. */
static uint32_t order_length(const dg_trainer *t) {
  return t->model->train.steps ? t->steps * dg_trainer_step_samples(t) : t->train_count;
}

/** Shuffles the blocks, then the samples of each group of them: t->blocks gets the samples group by
    group, t->order their places, from place `begin` on. */
static void order_blocks(dg_trainer *t, uint32_t begin, dg_random *random) {
  const uint32_t block = t->model->data.shuffle_block, blocks = block_count(t);
  dg_blocks *b = &t->blocks;
  permute(b->shuffled, 0, blocks, random);
  for (uint32_t next = 0, place = begin; next < blocks;) {
    const uint32_t group = place;
    b->begins[b->groups++] = group;
    for (uint32_t k = 0; k < DG_GROUP_BLOCKS && next < blocks; k++, next++) {
      const uint32_t first = b->shuffled[next] * block, left = t->train_count - first;
      memcpy(b->samples + place, t->members + first,
             (left < block ? left : block) * sizeof *b->samples);
      place += left < block ? left : block;
    }
    permute(t->order + group, group, place - group, random);
    b->begins[b->groups] = place;
  }
}

/** Writes the order of an epoch to t->order: samples, or where to find them on the device. */
static void make_order(dg_trainer *t, uint32_t epoch, bool slots) {
  const uint32_t length = order_length(t), block = t->model->data.shuffle_block;
  uint32_t round = 0;
  t->blocks.groups = 0;
  for (uint64_t done = 0; done < length; done += t->train_count) {
    dg_random random = dg_random_start(t->seed, dg_stream(DG_STREAM_SHUFFLE, 0), epoch, round++);
    if (block)
      order_blocks(t, (uint32_t)done, &random);
    else
      permute(t->order + done, 0, t->train_count, &random);
  }
  const uint32_t *samples = block ? t->blocks.samples : t->members;
  for (uint32_t i = 0; i < length; i++)
    t->order[i] = slots ? t->order[i] % t->source.slots : samples[t->order[i]];
}

bool dg_trainer_order_epoch(dg_trainer *t, dg_error *err) {
  const dg_blocks *b = &t->blocks;
  make_order(t, t->cursor.epoch, t->source.ring);
  if (!t->source.ring) return dg_source_set_order(&t->source, t->order, order_length(t), err);
  const dg_ring_order places = {b->samples, b->begins, b->groups, b->begins[b->groups]};
  return dg_source_set_groups(&t->source, &places, t->order, order_length(t), err);
}

bool dg_trainer_order(dg_trainer *t, uint32_t epoch, uint32_t *order, size_t capacity,
                      size_t *count, dg_error *err) {
  if (t->test_only)
    return dg_fail(err, DG_ERR_INPUT, "the trainer was made to test only: it has no order");
  *count = order_length(t);
  make_order(t, epoch, false);
  memcpy(order, t->order, (*count < capacity ? *count : capacity) * sizeof *order);
  make_order(t, t->cursor.epoch, t->source.ring); /* steps may be under way */
  return true;
}
