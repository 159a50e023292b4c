/** What a trained network gives: logits, of classes or labels, or values. */
#ifndef DG_GIVEN_H
#define DG_GIVEN_H

#include "digits/predict.h"

/** Are its outputs logits? */
bool given_logits(const dg_model *model, const dg_predictor *predictor);

/** Probabilities [n, outputs] of the classes, or of each label, from logits. Both arrays may be the
    same. */
void given_probabilities(const dg_predictor *predictor, const float *logits, uint32_t n,
                         float *probabilities);

#endif
