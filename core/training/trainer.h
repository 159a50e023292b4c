/**
 * The trainer, shared by the files of this folder. Each file uses only those named before it: in
 * samples/, targets.c, fit.c, split.c, room.c and order.c say what is learned from; batch_ops.c and
 * optimizer.c make the other parts, gradient.c and steps.c run batches through the network,
 * scores.c measures what it gives, validation.c validates and stores the best parameters,
 * checkpoint.c saves everything for a later resume. On top of them, set_up.c creates a trainer,
 * calibrate.c fits the temperature, epochs.c has the training loop, and test.c runs the network on
 * test samples.
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

/** The progress of training, which a resume restores. */
typedef struct {
  uint32_t epoch;    /**< finished epochs */
  uint32_t done;     /**< steps of the one after them */
  double best_score; /**< of the best validation (validation.c); negative before the first */
  double seconds;    /**< spent on the current epoch */
  uint32_t waited;   /**< epochs since the best validation */
} dg_cursor;

/** The ops around an instance of the network: gather and loss. */
typedef struct {
  dg_gather gather;
  dg_bound_op loss;
} dg_batch_ops;

/** Blocks of training samples in an epoch's order. All NULL: there are none. */
typedef struct {
  uint32_t *shuffled; /**< their numbers, in a random order */
  uint32_t *samples;  /**< of the epoch, block after block */
  uint32_t *begins;   /**< of the groups of blocks among them, and their end */
  uint32_t groups;
} dg_blocks;

struct dg_trainer {
  const dg_model *model; /**< the caller's, or `measured` */
  dg_model *measured;    /**< the caller's with numbers that were measured; NULL: there are none */
  const dg_dataset *data;
  dg_device *device;
  dg_listener listener;
  dg_note *note; /**< NULL: nobody is told */
  void *user;    /**< of `note` */
  uint32_t seed;
  bool test_only;
  dg_network *network;
  dg_source source; /**< the training images */
  dg_source given;  /**< samples given to dg_trainer_step; empty before its first call */
  dg_metrics metrics;
  uint32_t instances;       /**< of the network */
  dg_batch_ops *batch_ops;  /**< one per instance; tests use the first */
  dg_buffer *class_weights; /**< float [outputs]; NULL: all are 1 */
  dg_bound_op update, average;
  dg_buffer *state;    /**< of the optimizer; NULL if it has none */
  dg_buffer *averaged; /**< moving average of the parameters; NULL without train.average */
  dg_buffer *best;     /**< parameters of the best epoch; NULL without validation */
  dg_buffer *fault;    /**< uint32 [2], see dg_update_desc */
  double temperature;  /**< of the parameters; 0: none was fitted or loaded for them */
  uint32_t train_count, validation_count;
  uint32_t steps;        /**< of an epoch */
  uint32_t *members;     /**< training samples, then validation samples */
  uint32_t *order;       /**< of an epoch, the samples of all its steps */
  dg_blocks blocks;      /**< of the order, if the recipe has blocks */
  uint64_t data_memory;  /**< the caller's limit on samples on the device; 0: none */
  uint64_t set_memory;   /**< that, or what is left of the device's memory, if that is less */
  uint32_t *bounds;      /**< of the learned parameters, see dg_update_desc */
  uint32_t checksum;     /**< of the training images, for checkpoints */
  char *checkpoint_path; /**< NULL: no checkpoints */
  dg_cursor cursor;
  double started, last_read; /**< seconds */
  uint32_t ahead;            /**< steps to enqueue before the next synchronization */
  uint64_t first_step;       /**< first step in this process; not 0 after a resume */
  uint32_t save_every;       /**< steps between checkpoints; 0: only after epochs */
};

static inline const dg_device_calls *dg_trainer_calls(const dg_trainer *t) {
  return t->device->calls;
}

/* ---- targets.c ----------------------------------------------------------- */

/** Fills in what the model's recipe measures in the training part. */
bool dg_trainer_measure(dg_trainer *trainer, dg_error *err);

/** The kind of the trainer's samples on the device: targets that are scaled are floats, and what is
    learned from the input alone has none. */
dg_sample_kind dg_trainer_kind(const dg_trainer *trainer);

/** Numbers of a sample's label or targets in a batch, and bytes of those in a source. */
uint32_t dg_trainer_target_numbers(const dg_trainer *trainer);
size_t dg_trainer_target_bytes(const dg_trainer *trainer);

/** Finds the labels or targets of samples as the network learns them; NULL where it learns its
    input. The caller frees `owned`. */
bool dg_trainer_targets(const dg_trainer *trainer, const dg_samples *samples,
                        const uint8_t **targets, uint8_t **owned, dg_error *err);

/** Bytes on the device of `samples` samples with their targets and lengths, and of an order of
   `order` of them; the largest number: too many. */
uint64_t dg_trainer_set_bytes(const dg_trainer *trainer, uint64_t samples, uint64_t order);

/** Uploads samples as a source of that kind, their targets scaled as the recipe says. */
bool dg_trainer_upload(const dg_trainer *trainer, const dg_samples *samples, uint32_t capacity,
                       dg_source *source, dg_error *err);

/** Uploads the training samples again, over what was in their memory. */
bool dg_trainer_reload(dg_trainer *trainer, dg_error *err);

/** Opens a source that is fed with such samples: it has room for those of the plan. */
bool dg_trainer_feed(const dg_trainer *trainer, const dg_samples *samples,
                     const dg_source_plan *plan, dg_source *source, dg_error *err);

/** Gives outputs [n, outputs] the units of the targets, or of the inputs if these are learned. */
void dg_trainer_restore(const dg_trainer *trainer, uint32_t n, float *outputs);

/** Uploads the weights of classes, if the recipe has any. */
bool dg_trainer_open_class_weights(dg_trainer *trainer, dg_error *err);

/* ---- fit.c --------------------------------------------------------------- */

/** Checks that the images have the model's input size and the labels fit its outputs. */
bool dg_trainer_fits(const dg_trainer *trainer, const dg_samples *samples, uint32_t classes,
                     dg_error *err);

/** Checks that the loss takes all targets of samples. The error names the first sample that it
    doesn't, and says what it is there for: "to train". */
bool dg_trainer_check_targets(const dg_trainer *trainer, const dg_samples *samples,
                              const char *what_for, dg_error *err);

/** Checks that the names of a set's classes are those that were learned, as far as both are known.
    The error shows `where` the learned names are from. */
bool dg_trainer_same_classes(const dg_classes *learned, const dg_dataset *data, const char *where,
                             dg_error *err);

/* ---- split.c ------------------------------------------------------------- */

/** Rearranges `members`, in which all samples are shuffled: those to validate, which are moved
    behind the others, are each class's share, by the largest remainders. Of a class, the first
    ones; the order of the others stays. Without classes it is an error. */
bool dg_trainer_stratify(dg_trainer *trainer, dg_error *err);

/* ---- room.c -------------------------------------------------------------- */

/** Blocks that are shuffled together. */
enum { DG_GROUP_BLOCKS = 8 };

/** Uploads the training samples, with an order of up to `longest` of them, or as many as there is
    room for, if the recipe's order allows that. */
bool dg_trainer_open_training(dg_trainer *trainer, uint32_t longest, dg_error *err);

/** Is there room for samples to test, all at once or in turn? */
bool dg_trainer_check_room(const dg_trainer *trainer, const dg_samples *samples, dg_error *err);

/** Opens a source of samples to test, in their order. Beside training samples that leave no room it
    uses their memory, until it is closed by dg_trainer_close_test. */
bool dg_trainer_open_test(dg_trainer *trainer, const dg_samples *samples, dg_source *source,
                          dg_error *err);
bool dg_trainer_close_test(dg_trainer *trainer, dg_source *source, dg_error *err);

/* ---- order.c ------------------------------------------------------------- */

/** Splits off the validation samples by the seed, computes the steps per epoch, and uploads the
    training images. */
bool dg_trainer_open_source(dg_trainer *trainer, dg_error *err);

/** Writes the order of the current epoch of `cursor`: one random permutation of the training
    samples after the other. */
bool dg_trainer_order_epoch(dg_trainer *trainer, dg_error *err);

/* ---- batch_ops.c ---------------------------------------------------------  */

/** Prepares gather and loss for every instance of the network. Free with
    dg_trainer_close_batch_ops, also after a failure. */
bool dg_trainer_open_batch_ops(dg_trainer *trainer, dg_error *err);
void dg_trainer_close_batch_ops(dg_trainer *trainer);

/** Takes batches from `source` from now on. */
void dg_trainer_gather_from(dg_trainer *trainer, const dg_source *source);

/* ---- optimizer.c --------------------------------------------------------- */

/** Number of state arrays of the optimizer, each of dg_network_learned numbers. */
uint32_t dg_trainer_state_arrays(const dg_trainer *trainer);

/** Prepares the update, and the moving average if the recipe has one. */
bool dg_trainer_open_optimizer(dg_trainer *trainer, dg_error *err);

/** Initializes the optimizer's state with zeros, the average with the parameters. */
bool dg_trainer_start_optimizer(dg_trainer *trainer, dg_error *err);

/* ---- gradient.c ---------------------------------------------------------- */

/** Most samples in a step. */
static inline uint32_t dg_trainer_step_samples(const dg_trainer *t) {
  return t->model->train.batch * t->model->train.accumulate;
}

/** Slices of a batch; 1 if it is not cut. */
static inline uint32_t dg_trainer_slices(const dg_trainer *t) {
  return t->model->train.slices ? t->model->train.slices : 1;
}

/** Slices of all batches of a step. */
static inline uint32_t dg_trainer_step_slices(const dg_trainer *t) {
  return t->test_only ? 1 : t->model->train.accumulate * dg_trainer_slices(t);
}

/** Enqueues gather, forward, loss and backward for `step->n` samples of the gather's source, which
    computes their gradients and losses. */
bool dg_trainer_gradient(dg_trainer *trainer, const dg_step *step, dg_error *err);

/* ---- steps.c ------------------------------------------------------------- */

/** Training steps of the whole run before the next one. */
static inline uint64_t dg_trainer_steps_done(const dg_trainer *t) {
  return (uint64_t)t->cursor.epoch * t->steps + t->cursor.done;
}

/** Learning rate of a step, counted over the whole run; after the end, that of the last step. */
double dg_trainer_rate(const dg_trainer *trainer, uint64_t step);

/** The next step of the run, on `n` samples from index `first` of the order of the gather's
    source. */
dg_step dg_trainer_next_step(const dg_trainer *trainer, uint32_t n, uint32_t first);

/** Checks that the gradients of all steps and the `losses` [count] of the steps from `first` on are
    finite. If not, an error names the first such step and the parameter. */
bool dg_trainer_check_steps(dg_trainer *trainer, uint64_t first, const float *losses,
                            uint32_t count, dg_error *err);

/** Enqueues one training step on `step->n` samples of the gather's source: gradients, update,
    average. */
bool dg_trainer_run_step(dg_trainer *trainer, const dg_step *step, dg_error *err);

/**
 * Evaluates the network on the first `count` samples of a source's order. Writes its outputs to
 * `logits` [count, outputs] unless that is NULL.
 */
bool dg_trainer_evaluate(dg_trainer *trainer, const dg_source *source, uint32_t count,
                         dg_score *score, float *logits, dg_error *err);

/**
 * Checks that the loss from dg_trainer_evaluate is finite. If not, runs the network again to find
 * the sample; the error names the first one by its index in the source's order.
 */
bool dg_trainer_check_loss(dg_trainer *trainer, const dg_source *source, uint32_t count,
                           const dg_score *score, dg_error *err);

/* ---- scores.c ------------------------------------------------------------ */

/** An evaluation of the network's outputs [count, outputs], in the units of the targets, for
   samples of a set: those whose indices are in `order`, or (NULL) the first `count`. NULL on
   failure; free with dg_evaluation_free. */
dg_evaluation *dg_trainer_new_evaluation(const dg_trainer *trainer, const dg_samples *samples,
                                         const uint32_t *order, uint32_t count,
                                         const float *outputs, dg_error *err);

/** Metrics of all outputs together of such an evaluation. */
bool dg_trainer_measure_outputs(const dg_trainer *trainer, const dg_samples *samples,
                                const uint32_t *order, uint32_t count, const float *outputs,
                                dg_metrics_of_all *out, dg_error *err);

/** The metric that tells the best validation; never DG_KEEP_BY_TASK. */
dg_keep_by dg_trainer_keep_by(const dg_trainer *trainer);

/** Checks that what the network learns has that metric. */
bool dg_trainer_check_keep_by(const dg_trainer *trainer, dg_error *err);

/** Does a metric need the network's outputs, not the score alone? */
static inline bool dg_trainer_needs_outputs(dg_keep_by by) {
  return by != DG_KEEP_BY_LOSS && by != DG_KEEP_BY_ACCURACY;
}

/** A metric's value; `metrics` are used if it needs outputs. */
double dg_trainer_metric(dg_keep_by by, const dg_score *score, const dg_metrics_of_all *metrics);

/** What is the larger the better, from 0 to 1: the metric, 1 / (1 + it) for a loss or an error, and
    1 / (2 - it) for R^2, which is at most 1. */
double dg_trainer_rank(dg_keep_by by, double metric);

/* ---- validation.c --------------------------------------------------------  */

/** Have `train.early_stop` epochs passed without a better validation? */
bool dg_trainer_has_waited(const dg_trainer *trainer);

/** Validates the parameters that training would end with now, and stores them if they are the
    best. */
bool dg_trainer_validate(dg_trainer *trainer, dg_epoch_report *report, dg_error *err);

/** Copies the parameters that the recipe selects into the network, and checks that they are finite:
    no loss shows the numbers that the last step made. */
bool dg_trainer_restore_best(dg_trainer *trainer, dg_error *err);

/* ---- checkpoint.c -------------------------------------------------------- */

/** Computes once what the checkpoints of all epochs share. */
void dg_trainer_prepare_checkpoint(dg_trainer *trainer);

/** Writes a checkpoint to `checkpoint_path`; does nothing if that is NULL. */
bool dg_trainer_save_checkpoint(dg_trainer *trainer, dg_error *err);

/** Loads the checkpoint in `checkpoint_path`. One of another network or data is an error. */
bool dg_trainer_load_checkpoint(dg_trainer *trainer, dg_error *err);

#endif
