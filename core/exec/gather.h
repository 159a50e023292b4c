/** The gather op, bound to its buffers: copies batches from a source to a network. */
#ifndef DG_GATHER_H
#define DG_GATHER_H

#include "core/exec/bound.h"
#include "core/exec/source.h"
#include "core/model/model.h"

/** All zero: none. */
typedef struct {
  dg_bound_op bound;
  dg_buffer *targets; /**< of the batch: labels uint32 [max_n], or targets float [max_n, targets];
                         NULL unless requested */
  dg_buffer *norms;   /**< of the channels; NULL unless they have their own */
  dg_ring *ring;      /**< of the source, if it is fed */
} dg_gather;

/** Does a sample have the shape of a model's input, or the same numbers in the same order? */
bool dg_gather_takes(const dg_shape *input, const dg_shape *sample);

/** The gather op of a model for samples that fit its input, augmented as its recipe says. The
    recipe's numbers must be known: none is to be measured. */
dg_gather_desc dg_gather_describe(const dg_model *model, const dg_sample_kind *kind);

/** What dg_gather_options.norms takes for this op of the model, in new memory. */
float *dg_gather_norms(const dg_model *model, const dg_gather_desc *desc, dg_error *err);

/** Options of a gather. */
typedef struct {
  uint32_t max_n;     /**< most samples in a batch */
  dg_buffer *x;       /**< output [max_n, input] */
  dg_buffer *lengths; /**< output of those of the batch; NULL for a model without */
  bool train;         /**< for training steps */
  bool targets;       /**< also gather labels or targets, into a buffer that it owns */
  /** Each channel's mean, then each one's 1 / std, for a description that is per_channel; NULL for
      others. Copied. */
  const float *norms;
} dg_gather_options;

/** Prepares a gather op. Free with dg_gather_close, also after a failure. */
bool dg_gather_open(dg_gather *gather, dg_device *device, const dg_gather_desc *desc,
                    const dg_gather_options *options, dg_error *err);
void dg_gather_close(dg_gather *gather);

/** Takes batches from `source`, which stays open, from now on. Its samples have the size of the
   op's. If the source has neither labels nor targets, those of the batch are unchanged. */
void dg_gather_from(dg_gather *gather, const dg_source *source);

/** Enqueues it: the batch of `step->n` samples from index `step->first` of the order. */
bool dg_gather_run(const dg_gather *gather, const dg_step *step, dg_error *err);

#endif
