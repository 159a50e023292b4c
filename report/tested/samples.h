/** A few samples with the network's answers early and at the end. */
#ifndef DG_SAMPLES_H
#define DG_SAMPLES_H

#include "report/tested/answers.h"
#include "report/tested/shown.h"

enum { MAX_SAMPLES = 10 };

/**
 * Chooses one of the first `early->count` images for each class: the one with the lowest
 * probability of its class from the early network. Of more classes, the ten with the lowest are
 * taken. Returns how many.
 */
uint32_t samples_choose(const answers *early, const uint8_t *labels, uint32_t chosen[MAX_SAMPLES]);

/** Draws them; `epoch` is that of the early answers. The caller frees the drawing. */
void samples_draw(const shown *s, const answers *early, const answers *now, const uint32_t *chosen,
                  uint32_t count, uint32_t epoch, drawing *d);

#endif
