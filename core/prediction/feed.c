#include "core/prediction/feed.h"

#include <stdlib.h>

static bool open_gather(dg_feed *feed, const dg_model *model, dg_network *network, uint32_t batch,
                        dg_error *err) {
  dg_gather_desc desc = dg_gather_describe(model, &feed->kind);
  const dg_network_io io = dg_network_io_of(network, 0);
  desc.augment = (dg_augment){0}; /* for training alone */
  float *norms = desc.per_channel ? dg_gather_norms(model, &desc, err) : NULL;
  const dg_gather_options options = {
      .max_n = batch, .x = io.input, .lengths = io.lengths, .norms = norms};
  const bool ok = (norms || !desc.per_channel) &&
                  dg_gather_open(&feed->gather, feed->source.device, &desc, &options, err);
  free(norms);
  return ok;
}

bool dg_feed_open(dg_feed *feed, const dg_model *model, dg_network *network, dg_device *device,
                  const dg_sample_kind *kind, uint32_t batch, dg_error *err) {
  const dg_source_plan plan = {.samples = batch, .order = batch, .lengths = model->lengths};
  *feed = (dg_feed){.kind = *kind, .steps = model->input.dim[0]};
  if (!dg_source_open(&feed->source, device, kind, &plan, err) ||
      !dg_source_in_turn(&feed->source, err) || !open_gather(feed, model, network, batch, err))
    return false;
  dg_gather_from(&feed->gather, &feed->source);
  return true;
}

void dg_feed_close(dg_feed *feed) {
  dg_gather_close(&feed->gather);
  dg_source_close(&feed->source);
  *feed = (dg_feed){0};
}

bool dg_feed_run(dg_feed *feed, const void *samples, const uint32_t *lengths, uint32_t n,
                 dg_error *err) {
  const dg_step step = {.n = n};
  return dg_source_put(&feed->source, samples, NULL, n, err) &&
         dg_source_put_lengths(&feed->source, lengths, feed->steps, n, err) &&
         dg_gather_run(&feed->gather, &step, err);
}
