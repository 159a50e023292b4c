/**
 * A network of one linear layer over images of 28x28, trained in double precision: an independent
 * reference for the trainer, from the recipe and PyTorch's formulas.
 */
#ifndef DG_TESTS_REFERENCE_H
#define DG_TESTS_REFERENCE_H

#include "digits/data.h"

enum {
  REFERENCE_PIXELS = 784,
  REFERENCE_CLASSES = 10,
  REFERENCE_WEIGHTS = REFERENCE_CLASSES * REFERENCE_PIXELS,
  REFERENCE_NUMBERS = REFERENCE_WEIGHTS + REFERENCE_CLASSES, /**< weights, then biases */
};

/** Its layers, as in a model file. */
#define REFERENCE_LAYERS                                                                           \
  "{ type = \"flatten\"; }, { type = \"linear\"; name = \"out\"; units = 10; }"

typedef enum {
  REFERENCE_SGD,
  REFERENCE_ADAM,
  REFERENCE_ADADELTA,
  REFERENCE_RMSPROP
} reference_optimizer;

/** The parts of a recipe that a step depends on; 0: not used. */
typedef struct {
  reference_optimizer optimizer;
  bool decoupled, nesterov, centered; /**< adamw; sgd; rmsprop */
  bool mse;                           /**< else cross-entropy */
  double momentum, beta1, beta2, rho, alpha, eps, weight_decay;
  double clip_norm, smoothing, average;
  double mean, std; /**< of pixels; std 0: 1 */
} reference_recipe;

typedef struct {
  reference_recipe recipe;
  double values[REFERENCE_NUMBERS], averaged[REFERENCE_NUMBERS];
  double state[3][REFERENCE_NUMBERS]; /**< of the optimizer */
  uint32_t steps;                     /**< finished */
} reference;

/** Result of a pass over some samples. */
typedef struct {
  double loss; /**< mean */
  uint32_t correct;
  uint32_t close; /**< samples whose two largest logits could swap by rounding */
} reference_score;

/** Starts with a trainer's parameters, [REFERENCE_WEIGHTS] and [REFERENCE_CLASSES]. */
reference *reference_new(const reference_recipe *recipe, const double *weights,
                         const double *biases);

/** Scores `values` [REFERENCE_NUMBERS] on `count` samples of a part. */
reference_score reference_test(const reference *r, const double *values, const dg_part_view *part,
                               const uint32_t *samples, uint32_t count);

/** A training step on `count` samples with a learning rate; returns the score before the update. */
reference_score reference_step(reference *r, const dg_part_view *part, const uint32_t *samples,
                               uint32_t count, double lr);

#endif
