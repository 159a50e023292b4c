/**
 * What an op is, for all code that describes, checks, counts or runs one. It is independent of
 * devices.
 *
 * Each op has a file with its description, which defines what it computes, and its traits, which
 * follow from a description (traits.h). list.h lists them. All numbers are float32 unless a line
 * says otherwise, all tensors dense and row-major; a shape in brackets is given from the slowest to
 * the fastest dimension, n is the number of samples.
 */
#ifndef DG_OP_H
#define DG_OP_H

#include "core/base/error.h"
#include "core/op/conv1d/conv1d.h"
#include "core/op/conv1d/conv_transpose1d.h"
#include "core/op/conv1d/grouped_conv1d.h"
#include "core/op/conv2d/conv2d.h"
#include "core/op/conv2d/conv_transpose2d.h"
#include "core/op/conv2d/grouped_conv2d.h"
#include "core/op/elementwise/activation.h"
#include "core/op/elementwise/add.h"
#include "core/op/elementwise/chw_to_hwc.h"
#include "core/op/elementwise/concat.h"
#include "core/op/elementwise/dropout.h"
#include "core/op/elementwise/eltwise.h"
#include "core/op/gemm/linear.h"
#include "core/op/norm/batch_norm.h"
#include "core/op/norm/layer_norm.h"
#include "core/op/pool/pad.h"
#include "core/op/pool/pool2d.h"
#include "core/op/pool/upsample2d.h"
#include "core/op/pool/upsample_bilinear2d.h"
#include "core/op/recurrent/recurrent.h"
#include "core/op/sequence/mask_steps.h"
#include "core/op/sequence/reduce_steps.h"
#include "core/op/sequence/window_lengths.h"
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
  bool exact; /**< results are bitwise independent of the number of threads: sums over samples are
                 taken in an order that doesn't depend on it, even where that is slower */
  union {
#define DG_OP(KIND, name, desc) dg_##desc##_desc desc;
#define DG_LIKE_OP(KIND, name, desc) /* has its own member */
#include "core/op/list.h"
  };
} dg_op_desc;

/**
 * The part of a training run to execute, for an op that couples samples
 * (dg_op_traits.couples_samples) and a batch that comes in slices: the slices exchange information
 * between the parts. The op's description defines each part. Other ops ignore it.
 */
typedef enum {
  DG_PHASE_ALL,     /**< the whole run: the samples are the batch */
  DG_PHASE_COLLECT, /**< forward and backward, once per slice: what the other slices need from it */
  DG_PHASE_MERGE,   /**< forward: merges what was collected of some slices into that of others */
  DG_PHASE_FINISH,  /**< forward, once per batch, after all merges */
  DG_PHASE_APPLY,   /**< forward and backward, once per slice: the rest for its samples */
} dg_phase;

/** The scalars of one step: everything that changes from run to run. */
typedef struct {
  uint32_t n;           /**< samples, 0 < n <= the n prepared for */
  bool train;           /**< a training step: dropout is on, saved is written, backward follows */
  uint32_t seed;        /**< the seed of the run */
  uint32_t step;        /**< training steps before this one */
  uint32_t batch_index; /**< index of the first sample in the whole batch; 0 unless it is split */
  uint32_t whole;       /**< samples of the whole batch if it is split; 0: n */
  dg_phase phase;       /**< for an op that couples samples */
  uint32_t first;       /**< gather: index of the first sample in `order` */
  uint32_t slot;        /**< loss: the slot to write to */
  float lr;             /**< update */
  float decay;          /**< average */
} dg_step;

/** Samples of the whole batch. */
static inline uint32_t dg_whole_samples(const dg_step *step) {
  return step->whole ? step->whole : step->n;
}

/** The union member that describes the op, whichever it is: all begin at the same address. */
static inline const void *dg_op_member(const dg_op_desc *desc) {
  return &desc->linear;
}

/** The traits of a kind; NULL if there is no such op. */
const dg_op_traits *dg_op_traits_of(dg_op_kind kind);

/** The name of an op, for example "conv2d"; "op" if there is no such op. */
const char *dg_op_name(dg_op_kind kind);

/** The tensors that an op reads, writes and learns. */
dg_op_sizes dg_op_sizes_of(const dg_op_desc *desc);

/**
 * Every backend calls this before it prepares an op. It checks that the description is consistent,
 * that the sizes of its tensors don't overflow, and that no tensor of `max_n` samples has more than
 * `most` numbers. A backend may then compute all sizes in 64 bits without further checks.
 */
bool dg_op_check(const dg_op_desc *desc, uint32_t max_n, uint64_t most, dg_error *err);

#endif
