/**
 * The epilogue of a convolution, forward and backward: bias, activation, pooling and dropout of one
 * sample, while its planes are in the cache. With a pooling, the sums are computed in a worker's
 * own planes; only the pooled outputs are written to memory, with a byte each for the index of the
 * maximum in its window. All convolution algorithms use this epilogue.
 */
#ifndef DG_CPU_CONV2D_EPILOGUE_H
#define DG_CPU_CONV2D_EPILOGUE_H

#include "backends/cpu/conv2d/correlate.h"
#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/runtime/op.h"

#define dg_conv_epilogue_supported DG_ISA_NAME(dg_conv_epilogue_supported)
#define dg_conv_epilogue_of DG_ISA_NAME(dg_conv_epilogue_of)
#define dg_conv_epilogue_sums DG_ISA_NAME(dg_conv_epilogue_sums)
#define dg_conv_epilogue_scratch DG_ISA_NAME(dg_conv_epilogue_scratch)
#define dg_conv_epilogue_apply DG_ISA_NAME(dg_conv_epilogue_apply)
#define dg_conv_epilogue_dropout DG_ISA_NAME(dg_conv_epilogue_dropout)
#define dg_conv_epilogue_slack DG_ISA_NAME(dg_conv_epilogue_slack)
#define dg_conv_epilogue_backward DG_ISA_NAME(dg_conv_epilogue_backward)

typedef struct {
  size_t planes;        /**< of a sample */
  size_t height, width; /**< sizes of a plane of sums */
  size_t pool;          /**< 0: none */
  size_t out_h, out_w;  /**< sizes of a plane of the output */
  dg_act act;
  dg_drop drop;
} dg_conv_epilogue;

/** Can this epilogue of a convolution be fused? All sizes must be valid. */
bool dg_conv_epilogue_supported(const dg_conv2d_desc *desc);

dg_conv_epilogue dg_conv_epilogue_of(const dg_conv2d_desc *desc);

/** All planes of a sample. */
static inline dg_span dg_conv_epilogue_planes(const dg_conv_epilogue *e) {
  return (dg_span){0, e->planes};
}

/** Numbers of a plane of the output. */
static inline size_t dg_conv_epilogue_plane(const dg_conv_epilogue *e) {
  return e->out_h * e->out_w;
}

/** Floats for the sums of a sample; 0 if they can be computed in the output itself. */
size_t dg_conv_epilogue_sums(const dg_conv_epilogue *epilogue);

/** Floats of scratch for _apply and _backward. */
size_t dg_conv_epilogue_scratch(const dg_conv_epilogue *epilogue);

/** Bytes saved for up to `samples` samples. */
static inline size_t dg_conv_epilogue_saved(const dg_conv_epilogue *e, size_t samples) {
  return e->pool ? samples * e->planes * dg_conv_epilogue_plane(e) : 0;
}

/** The part that the product applies itself, before dg_conv_epilogue_apply gets the sums. */
static inline dg_gemm_epilogue dg_conv_epilogue_of_gemm(const dg_conv_epilogue *e,
                                                        const float *bias) {
  return (dg_gemm_epilogue){.bias = bias, .act = e->act};
}

/** The destination of the statistics of a sample's planes; NULL: not wanted. */
static inline float *dg_conv_epilogue_statistics(const dg_cpu_op *op, const dg_op_buffers *buffers,
                                                 const dg_step *step, size_t sample) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return d->statistics && step->train ? dg_floats(buffers->out[1]) + 2 * sample * d->filters : NULL;
}

/**
 * Applies it to some planes of sample `sample` of a step: out [planes, out_h, out_w] from `sums` of
 * the whole sample, which is out if dg_conv_epilogue_sums is 0. saved: a byte for each output,
 * written in training; else NULL.
 */
void dg_conv_epilogue_apply(const dg_conv_epilogue *epilogue, const dg_step *step, size_t sample,
                            dg_span planes, const float *sums, float *scratch, float *out,
                            uint8_t *saved);

/** The part after the pooling: dropout, for planes pooled elsewhere. */
void dg_conv_epilogue_dropout(const dg_conv_epilogue *epilogue, const dg_step *step, size_t sample,
                              dg_span planes, float *out);

/** Some samples, as backward reads and writes them; y, saved and dx: NULL if not needed. */
typedef struct {
  size_t samples;
  const float *x, *y, *d_y;
  const uint8_t *saved;
  float *dx;
} dg_conv_chunk;

/** Does the gradient of the sums differ from that of the output? */
static inline bool dg_conv_epilogue_changes(const dg_conv_epilogue *e) {
  return e->pool > 0 || e->act.kind != DG_ACT_NONE;
}

/** Floats after a plane that dg_conv_epilogue_backward may overwrite. */
size_t dg_conv_epilogue_slack(const dg_conv_epilogue *epilogue);

/** One plane: its gradient d_z [height, width] before the activation, from its output y, d_y and,
    with a pooling, saved. */
void dg_conv_epilogue_backward(const dg_conv_epilogue *epilogue, const float *y, const float *d_y,
                               const uint8_t *saved, float *scratch, float *d_z);

#endif
