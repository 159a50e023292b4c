/** The gather op bound to what it fills: batches from a source to a network. */
#ifndef DG_GATHER_H
#define DG_GATHER_H

#include "core/exec/bound.h"
#include "core/exec/source.h"
#include "core/model/model.h"

/** All zero: none. */
typedef struct {
  dg_bound_op bound;
  dg_buffer *labels; /**< of the batch: uint32 [max_n]; NULL unless they were asked for */
} dg_gather;

/** The gather op of a model for images of height x width, augmented as its recipe says. */
dg_gather_desc dg_gather_describe(const dg_model *model, uint32_t height, uint32_t width);

/** What a gather is for. */
typedef struct {
  uint32_t max_n; /**< samples of a batch at most */
  dg_buffer *x;   /**< where images go [max_n, height, width] */
  bool train;     /**< steps of training will be run */
  bool labels;    /**< labels are gathered, too, into a buffer of its own */
} dg_gather_options;

/** Prepares a gather op. What was made is freed by dg_gather_close, also after a failure. */
bool dg_gather_open(dg_gather *gather, dg_device *device, const dg_gather_desc *desc,
                    const dg_gather_options *options, dg_error *err);
void dg_gather_close(dg_gather *gather);

/** From now on batches are taken from `source`, whose images are as large as those of the op.
    Where they have no labels, those of the batch stay as they are. */
void dg_gather_from(dg_gather *gather, const dg_source *source);

/** Enqueues it: the batch of `step->n` samples from index `step->first` of the order. */
bool dg_gather_run(const dg_gather *gather, const dg_step *step, dg_error *err);

#endif
