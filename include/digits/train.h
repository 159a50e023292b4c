/** Training and testing. */
#ifndef DIGITS_TRAIN_H
#define DIGITS_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A network that learns, with its optimizer and its data on a device. It is for one thread at a
    time. */
typedef struct dg_trainer dg_trainer;

/** Outcome of a pass over some samples. This struct won't grow. */
typedef struct {
  double loss;     /**< mean over the samples */
  double accuracy; /**< share of correct answers */
  uint32_t correct, total;
} dg_score;

/** Outcome of an epoch. */
typedef struct {
  uint32_t epoch, epochs; /**< the first is 1 */
  dg_score train;         /**< as the steps saw it, dropout on */
  bool validated;
  dg_score validation;
  bool best;      /**< best validation so far */
  double lr;      /**< of the last step */
  double seconds; /**< training alone */
  double samples_per_second;
} dg_epoch_report;

/** How far training is within an epoch. */
typedef struct {
  uint32_t epoch, epochs;
  uint32_t step, steps;      /**< of this epoch, done and in all */
  double samples_per_second; /**< since the epoch's start */
  double seconds_left;       /**< to the end of training, as far as known */
} dg_progress;

/** Whom a trainer tells what happens. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_listener) */
  void *user;  /**< handed on */
  /** Called a few times an epoch. false stops training: DG_ERR_INTERRUPTED. */
  bool (*progress)(void *user, const dg_progress *progress);
  /** Loss and share of correct answers of every training step (from 0 over the whole run), in
      order. */
  void (*step)(void *user, uint64_t step, double loss, double accuracy);
  /** An epoch has ended. dg_trainer_test and dg_trainer_predict may be called here: they use the
      parameters as they are then, not averaged. */
  void (*epoch)(void *user, const dg_epoch_report *report);
} dg_listener;

/** How to make a trainer. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_trainer_options) */
  uint32_t seed;
  bool test_only; /**< nothing will be trained: no gradients, no training data on the device */
  /** File that dg_trainer_train saves a checkpoint to: after every epoch, and when it is
      interrupted. NULL: none. */
  const char *checkpoint;
  bool resume;                 /**< go on from `checkpoint`, which must be of this model and data */
  const dg_listener *listener; /**< is copied */
} dg_trainer_options;

/**
 * Builds the model's network on the device, uploads the data and initializes the parameters from
 * the seed. `options` NULL: the defaults. Model, device and data must outlive the trainer.
 */
DG_API dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                                  const dg_trainer_options *options, dg_error *err);
DG_API void dg_trainer_free(dg_trainer *trainer); /**< NULL is allowed */

/** Does training give the bits that the key train.exact of a model asks for, which are the same
    with any number of the device's threads? Often it does without being asked. */
DG_API bool dg_trainer_exact(const dg_trainer *trainer);
/** Samples of a batch. */
DG_API uint32_t dg_trainer_batch_size(const dg_trainer *trainer);
/** Numbers that the network gives for an image: one a class. */
DG_API uint32_t dg_trainer_outputs(const dg_trainer *trainer);
/** Samples used for training and held out for validation. */
DG_API uint32_t dg_trainer_train_samples(const dg_trainer *trainer);
DG_API uint32_t dg_trainer_validation_samples(const dg_trainer *trainer);

/* ---- training ----------------------------------------------------------- */

/**
 * Trains by the model's recipe, or what is left of it after a resume or after steps, and then has
 * the parameters that the recipe wants (best or last, averaged or not). A loss, gradient or
 * parameter that isn't finite stops training with an error that names step and layer.
 */
DG_API bool dg_trainer_train(dg_trainer *trainer, dg_error *err);

/** Samples in the host's memory. */
typedef struct {
  size_t size; /**< sizeof(dg_batch) */
  uint32_t count;
  const uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
  const uint8_t *labels; /**< [count] */
} dg_batch;

/**
 * One training step over given samples: 1 to `train.batch` times `train.accumulate` of the recipe,
 * images as large as the trainer's data. Augmentation, dropout, learning rate and averages are
 * those of the same step of dg_trainer_train, and so are the bits of what is learned. The learning
 * rate follows the recipe's schedule and stays at its last value after the recipe's steps. Writes
 * the loss, the mean over the samples, to `loss` unless that is NULL.
 */
DG_API bool dg_trainer_step(dg_trainer *trainer, const dg_batch *batch, double *loss,
                            dg_error *err);

/** Steps of an epoch of the recipe over the trainer's data. */
DG_API uint32_t dg_trainer_steps(const dg_trainer *trainer);

/**
 * The order in which dg_trainer_train takes the training samples in an epoch, from 0: step after
 * step, indices in the training part of the data. Writes up to `capacity` of them to `order`, and
 * to `count` how many there are.
 */
DG_API bool dg_trainer_order(dg_trainer *trainer, uint32_t epoch, uint32_t *order, size_t capacity,
                             size_t *count, dg_error *err);

/** What a checkpoint says of the run that stopped. */
typedef struct {
  char backend[16], device[128];
  uint32_t threads; /**< or the device's compute units */
  char data[4096];  /**< where the training images were from: a folder, or "built-in digits" */
  uint32_t seed;
  uint32_t epoch, step; /**< finished epochs, and steps of the next one */
} dg_checkpoint_info;

/**
 * Reads what a checkpoint says into `info`, of `size` bytes (sizeof(dg_checkpoint_info)). Its model
 * is that of dg_model_from_weights. A run that goes on with the same model, seed and data on the
 * same backend, device and number of threads gives the same bits as one that never stopped.
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
    (sizeof(dg_parameter)), in the layers' order, running statistics last; returns how many there
    are. */
DG_API uint32_t dg_trainer_list_parameters(const dg_trainer *trainer, dg_parameter *out,
                                           size_t size, uint32_t capacity);
/** Copies the numbers of a parameter to `values` [count]. An unknown name is an error. */
DG_API bool dg_trainer_get_parameter(dg_trainer *trainer, const char *name, float *values,
                                     dg_error *err);
/** Sets the numbers of a parameter from `values` [count]. An unknown name is an error, and so are
    numbers that a network can't have (see dg_trainer_load). The optimizer's state stays. */
DG_API bool dg_trainer_set_parameter(dg_trainer *trainer, const char *name, const float *values,
                                     dg_error *err);

/**
 * Writes the parameters as a safetensors file, with PyTorch's names and shapes, and with the
 * effective model file and the names of the data's classes in its metadata. The old file stays
 * until the new one is whole.
 */
DG_API bool dg_trainer_save(dg_trainer *trainer, const char *path, dg_error *err);

/**
 * Reads parameters from a safetensors file. One of another network is an error that names the
 * first tensor that differs. Numbers that aren't finite and variances that are negative are errors
 * of the kind DG_ERR_RUNTIME that name the first; the same holds for dg_predictor_new,
 * dg_trainer_save and dg_weights_convert.
 */
DG_API bool dg_trainer_load(dg_trainer *trainer, const char *path, dg_error *err);

/* ---- testing ------------------------------------------------------------ */

/** Can dg_trainer_test be called for the test images of `data` (NULL: those of the trainer's own
    data)? Asked before a long training, it saves one that ends in an error. */
DG_API bool dg_trainer_can_test(const dg_trainer *trainer, const dg_dataset *data, dg_error *err);

/** Tests the network on the test images of `data` (NULL: those of the trainer's own data). Classes
    of other names are an error, and so is a loss that isn't finite; that error names the image. */
DG_API bool dg_trainer_test(dg_trainer *trainer, const dg_dataset *data, dg_score *score,
                            dg_error *err);

/**
 * What the network gives for the test images of `data` (NULL: those of the trainer's own data),
 * in their order: `logits` [test samples, outputs], which are no probabilities yet; the largest of
 * an image stands for its class. Numbers that aren't finite are an error that names the image.
 */
DG_API bool dg_trainer_predict(dg_trainer *trainer, const dg_dataset *data, float *logits,
                               dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
