/** Samples of a caller on their way into a network. */
#ifndef DG_FEED_H
#define DG_FEED_H

#include "core/exec/gather.h"
#include "core/exec/network.h"

/** For samples of one kind. All zero: none. */
typedef struct {
  dg_sample_kind kind;
  uint32_t steps;   /**< of the model's input, if it is of sequences */
  dg_source source; /**< a batch of samples, overwritten by every run */
  dg_gather gather;
} dg_feed;

/** Connects samples of a kind, up to `batch` at once, to a network's input. Free with
    dg_feed_close, also after a failure. */
bool dg_feed_open(dg_feed *feed, const dg_model *model, dg_network *network, dg_device *device,
                  const dg_sample_kind *kind, uint32_t batch, dg_error *err);
void dg_feed_close(dg_feed *feed);

/** Enqueues `n` samples as the network's input, and their lengths if the model has them; NULL: all
    are whole. */
bool dg_feed_run(dg_feed *feed, const void *samples, const uint32_t *lengths, uint32_t n,
                 dg_error *err);

#endif
