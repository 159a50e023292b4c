/** Inference: runs trained networks on images, or samples of any shape, in memory. */
#ifndef DIGITS_PREDICT_H
#define DIGITS_PREDICT_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/metrics.h"
#include "digits/model.h"
#include "digits/ndarray.h"
#include "digits/picture.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A trained network with all its memory on a device. Only one thread at a time may use a predictor.
 * Several predictors of one device may be used from several threads; their calls take turns. Make
 * and free them only while no other thread uses the device.
 */
typedef struct dg_predictor dg_predictor;

/** Options of dg_predictor_new. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;    /**< sizeof(dg_predictor_options) */
  uint32_t batch; /**< largest number of images that run at once; 0: 1 */
  /** Weight file to read the parameters from. If this and `share` are NULL, they are initialized at
      random. */
  const char *weights;
  /** Use the parameters of this predictor, which has the same model and device, instead of a copy.
      If the batch is the same too, what a backend packs of them is also shared. It must outlive the
      new predictor. */
  const dg_predictor *share;
  /** Output the activations of this layer instead of the last one's. */
  const char *layer;
} dg_predictor_options;

/** Builds the network of a model with its parameters. `options` NULL: the defaults. Model and
    device must outlive the predictor. */
DG_API dg_predictor *dg_predictor_new(const dg_model *model, dg_device *device,
                                      const dg_predictor_options *options, dg_error *err);
DG_API void dg_predictor_free(dg_predictor *predictor); /**< NULL is allowed */

/** The shape of a sample, as the model's `input` says; returns its rank. */
DG_API uint32_t dg_predictor_input(const dg_predictor *predictor, uint32_t dim[3]);
/** Fails if the input is not a picture of one channel: what dg_predictor_run and dg_predictor_find
    take. */
DG_API bool dg_predictor_check_pictures(const dg_predictor *predictor, dg_error *err);

/** Height and width of such pictures (else 0), and how many numbers are computed for each sample:
    one per class or target, or those of the chosen layer. */
DG_API uint32_t dg_predictor_height(const dg_predictor *predictor);
DG_API uint32_t dg_predictor_width(const dg_predictor *predictor);
DG_API uint32_t dg_predictor_outputs(const dg_predictor *predictor);

/** What the outputs are, by the model. With a loss of differences (mse, mae, huber), they are taken
    for those of classes if there are several and targets are not scaled. */
DG_API dg_task dg_predictor_task(const dg_predictor *predictor);

/**
 * Runs the network on any number of images [count, height, width] (0 paper, 255 ink). Writes
 * `outputs` [count, dg_predictor_outputs]: logits, or values in their own units, as from
 * dg_trainer_predict, unless a layer was chosen. Allocates nothing.
 */
DG_API bool dg_predictor_run(dg_predictor *predictor, const uint8_t *images, uint32_t count,
                             float *outputs, dg_error *err);

/**
 * The same for samples of any shape, [n, the shape of the model's input], of bytes or of floats,
 * which must be finite. They may be rows of as many numbers, and pictures of one channel may lack
 * its dimension. The first samples of a type, or of another shape than the ones before, allocate
 * memory on the device.
 */
DG_API bool dg_predictor_run_array(dg_predictor *predictor, const dg_ndarray *inputs,
                                   float *outputs, dg_error *err);

/** The same for sequences [n, steps, features] of unequal length, of a model with lengths = true:
    `lengths` [n] are from 1 to the steps, and what is beyond may be any number. NULL: all steps are
    there, as for dg_predictor_run_array. */
DG_API bool dg_predictor_run_sequences(dg_predictor *predictor, const dg_ndarray *inputs,
                                       const uint32_t *lengths, float *outputs, dg_error *err);

/** The temperature that the weights carry (digits/calibration.h); 0: none. */
DG_API double dg_predictor_temperature(const dg_predictor *predictor);

/** Computes the probabilities of the classes for `count` images, [count, outputs], from their
    logits: dg_probabilities with the weights' temperature. Both arrays may be the same. */
DG_API void dg_predictor_probabilities(const dg_predictor *predictor, const float *logits,
                                       uint32_t count, float *probabilities);

/**
 * Finds the digits of a picture as dg_digits_find does, as images of the predictor's size. Digits
 * that touch each other are taken apart where the network is surer of the parts than of the whole.
 */
DG_API bool dg_predictor_find(dg_predictor *predictor, const dg_picture *picture, const char *name,
                              dg_digits *digits, dg_error *err);

/**
 * Computes the probabilities [count, outputs] of the classes of found digits. Where it is not
 * certain that an image is one whole digit, they are mixed with equal ones: certainty * p + (1 -
 * certainty) / outputs. `digits->certainty` NULL: all are certain.
 */
DG_API bool dg_predictor_read(dg_predictor *predictor, const dg_digits *digits,
                              float *probabilities, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
