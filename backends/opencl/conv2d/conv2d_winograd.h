/**
 * Convolutions of stride 1 by Winograd (cl/conv2d/winograd.cl), for CPUs, forward in
 * conv2d_winograd.c and backward in conv2d_winograd_backward.c. Forward and the input's gradient
 * are correlations, the latter with the weights flipped. The weights' gradient: with
 * tensors as [pixel][sample][channel], some tiles after the others,
 *
 *   gradient of the transformed weights += transformed x ^T times gradient of the transformed y
 *
 * for each of the 36 points and each tile a product of matrices over all samples. What the tiles
 * of one turn take stays in a cache.
 */
#ifndef DG_OPENCL_CONV2D_WINOGRAD_H
#define DG_OPENCL_CONV2D_WINOGRAD_H

#include "backends/opencl/conv2d/correlation.h"
#include "backends/opencl/conv2d/pixels.h"

/** How forward hands x to backward: [pixel][sample][channel], the samples in whole tiles. */
#define DG_CL_SAVED_WINOGRAD "winograd"

#endif
