/**
 * What the files of this folder share: the trainer. Each builds on those named before it: fit.c,
 * order.c, batch_ops.c and optimizer.c make its parts, gradient.c and steps.c run batches through
 * the network, keep.c validates and keeps parameters, checkpoint.c saves all of it for a run that
 * goes on later. Above them set_up.c sets a trainer up, epochs.c is the loop, test.c runs the
 * network on test images.
 */
#ifndef DG_TRAINER_H
#define DG_TRAINER_H

#include "core/data/dataset.h"
#include "core/exec/gather.h"
#include "core/exec/network.h"
#include "core/training/metrics.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/train.h"

/** Where training stands: what is the same again after a resume. */
typedef struct {
  uint32_t epoch;       /**< finished epochs */
  uint32_t done;        /**< steps of the one after them */
  double best_accuracy; /**< of a validation; negative before the first */
  double seconds;       /**< spent on the epoch that has begun */
} dg_cursor;

/** What brings batches to an instance of the network, and what takes its outputs. */
typedef struct {
  dg_gather gather;
  dg_bound_op loss;
} dg_batch_ops;

struct dg_trainer {
  const dg_model *model;
  const dg_dataset *data;
  dg_device *device;
  dg_listener listener;
  uint32_t seed;
  bool test_only;
  dg_network *network;
  dg_source source; /**< the training images */
  dg_source given;  /**< samples that dg_trainer_step is given; none before its first call */
  dg_metrics metrics;
  uint32_t instances;      /**< of the network */
  dg_batch_ops *batch_ops; /**< of each; tests use the first */
  dg_bound_op update, average;
  dg_buffer *state;    /**< of the optimizer; NULL where it has none */
  dg_buffer *averaged; /**< moving average of the parameters; NULL without train.average */
  dg_buffer *best;     /**< parameters of the best epoch; NULL without validation */
  dg_buffer *fault;    /**< uint32 [2], see dg_update_desc */
  uint32_t train_count, validation_count;
  uint32_t steps;        /**< of an epoch */
  uint32_t *members;     /**< training samples, then validation samples */
  uint32_t *order;       /**< of an epoch, the samples of all its steps */
  uint32_t *bounds;      /**< of the learned parameters, see dg_update_desc */
  uint32_t checksum;     /**< of the training images, for checkpoints */
  char *checkpoint_path; /**< where checkpoints are saved; NULL: nowhere */
  dg_cursor cursor;
  double started, last_read; /**< seconds */
  uint32_t ahead;            /**< steps to enqueue before the next look at the device */
  uint64_t first_step;       /**< of this program: where a resumed run began */
};

static inline const dg_device_calls *dg_trainer_calls(const dg_trainer *t) {
  return t->device->calls;
}

/* ---- fit.c --------------------------------------------------------------- */

/** Are the images what the model takes, and its outputs enough for the labels? */
bool dg_trainer_fits(const dg_trainer *trainer, const dg_samples *samples, uint32_t classes,
                     dg_error *err);

/** Have the classes of a set the names that were learned, as far as both are known? `where` the
    latter are from is named in the error. */
bool dg_trainer_same_classes(const dg_classes *learned, const dg_dataset *data, const char *where,
                             dg_error *err);

/* ---- order.c ------------------------------------------------------------- */

/** Splits off the validation samples by the seed, counts the steps of an epoch, and uploads the
    training images. */
bool dg_trainer_open_source(dg_trainer *trainer, dg_error *err);

/** Writes the order of the epoch that `cursor` is in: one random permutation of the training
    samples after another. */
bool dg_trainer_order_epoch(dg_trainer *trainer, dg_error *err);

/* ---- batch_ops.c ---------------------------------------------------------  */

/** Prepares gather and loss for every instance of the network. What was made is freed by
    dg_trainer_close_batch_ops, also after a failure. */
bool dg_trainer_open_batch_ops(dg_trainer *trainer, dg_error *err);
void dg_trainer_close_batch_ops(dg_trainer *trainer);

/** From now on batches are taken from `source`. */
void dg_trainer_gather_from(dg_trainer *trainer, const dg_source *source);

/* ---- optimizer.c --------------------------------------------------------- */

/** Arrays of state that the optimizer keeps, each of dg_network_learned numbers. */
uint32_t dg_trainer_state_arrays(const dg_trainer *trainer);

/** Prepares the update, and the moving average if the recipe has one. */
bool dg_trainer_open_optimizer(dg_trainer *trainer, dg_error *err);

/** The state of an optimizer begins with zeros, the average where the parameters do. */
bool dg_trainer_start_optimizer(dg_trainer *trainer, dg_error *err);

/* ---- gradient.c ---------------------------------------------------------- */

/** Samples of a step at most. */
static inline uint32_t dg_trainer_step_samples(const dg_trainer *t) {
  return t->model->train.batch * t->model->train.accumulate;
}

/** Slices of a batch; 1 where it is not cut. */
static inline uint32_t dg_trainer_slices(const dg_trainer *t) {
  return t->model->train.slices ? t->model->train.slices : 1;
}

/** Slices of all batches of a step. */
static inline uint32_t dg_trainer_step_slices(const dg_trainer *t) {
  return t->test_only ? 1 : t->model->train.accumulate * dg_trainer_slices(t);
}

/** Enqueues what makes the gradients of `step->n` samples that the gather takes from, and notes
   their losses: gather, forward, loss, backward. */
bool dg_trainer_gradient(dg_trainer *trainer, const dg_step *step, dg_error *err);

/* ---- steps.c ------------------------------------------------------------- */

/** Training steps of the whole run before the next one. */
static inline uint64_t dg_trainer_steps_done(const dg_trainer *t) {
  return (uint64_t)t->cursor.epoch * t->steps + t->cursor.done;
}

/** Learning rate of a step, counted over the whole run; after its end that of the last step. */
double dg_trainer_rate(const dg_trainer *trainer, uint64_t step);

/** The next step of the run, on `n` samples from `first` on in the order of what the gather takes
    from. */
dg_step dg_trainer_next_step(const dg_trainer *trainer, uint32_t n, uint32_t first);

/** Are the gradients of all steps finite, and `losses` [count] of those from `first` on? If not, an
    error names the first step, and the parameter. */
bool dg_trainer_check_steps(dg_trainer *trainer, uint64_t first, const float *losses,
                            uint32_t count, dg_error *err);

/** Enqueues one training step on `step->n` samples of what the gather takes from: their gradients,
    update, average. */
bool dg_trainer_run_step(dg_trainer *trainer, const dg_step *step, dg_error *err);

/**
 * Scores the network on the first `count` samples of a source's order. `logits` [count, outputs],
 * unless NULL, gets what it gave for them.
 */
bool dg_trainer_evaluate(dg_trainer *trainer, const dg_source *source, uint32_t count,
                         dg_score *score, float *logits, dg_error *err);

/**
 * Is the loss of a score that dg_trainer_evaluate gave finite? If not, runs the network again for
 * an error that names the first sample, by its index in the source's order, that is to blame.
 */
bool dg_trainer_check_loss(dg_trainer *trainer, const dg_source *source, uint32_t count,
                           const dg_score *score, dg_error *err);

/* ---- validation.c --------------------------------------------------------  */

/** Validates the parameters that training would end with here, and remembers them if they
    are the best. */
bool dg_trainer_validate(dg_trainer *trainer, dg_epoch_report *report, dg_error *err);

/** Puts the parameters that the recipe keeps into the network, and looks whether they are finite:
    the last step may have made numbers that no loss told of. */
bool dg_trainer_restore_best(dg_trainer *trainer, dg_error *err);

/* ---- checkpoint.c -------------------------------------------------------- */

/** What the checkpoints of all epochs share, found once. */
void dg_trainer_prepare_checkpoint(dg_trainer *trainer);

/** Writes all that a run needs to go on to `checkpoint_path`; nothing where that is NULL. */
bool dg_trainer_save_checkpoint(dg_trainer *trainer, dg_error *err);

/** Loads the checkpoint in `checkpoint_path`. One of another network or other data is an error. */
bool dg_trainer_load_checkpoint(dg_trainer *trainer, dg_error *err);

#endif
