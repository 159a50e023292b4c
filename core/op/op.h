/**
 * What an op is, for everybody who describes, checks, counts or runs one; it knows no device.
 *
 * Each op has a file: its description, which says what it computes, and its traits, what
 * follows from a description (traits.h). list.h lists them. All numbers are float32 unless a line
 * says otherwise, all tensors dense and row-major; a shape in brackets is given from the slowest to
 * the fastest dimension, n is the number of samples.
 */
#ifndef DG_OP_H
#define DG_OP_H

#include "core/base/error.h"
#include "core/op/conv1d/conv1d.h"
#include "core/op/conv2d/conv2d.h"
#include "core/op/elementwise/activation.h"
#include "core/op/elementwise/add.h"
#include "core/op/elementwise/chw_to_hwc.h"
#include "core/op/elementwise/concat.h"
#include "core/op/elementwise/dropout.h"
#include "core/op/gemm/linear.h"
#include "core/op/norm/batch_norm.h"
#include "core/op/norm/layer_norm.h"
#include "core/op/pool/pool2d.h"
#include "core/op/pool/upsample2d.h"
#include "core/op/recurrent/recurrent.h"
#include "core/op/step/accumulate.h"
#include "core/op/step/average.h"
#include "core/op/step/gather.h"
#include "core/op/step/loss.h"
#include "core/op/step/update.h"

typedef enum {
#define DG_OP(KIND, name, desc) DG_OP_##KIND,
#include "core/op/list.h"
  DG_OP_KINDS
} dg_op_kind;

/** What backward does with the gradient of an input. */
typedef enum { DG_GRAD_NONE, DG_GRAD_WRITE, DG_GRAD_ADD } dg_grad_mode;

typedef struct {
  dg_op_kind kind;
  dg_grad_mode d_in[DG_MAX_IN]; /**< layer ops; parameter gradients are always written */
  bool exact; /**< the same bits with any number of threads: what is summed up over samples follows
                   an order that they don't change, even where that costs time */
  union {
#define DG_OP(KIND, name, desc) dg_##desc##_desc desc;
#define DG_LIKE_OP(KIND, name, desc) /* has its member */
#include "core/op/list.h"
  };
} dg_op_desc;

/**
 * Which part of a training run of an op that couples samples (dg_op_traits.couples_samples) is
 * meant, where a batch comes in slices: what the samples of all have to tell each other lies
 * between the parts. The op's description says what each part does. Other ops don't ask.
 */
typedef enum {
  DG_PHASE_ALL,     /**< all of it: the samples are the batch */
  DG_PHASE_COLLECT, /**< forward and backward, once a slice: what the others need to know of it */
  DG_PHASE_MERGE,   /**< forward: what was collected of some slices joins that of others */
  DG_PHASE_FINISH,  /**< forward, once a batch, when all is merged */
  DG_PHASE_APPLY,   /**< forward and backward, once a slice: what is left to do for its samples */
} dg_phase;

/** The scalars of one step; everything that changes from run to run. */
typedef struct {
  uint32_t n;           /**< samples, 0 < n <= the n prepared for */
  bool train;           /**< a training step: dropout on, saved written, gradients follow */
  uint32_t seed;        /**< of the run */
  uint32_t step;        /**< training steps before this one */
  uint32_t batch_index; /**< of the first sample in the whole batch; 0 unless a batch is split */
  uint32_t whole;       /**< samples of the whole batch, if it is split; 0: n */
  dg_phase phase;       /**< of an op that couples samples */
  uint32_t first;       /**< gather: index of the first sample in `order` */
  uint32_t slot;        /**< loss: where to write */
  float lr;             /**< update */
  float decay;          /**< average */
} dg_step;

/** Samples of the whole batch. */
static inline uint32_t dg_whole_samples(const dg_step *step) {
  return step->whole ? step->whole : step->n;
}

/** The member of the union that describes the op, whichever it is: they all begin there. */
static inline const void *dg_op_member(const dg_op_desc *desc) {
  return &desc->linear;
}

/** The traits of a kind; NULL where there is no such op. */
const dg_op_traits *dg_op_traits_of(dg_op_kind kind);

/** What an op is called, "conv2d" for one; "op" where there is no such op. */
const char *dg_op_name(dg_op_kind kind);

/** What an op reads, writes and learns. */
dg_op_sizes dg_op_sizes_of(const dg_op_desc *desc);

/**
 * What every backend asks before it prepares an op: does the description agree with itself, can its
 * tensors be counted, and has no tensor of `max_n` samples more than `most` numbers? Everything
 * that a backend makes of it may then be computed in 64 bits without further checks.
 */
bool dg_op_check(const dg_op_desc *desc, uint32_t max_n, uint64_t most, dg_error *err);

#endif
