/**
 * Convolutions of stride 1 by Winograd (cl/conv2d/winograd.cl), for CPUs, forward in
 * conv2d_winograd.c and backward in conv2d_winograd_backward.c. Forward and the input's gradient
 * are correlations, the latter with the weights flipped. The weights' gradient: with tensors as
 * [pixel][sample][channel], some tiles at a time,
 *
 *   gradient of the transformed weights += transformed x ^T times gradient of the transformed y
 *
 * which is a matrix product over all samples for each of the 36 points and each tile. The data of
 * the tiles processed at a time stays in a cache.
 */
#ifndef DG_OPENCL_CONV2D_WINOGRAD_H
#define DG_OPENCL_CONV2D_WINOGRAD_H

#include "backends/opencl/conv2d/correlation.h"
#include "backends/opencl/conv2d/pixels.h"

/** What forward saves of x for backward: [pixel][sample][channel], the samples rounded up to whole
    tiles. */
#define DG_CL_SAVED_WINOGRAD "winograd"

#endif
