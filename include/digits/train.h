/** Training and testing. */
#ifndef DIGITS_TRAIN_H
#define DIGITS_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/metrics.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A network in training, with its optimizer and its data on a device. Only one thread at a time
    may use it. */
typedef struct dg_trainer dg_trainer;

/** Result of a pass over some samples. This struct won't grow. */
typedef struct {
  double loss;     /**< mean over the samples */
  double accuracy; /**< share of correct answers; NaN for DG_TASK_VALUES */
  uint32_t correct, total;
} dg_score;

/** Result of an epoch. */
typedef struct {
  uint32_t epoch, epochs; /**< the first is 1 */
  dg_score train;         /**< over the training steps, with dropout */
  bool validated;
  dg_score validation;
  bool best;      /**< best validation so far */
  double lr;      /**< of the last step */
  double seconds; /**< training alone */
  double samples_per_second;
  /** The metric of the validation by which the best is kept, as train.keep_by names it ("accuracy",
      "loss", "f1_macro", …), and its value; NULL without a validation. Targets that are scaled to
      be learned have their own units in all but the loss. */
  const char *metric;
  double value;
  uint32_t waited;    /**< epochs since the best validation */
  bool stopped_early; /**< training ends here, before its last epoch: train.early_stop */
} dg_epoch_report;

/** How far training is within an epoch. */
typedef struct {
  uint32_t epoch, epochs;
  uint32_t step, steps;      /**< of this epoch: done, and in all */
  double samples_per_second; /**< since the epoch's start */
  double seconds_left;       /**< estimate for the rest of training */
  bool may_stop_early;       /**< train.early_stop may end training before */
} dg_progress;

/** Callbacks of a trainer. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_listener) */
  void *user;  /**< passed to the callbacks */
  /** Called a few times per epoch. Returning false stops training with DG_ERR_INTERRUPTED. */
  bool (*progress)(void *user, const dg_progress *progress);
  /** Called for every training step, in order, with its loss and accuracy. Steps count from 0 over
      the whole run. */
  void (*step)(void *user, uint64_t step, double loss, double accuracy);
  /** Called at the end of an epoch. It may call dg_trainer_test and dg_trainer_predict; they use
      the current parameters, not averaged. */
  void (*epoch)(void *user, const dg_epoch_report *report);
} dg_listener;

/** Options of dg_trainer_new. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_trainer_options) */
  uint32_t seed;
  bool test_only; /**< only for testing: no gradients, no training data on the device */
  /** File to which dg_trainer_train saves a checkpoint after every epoch, when it is interrupted,
      and as often as `save_every` says. NULL: none. */
  const char *checkpoint;
  bool resume; /**< continue from `checkpoint`, which must be of this model and data */
  const dg_listener *listener; /**< is copied */
  dg_note *note;               /**< called with what the recipe becomes for a smaller set */
  void *user;                  /**< of `note` */
  /** Steps after which `checkpoint` is also written within an epoch, counted over the whole run, so
      that a killed process loses no more; each waits for the device. 0: none. Without `checkpoint`
      it is an error. */
  uint32_t save_every;
  /**
   * Bytes on the device for samples, with their targets and order; 0: what its memory leaves. If a
   * set takes more, only a part of it is there, which is exchanged while the network runs; to train
   * on it, the model's data.shuffle_block must say how its order is shuffled. The results are those
   * of a device with room for the whole set.
   */
  uint64_t data_memory;
} dg_trainer_options;

/**
 * Builds the model's network on the device, uploads the data and initializes the parameters from
 * the seed. `options` NULL: the defaults. Model, device and data must outlive the trainer.
 */
DG_API dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                                  const dg_trainer_options *options, dg_error *err);
DG_API void dg_trainer_free(dg_trainer *trainer); /**< NULL is allowed */

/** Whether training gives the same bits with any number of the device's threads, as the key
    train.exact of a model demands. It often does without that key too. */
DG_API bool dg_trainer_exact(const dg_trainer *trainer);
/** Samples in a batch. */
DG_API uint32_t dg_trainer_batch_size(const dg_trainer *trainer);
/** Numbers that the network outputs for an image: one per class. */
DG_API uint32_t dg_trainer_outputs(const dg_trainer *trainer);
/** Number of samples used for training, and held out for validation. */
DG_API uint32_t dg_trainer_train_samples(const dg_trainer *trainer);
DG_API uint32_t dg_trainer_validation_samples(const dg_trainer *trainer);

/** What the trainer's network learns about samples. */
DG_API dg_task dg_trainer_task(const dg_trainer *trainer);

/* ---- training ----------------------------------------------------------- */

/**
 * Trains by the model's recipe; after a resume or calls of dg_trainer_step, runs the rest of it.
 * With train.early_stop it may end before the last epoch (dg_epoch_report.stopped_early).
 * The network then has the parameters that the recipe selects (best or last, averaged or not), and
 * the temperature from dg_trainer_calibrate, if there are validation samples that tell one. A loss,
 * gradient or parameter that isn't finite stops training with an error that names step and layer.
 */
DG_API bool dg_trainer_train(dg_trainer *trainer, dg_error *err);

/** Samples in host memory. */
typedef struct {
  size_t size; /**< sizeof(dg_batch) */
  uint32_t count;
  const uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
  const uint8_t *labels; /**< [count] */
  /** Instead of images: samples of the shape and type of the trainer's data. */
  const void *inputs;
  const void *targets; /**< [count, targets], of the type of those of the trainer's data */
  /** [count], for a model with lengths = true: how many steps of each sample are there; NULL: all
   */
  const uint32_t *lengths;
} dg_batch;

/**
 * Runs one training step on given samples: 1 to `train.batch` times `train.accumulate` of the
 * recipe, with images of the same size as the trainer's data, or other samples of its kind.
 * Augmentation, dropout, learning rate and averages are those of the same step of dg_trainer_train,
 * so the same samples give the same bits. The learning rate follows the recipe's schedule and keeps
 * its last value after the recipe's steps. Writes the mean loss over the samples to `loss` unless
 * that is NULL.
 */
DG_API bool dg_trainer_step(dg_trainer *trainer, const dg_batch *batch, double *loss,
                            dg_error *err);

/** Number of steps in an epoch of the recipe over the trainer's data. */
DG_API uint32_t dg_trainer_steps(const dg_trainer *trainer);

/**
 * The order in which dg_trainer_train takes the training samples in an epoch (from 0), step after
 * step. Writes up to `capacity` indices in the training part of the data to `order`, and their
 * total number to `count`.
 */
DG_API bool dg_trainer_order(dg_trainer *trainer, uint32_t epoch, uint32_t *order, size_t capacity,
                             size_t *count, dg_error *err);

/** What a checkpoint records of the run that stopped. */
typedef struct {
  char backend[16], device[128];
  uint32_t threads; /**< or the compute units of the device */
  char data[4096];  /**< source of the training images: a folder, or "built-in digits" */
  uint32_t seed;
  uint32_t epoch, step; /**< finished epochs, and finished steps of the next one */
} dg_checkpoint_info;

/**
 * Reads a checkpoint's record into `info`, of `size` bytes (sizeof(dg_checkpoint_info)). Its model
 * can be read with dg_model_from_weights. A run that continues with the same model, seed and data
 * on the same backend, device and number of threads gives the same bits as one that never stopped.
 */
DG_API bool dg_checkpoint_read(const char *path, dg_checkpoint_info *info, size_t size,
                               dg_error *err);

/* ---- parameters --------------------------------------------------------- */

/** A learned parameter, or a running statistic. */
typedef struct {
  const char *name; /**< "conv1.weight"; belongs to the trainer */
  uint32_t rank, dim[4];
  uint64_t count; /**< numbers */
} dg_parameter;

/** Number of learned parameters. */
DG_API uint64_t dg_trainer_parameter_count(const dg_trainer *trainer);
/** Writes up to `capacity` of the trainer's parameters to `out`, elements of `size` bytes
    (sizeof(dg_parameter)), in the layers' order, running statistics last. Returns their total
    number. */
DG_API uint32_t dg_trainer_list_parameters(const dg_trainer *trainer, dg_parameter *out,
                                           size_t size, uint32_t capacity);
/** Copies the numbers of a parameter to `values` [count]. An unknown name is an error. */
DG_API bool dg_trainer_get_parameter(dg_trainer *trainer, const char *name, float *values,
                                     dg_error *err);
/** Sets the numbers of a parameter from `values` [count]. An unknown name is an error, and so are
    invalid numbers (see dg_trainer_load). The optimizer's state is not changed. */
DG_API bool dg_trainer_set_parameter(dg_trainer *trainer, const char *name, const float *values,
                                     dg_error *err);

/**
 * Writes the parameters as a safetensors file, with PyTorch's names and shapes, and with the
 * effective model file, the names of the data's classes and the temperature in its metadata. An old
 * file is replaced only when the new one is complete.
 */
DG_API bool dg_trainer_save(dg_trainer *trainer, const char *path, dg_error *err);

/**
 * Reads parameters from a safetensors file. A file of another network is an error that names the
 * first tensor that differs. Numbers that aren't finite and negative variances are errors of the
 * kind DG_ERR_RUNTIME that name the first such number; this also holds for dg_predictor_new,
 * dg_trainer_save and dg_weights_convert.
 */
DG_API bool dg_trainer_load(dg_trainer *trainer, const char *path, dg_error *err);

/* ---- testing ------------------------------------------------------------ */

/** Checks whether dg_trainer_test can run on the test images of `data` (NULL: those of the
    trainer's own data). Call it before a long training to find the error early. */
DG_API bool dg_trainer_can_test(const dg_trainer *trainer, const dg_dataset *data, dg_error *err);

/** Tests the network on the test images of `data` (NULL: those of the trainer's own data). Classes
    with other names than the trainer's are an error, and so is a loss that isn't finite; that error
    names the image. */
DG_API bool dg_trainer_test(dg_trainer *trainer, const dg_dataset *data, dg_score *score,
                            dg_error *err);

/**
 * Computes the network's outputs for the test images of `data` (NULL: those of the trainer's own
 * data), in their order: `logits` [test samples, outputs]. Those for classes and labels are not
 * normalized; the largest one of a sample is at its predicted class. Values are in the units of the
 * targets, or of the inputs if these are learned (pixels: 0 to 1). Numbers that aren't finite are
 * an error that names the image.
 */
DG_API bool dg_trainer_predict(dg_trainer *trainer, const dg_dataset *data, float *logits,
                               dg_error *err);

/** Metrics of the `outputs` that dg_trainer_predict gave for the same data, compared with its
    labels or targets, or with the inputs if these are learned; then r2 is NaN, since pixels that
    hardly ever change would decide it. Writes `size` bytes (sizeof(dg_metrics_of_all)). */
DG_API bool dg_trainer_test_metrics(const dg_trainer *trainer, const dg_dataset *data,
                                    const float *outputs, dg_metrics_of_all *out, size_t size,
                                    dg_error *err);

/** The same of each output, a class, a label or a number: writes those of the first `capacity`
    outputs to `out`, elements of `size` bytes (sizeof(dg_metrics_of_output)). */
DG_API bool dg_trainer_test_outputs(const dg_trainer *trainer, const dg_dataset *data,
                                    const float *outputs, dg_metrics_of_output *out, size_t size,
                                    size_t capacity, dg_error *err);

/** dg_trainer_test and dg_trainer_predict in one pass. */
DG_API bool dg_trainer_test_logits(dg_trainer *trainer, const dg_dataset *data, dg_score *score,
                                   float *logits, dg_error *err);

/* ---- calibration (digits/calibration.h) --------------------------------- */

/**
 * Fits the temperature of the current parameters on the validation samples, which the parameters
 * must not have learned from. dg_trainer_train does so at its end. It is an error of the kind
 * DG_ERR_INPUT if there are no validation samples, or if they tell no temperature; then there is
 * none.
 */
DG_API bool dg_trainer_calibrate(dg_trainer *trainer, dg_error *err);

/** The temperature of the parameters: fitted, loaded with them, or set; 0: none. Training steps and
    dg_trainer_set_parameter remove it. dg_trainer_save writes it with the parameters. */
DG_API double dg_trainer_temperature(const dg_trainer *trainer);
/** Sets it, or removes it (0). One out of range is an error. */
DG_API bool dg_trainer_set_temperature(dg_trainer *trainer, double temperature, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
