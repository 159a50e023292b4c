/**
 * Convolutions of sequences in groups, and transposed ones: three products between the steps of a
 * long sequence and of a short one, the output of a convolution of the long one. What a group of
 * several numbers needs of the long sequence is gathered in rows, a row for each step of the short
 * one; with a group for each feature, whole steps are multiplied.
 */
#ifndef DG_CPU_CONV1D_LINES_H
#define DG_CPU_CONV1D_LINES_H

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_conv1d_lines_of DG_ISA_NAME(dg_conv1d_lines_of)
#define dg_conv1d_lines_packed DG_ISA_NAME(dg_conv1d_lines_packed)
#define dg_conv1d_lines_pack DG_ISA_NAME(dg_conv1d_lines_pack)
#define dg_conv1d_lines_scratch DG_ISA_NAME(dg_conv1d_lines_scratch)
#define dg_conv1d_lines_sums DG_ISA_NAME(dg_conv1d_lines_sums)
#define dg_conv1d_lines_shorten DG_ISA_NAME(dg_conv1d_lines_shorten)
#define dg_conv1d_lines_lengthen DG_ISA_NAME(dg_conv1d_lines_lengthen)
#define dg_conv1d_lines_multiply DG_ISA_NAME(dg_conv1d_lines_multiply)
#define dg_conv1d_lines_take DG_ISA_NAME(dg_conv1d_lines_take)
#define dg_conv1d_lines_backward DG_ISA_NAME(dg_conv1d_lines_backward)

/** The sizes of a convolution. */
typedef struct {
  size_t steps, channels, short_steps, filters; /**< of the long and of the short sequence */
  size_t groups, group_channels, group_filters;
  size_t kernel, stride, dilation, pad;
  size_t depth; /**< of a row: group_channels for each element of the kernel, in turn */
  bool depthwise;
} dg_conv1d_lines;

dg_conv1d_lines dg_conv1d_lines_of(const dg_grouped_conv1d_desc *d);

/** Floats of the packed weights of one group; with `shorten`, those of dg_conv1d_lines_shorten,
   else those of dg_conv1d_lines_lengthen. All groups of a depthwise one count as one. */
size_t dg_conv1d_lines_packed(const dg_conv1d_lines *l, bool shorten);

/** Packs the weights of the groups [begin, end). */
void dg_conv1d_lines_pack(const dg_conv1d_lines *l, bool shorten, const float *weight, size_t begin,
                          size_t end, float *packed);

/** Floats of the scratch of the three products. */
size_t dg_conv1d_lines_scratch(const dg_conv1d_lines *l);

/** Writes or adds the convolution of one sample. */
void dg_conv1d_lines_shorten(const dg_conv1d_lines *l, const float *from, const float *packed,
                             bool add, float *scratch, float *to);

/** Adds the transposed convolution of one sample. */
void dg_conv1d_lines_lengthen(const dg_conv1d_lines *l, const float *from, const float *packed,
                              float *scratch, float *to);

/** Floats of the sums of products that make up the gradient of the weights. */
size_t dg_conv1d_lines_sums(const dg_conv1d_lines *l);

/** Adds the products of one sample to them. */
void dg_conv1d_lines_multiply(const dg_conv1d_lines *l, const float *of_long, const float *of_short,
                              float *scratch, float *sums);

/** Writes or adds the sums of the filters [begin, end), in the order of the weights. */
void dg_conv1d_lines_take(const dg_conv1d_lines *l, const float *sums, bool add, size_t begin,
                          size_t end, float *d_weight);

extern const dg_cpu_implementation dg_conv1d_lines_backward;

#endif
