/**
 * digits: trains and tests small networks on any OpenCL device, or on the CPU.
 *
 * To train: load a model, open a device, open a data set, make a trainer from the three, train and
 * test it. To predict: load a model, open a device, and make a predictor with a weight file.
 *
 * - Every function that can fail takes a `dg_error *` last and returns false or NULL.
 * - Objects returned by a `new`, `load` or `open` belong to the caller.
 * - No function prints or exits.
 * - The comment of each type says which threads may use it.
 * - Structs that may grow in later versions have a field `size`, or the functions that fill them
 *   take their size. Pass `sizeof` of the struct; the program then works with later libraries of
 *   the same major version.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include "digits/bench.h"
#include "digits/calibration.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/error.h"
#include "digits/exchange.h"
#include "digits/metrics.h"
#include "digits/model.h"
#include "digits/ndarray.h"
#include "digits/picture.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "digits/version.h"

#endif
