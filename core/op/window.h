/** Sliding windows of convolutions and poolings. */
#ifndef DG_OP_WINDOW_H
#define DG_OP_WINDOW_H

#include <stdint.h>

/** Windows that reach over `reach` of `padded` numbers, by steps of `stride`; 0 if none fits, or if
    32 bits can't hold their number. */
static inline uint32_t dg_window_count(uint64_t padded, uint64_t reach, uint32_t stride) {
  if (stride == 0 || padded < reach) return 0;
  uint64_t out = (padded - reach) / stride + 1;
  return out <= UINT32_MAX ? (uint32_t)out : 0;
}

/** Output size of a convolution or pooling along one dimension; 0 if the kernel doesn't fit, or if
    32 bits can't hold it. */
static inline uint32_t dg_window_out(uint32_t size, uint32_t kernel, uint32_t stride,
                                     uint32_t pad) {
  return dg_window_count(size + 2 * (uint64_t)pad, kernel, stride);
}

/** The same for a dilated kernel, and for the padding of both ends together. */
static inline uint32_t dg_window_dilated_out(uint32_t size, uint32_t kernel, uint32_t stride,
                                             uint32_t dilation, uint64_t padding) {
  if (kernel == 0 || dilation == 0) return 0;
  return dg_window_count(size + padding, (uint64_t)dilation * (kernel - 1) + 1, stride);
}

/** A bound on the size of one dimension with its padding, in whole strides. */
static inline uint64_t dg_window_padded(uint64_t size, uint64_t stride, uint64_t pad) {
  return size + 2 * pad + stride;
}

/** A bound on the size of one dimension in which a kernel fits at every position. */
static inline uint64_t dg_window_full(uint64_t size, uint64_t kernel, uint64_t pad) {
  return size + kernel + 2 * pad;
}

#endif
