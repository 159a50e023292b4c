/** Which samples are on the device: all of a set, or as many as there is room for. */
#include "core/base/size.h"
#include "core/training/trainer.h"

/** Room for `count` samples in `memory` bytes, with an order of `order` indices. */
static uint32_t room_for(const dg_trainer *t, uint32_t count, uint64_t order, uint64_t memory) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const uint64_t indices = dg_trainer_set_bytes(t, 0, order), input = dg_input_bytes(&kind),
                 target = dg_trainer_target_bytes(t);
  uint64_t slots = memory > indices ? (memory - indices) / dg_trainer_set_bytes(t, 1, 0) : 0;
  const uint64_t most = t->device->info.max_alloc / (input > target ? input : target);
  if (slots > most) slots = most;
  return slots < count ? (uint32_t)slots : count;
}

/** The same for a part of a set; of what a device has left, others need some, too. */
static uint32_t room_for_part(const dg_trainer *t, uint32_t count, uint64_t order,
                              uint64_t memory) {
  const bool given = t->data_memory && t->data_memory <= memory;
  return room_for(t, count, order, given ? memory : memory - memory / 8);
}

static bool fail_room(const dg_trainer *t, uint32_t slots, const char *needs, uint32_t batch,
                      dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT,
                 "the memory for samples on the device holds %u of %.300s: too few for %s %u; give "
                 "it more",
                 slots, t->data->source, needs, batch) ||
         dg_advise(err, t->data_memory ? DG_REMEDY_DATA_MEMORY : DG_REMEDY_BATCH);
}

/* ---- training ----------------------------------------------------------- */

/** Do two groups of blocks fit, one in use and one to come, and a batch that begins in a third? */
static bool check_blocks(const dg_trainer *t, uint32_t slots, dg_error *err) {
  const uint32_t block = t->model->data.shuffle_block, batch = dg_network_samples(t->network);
  const uint32_t most = slots > batch ? (slots - batch) / (2 * DG_GROUP_BLOCKS) : 0;
  if (most == 0) return fail_room(t, slots, "16 blocks and a batch of", batch, err);
  if (block == 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: %.300s has %u training samples, but the memory for samples on the device "
                   "holds %u, and an order that may take any of them next needs all; "
                   "data.shuffle_block=%u would fit",
                   t->model->path, t->data->source, t->train_count, slots, most) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  return block <= most ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: data.shuffle_block = %u is too large: 16 such blocks and a batch of %u don't "
                 "fit the memory for samples on the device, which holds %u; data.shuffle_block=%u "
                 "would fit",
                 t->model->path, block, batch, slots, most) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

bool dg_trainer_open_training(dg_trainer *t, uint32_t longest, dg_error *err) {
  const dg_samples *samples = &t->data->train;
  const uint64_t order = (uint64_t)longest + t->data->test.count;
  uint32_t slots = room_for(t, samples->count, order, t->set_memory);
  if (slots == samples->count)
    return dg_trainer_upload(t, samples, longest, &t->source, err) &&
           dg_trainer_check_room(t, &t->data->test, err);
  slots = room_for_part(t, samples->count, order, t->set_memory);
  const dg_source_plan plan = {.samples = slots, .order = longest};
  return check_blocks(t, slots, err) && dg_trainer_feed(t, samples, &plan, &t->source, err);
}

/* ---- testing ------------------------------------------------------------ */

/** What the training samples leave of the memory for samples. */
static uint64_t memory_left(const dg_trainer *t) {
  const dg_source *s = &t->source;
  const uint64_t used = s->device ? dg_trainer_set_bytes(t, s->slots, s->capacity) : 0;
  return t->set_memory > used ? t->set_memory - used : 0;
}

static bool fits(const dg_trainer *t, const dg_samples *samples) {
  return room_for(t, samples->count, samples->count, memory_left(t)) == samples->count;
}

/** Samples that are on the device at a time while others than those to train on are tested. */
static uint32_t room_in_turn(const dg_trainer *t, const dg_samples *samples) {
  return t->source.device ? t->source.slots
                          : room_for_part(t, samples->count, samples->count, t->set_memory);
}

bool dg_trainer_check_room(const dg_trainer *t, const dg_samples *samples, dg_error *err) {
  const uint32_t batch = dg_network_samples(t->network), slots = room_in_turn(t, samples);
  const uint32_t most = samples->count < batch ? samples->count : batch;
  return fits(t, samples) || slots >= most || fail_room(t, slots, "a batch of", most, err);
}

bool dg_trainer_open_test(dg_trainer *t, const dg_samples *samples, dg_source *source,
                          dg_error *err) {
  if (!dg_trainer_check_room(t, samples, err)) return false;
  const dg_source_plan plan = {.samples = room_in_turn(t, samples),
                               .order = samples->count,
                               .in = t->source.device ? &t->source : NULL};
  bool ok = fits(t, samples) ? dg_trainer_upload(t, samples, samples->count, source, err)
                             : dg_trainer_feed(t, samples, &plan, source, err);
  if (!ok || dg_source_in_turn(source, err)) return ok;
  dg_source_close(source);
  return false;
}

bool dg_trainer_close_test(dg_trainer *t, dg_source *source, dg_error *err) {
  const dg_samples *samples = &t->data->train;
  const bool overwritten = source->borrowed;
  dg_trainer_calls(t)->finish(t->device, NULL);
  dg_source_close(source);
  if (!overwritten) return true;
  if (!t->source.ring) return dg_trainer_reload(t, err);
  return dg_source_feed_lengths(&t->source, samples->lengths, t->model->input.dim[0], err);
}
