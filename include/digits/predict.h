/** Predicting: trained networks that answer images in memory. */
#ifndef DIGITS_PREDICT_H
#define DIGITS_PREDICT_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A trained network that waits for images, with all that it needs on its device. One predictor is
 * for one thread at a time; several on one device may be used from several threads at once and take
 * turns. They are made and freed while no other thread uses the device.
 */
typedef struct dg_predictor dg_predictor;

/** How to make a predictor. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;    /**< sizeof(dg_predictor_options) */
  uint32_t batch; /**< images that run at once, at most; 0: 1 */
  /** Weight file to read the parameters from. NULL, and no `share`: initial ones are drawn. */
  const char *weights;
  /** Use the parameters of this predictor, of the same model and device, instead of a copy; with the
      same batch also what a backend makes of them. It must outlive the new one. */
  const dg_predictor *share;
  /** Give the activations of this layer, instead of the last one's. */
  const char *layer;
} dg_predictor_options;

/** Builds the network of a model with its parameters. `options` NULL: the defaults. Model and
    device must outlive the predictor. */
DG_API dg_predictor *dg_predictor_new(const dg_model *model, dg_device *device,
                                      const dg_predictor_options *options, dg_error *err);
DG_API void dg_predictor_free(dg_predictor *predictor); /**< NULL is allowed */

/** Height and width of the images that it takes, and how many numbers it gives for each: one a
    class, or those of the layer that was chosen. */
DG_API uint32_t dg_predictor_height(const dg_predictor *predictor);
DG_API uint32_t dg_predictor_width(const dg_predictor *predictor);
DG_API uint32_t dg_predictor_outputs(const dg_predictor *predictor);

/**
 * What the network gives for any number of images [count, height, width] (0 paper, 255 ink):
 * `outputs` [count, dg_predictor_outputs]; logits as of dg_trainer_predict, unless a layer was
 * chosen. Nothing is allocated or prepared any more.
 */
DG_API bool dg_predictor_run(dg_predictor *predictor, const uint8_t *images, uint32_t count,
                             float *outputs, dg_error *err);

/**
 * Probabilities of the classes for `count` images, [count, outputs], from their logits: softmax
 * where the model learned by cross-entropy; where it learned by the squared error, whose best
 * answer is the probability itself, its positive part, scaled to a sum of 1. Both arrays may be
 * the same.
 */
DG_API void dg_predictor_probabilities(const dg_predictor *predictor, const float *logits,
                                       uint32_t count, float *probabilities);

#ifdef __cplusplus
}
#endif

#endif
