/**
 * digits: trains and tests small networks on any OpenCL device, or on the CPU.
 *
 * The usual way: load a model (what to learn), open a device (where), open a data set, make a
 * trainer of the three, train and test it; or make a predictor of a model and a weight file.
 *
 * - Every function that can fail takes a `dg_error *` last and returns false or NULL.
 * - What is returned by a `new`, `load` or `open` belongs to the caller.
 * - No function prints or exits.
 * - Which threads may use an object is said at its type.
 * - Structs that may grow in later versions have a field `size`, or functions that fill them take
 *   their size: give `sizeof` of them, so that a program works with a later library of the same
 *   major version.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include "digits/bench.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/error.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "digits/picture.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "digits/version.h"

#endif
