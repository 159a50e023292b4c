/**
 * Matrices that a file has as [in, out] where ours are [out, in]. One that is square could be
 * either: which it is, is never guessed.
 */
#ifndef DG_TURN_H
#define DG_TURN_H

#include "core/exchange/map/mapping.h"

/** Transposes the tensors that the caller named and that only then have their parameter's shape. */
bool dg_turn_told(const dg_mapping *m);

/** Transposes all other matrices that are not square; `*any` says whether there are any. */
bool dg_turn_others(const dg_mapping *m, bool *any);

/**
 * Checks what was mapped: where a matrix was transposed because of its shape, another one is not
 * square, and neither the order of gates nor of an image's pixels and channels is guessed with it;
 * and the sum of two biases stands for both.
 */
bool dg_turn_check(const dg_mapping *m);

#endif
