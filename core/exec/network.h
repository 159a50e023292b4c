/**
 * A network: the graph of a model on a device. Its ops are prepared and its
 * memory is planned once, when it is built; a step is then a fixed list of
 * prepared calls.
 */
#ifndef DG_NETWORK_H
#define DG_NETWORK_H

#include "backends/backend.h"
#include "core/data/dataset.h"
#include "core/graph/graph.h"
#include "digits/device.h"
#include "digits/model.h"

typedef struct dg_network dg_network;

/**
 * Builds the network for up to `max_n` samples per step; `train`: with gradients, and for batches
 * in slices if the recipe has them. Layers that don't fit, or that the device can't run, are errors
 * that name them.
 */
dg_network *dg_network_build(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                             dg_error *err);
/** What a trainer keeps on the device beside the network. */
typedef struct {
  uint32_t learned_arrays; /**< of dg_network_learned numbers: the optimizer's state, averages */
  uint32_t arrays;         /**< of dg_network_floats numbers: the best parameters */
  /** Gets the bytes that are left for data; the largest number: nobody knows. NULL: nobody asks. */
  uint64_t *room;
} dg_network_beside;

/** dg_network_build that is refused before its first buffer if the device's memory can't hold the
    network and what will be beside it. */
dg_network *dg_network_build_beside(const dg_model *model, dg_device *device, uint32_t max_n,
                                    bool train, const dg_network_beside *beside, dg_error *err);
/** Options of a network for testing. All but max_n may be NULL. */
typedef struct {
  uint32_t max_n;
  /** Share the parameters of this network, which has the same model and device. It must outlive the
      new one, and its parameters must not change any more. */
  dg_network *owner;
  const char *layer; /**< output this layer's activations instead of the last one's */
} dg_network_for_test;

/** dg_network_build for a network that only tests. */
dg_network *dg_network_build_for_test(const dg_model *model, dg_device *device,
                                      const dg_network_for_test *how, dg_error *err);
/** The same without ops or memory on the device: it can be described, but not run. */
dg_network *dg_network_plan(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                            dg_error *err);
void dg_network_free(dg_network *network); /**< NULL is allowed */

/** Draws the initial parameters by each layer's `init` from a seed. */
bool dg_network_initialize(dg_network *network, uint32_t seed, dg_error *err);

/** Most samples that run at once: those of a step, or of a slice. */
uint32_t dg_network_samples(const dg_network *network);

/** Enqueues all layers forward, from the input to the output. */
bool dg_network_forward(dg_network *network, const dg_step *step, dg_error *err);
/** Enqueues all layers backward, from the output's gradient to all parameters'. */
bool dg_network_backward(dg_network *network, const dg_step *step, dg_error *err);

/* The network's input and output. Buffers belong to the network. */
dg_buffer *dg_network_input(dg_network *network);  /**< [samples, input] */
dg_buffer *dg_network_output(dg_network *network); /**< [samples, outputs]: logits */
dg_buffer *
dg_network_d_output(dg_network *network); /**< the loss's gradient; NULL unless trained */
dg_buffer *dg_network_parameters(dg_network *network); /**< [dg_network_floats] */
dg_buffer *
dg_network_gradients(dg_network *network); /**< [dg_network_learned]; NULL unless trained */

/**
 * Copies all parameters and running statistics to or from the host: [dg_network_floats]. A network
 * that only tests must get new ones by dg_network_write, since it computes with folded copies.
 */
bool dg_network_read(dg_network *network, float *values, dg_error *err);
bool dg_network_write(dg_network *network, const float *values, dg_error *err);

uint32_t dg_network_outputs(const dg_network *network);
/**
 * Are the lengths [n] of samples possible for a network whose model has them: up to the steps of
 * its input, and as many as its windows need? NULL: the samples are whole. An error names the
 * sample, counted from `first`, and the layer.
 */
bool dg_network_check_lengths(const dg_network *network, uint32_t steps, const uint32_t *lengths,
                              uint32_t first, uint32_t n, dg_error *err);
/**
 * Are the inputs of `n` samples whole numbers that a network with an embedding knows? Any are, if
 * it has none. With lengths [n], what is beyond them doesn't matter. An error names the sample,
 * counted from 0, and the layer.
 */
bool dg_network_check_words(const dg_network *network, const dg_sample_kind *kind,
                            const void *inputs, const uint32_t *lengths, uint32_t n, dg_error *err);
/** Size of the parameter buffer in numbers, including running statistics and the gaps between
    tensors (always 0). */
uint32_t dg_network_floats(const dg_network *network);
/** The first of these that are learned, including gaps: a multiple of 16. */
uint32_t dg_network_learned(const dg_network *network);
/** Does every op give the same bits with any number of threads, as the recipe's `exact` demands? */
bool dg_network_exact(const dg_network *network);
/** Learned numbers, without gaps. */
uint64_t dg_network_parameter_count(const dg_network *network);
/** Lists all parameters, then all running statistics; returns how many. */
uint32_t dg_network_param_list(const dg_network *network, const dg_param **list);

/** Bytes of the arena that activations, gradients and workspaces share. */
size_t dg_network_arena(const dg_network *network);
/** Total bytes on the device: the arena, parameters, folded parameters, and gradients. */
size_t dg_network_bytes(const dg_network *network);

/* ---- stages.c ----------------------------------------------------------- */

/**
 * Where a slice of a batch is computed. If layers couple samples, several slices are in progress at
 * a time, each on its own instance of the activations; else there is one instance. Gradients are
 * stored per level (core/parallel/tree.h); level 0 is dg_network_gradients.
 */
typedef struct {
  uint32_t instance;
  uint32_t level; /**< for its own gradients */
  uint32_t root;  /**< level of the batch: holds the sum of all slices after merging */
} dg_network_part;

/** Input and output of an instance, see above. */
typedef struct {
  dg_buffer *input, *output, *d_output;
  dg_buffer *lengths; /**< float [samples], of their sequences; NULL: the model has none */
} dg_network_io;

uint32_t dg_network_instances(const dg_network *network);
dg_network_io dg_network_io_of(dg_network *network, uint32_t instance);

/** Layers that couple samples cut a step into stages: forward stages 0 to dg_network_sync_count,
    and as many backward. A stage is run for all slices, then merged and finished, before the next
    one. */
uint32_t dg_network_sync_count(const dg_network *network);

/** Enqueues forward stage `stage` of a slice: step->n samples of step->whole. */
bool dg_network_forward_stage(dg_network *network, uint32_t stage, const dg_network_part *part,
                              const dg_step *step, dg_error *err);
/** The same backward. */
bool dg_network_backward_stage(dg_network *network, uint32_t stage, const dg_network_part *part,
                               const dg_step *step, dg_error *err);

/** Merges the results of a forward stage on the level above `level`, of step->n samples, into those
    on `level`, which then cover step->whole samples. */
bool dg_network_merge_forward(dg_network *network, uint32_t stage, uint32_t level,
                              const dg_step *step, dg_error *err);
/** Adds the gradients of a backward stage on the level above `level` to those on `level`. */
bool dg_network_reduce_backward(dg_network *network, uint32_t stage, uint32_t level,
                                const dg_step *step, dg_error *err);
/** Finishes a forward stage of step->whole samples after its slices were merged on `level`. */
bool dg_network_finish_forward(dg_network *network, uint32_t stage, uint32_t level,
                               const dg_step *step, dg_error *err);

/* ---- check.c ------------------------------------------------------------ */

/**
 * Checks that the numbers of a parameter or running statistic are finite, and variances not
 * negative. If not, the error of kind DG_ERR_RUNTIME shows `name`, the first invalid number and its
 * index.
 */
bool dg_param_check(const dg_param *param, const char *name, const float *values, dg_error *err);
/** The same for all of them, as dg_network_read gives them. */
bool dg_params_check(const dg_network *network, const float *values, dg_error *err);
/** Checks that the logits of `count` images [count, outputs] are finite. If not, an error of the
    same kind names the first image, counted from 0. */
bool dg_network_check_logits(const dg_network *network, const float *logits, uint32_t count,
                             dg_error *err);
/** The error for an image whose logits are not finite. */
bool dg_network_fail_nonfinite(uint32_t image, dg_error *err);

/* ---- costs.c ------------------------------------------------------------ */

/** The cost of an op, by the rules of dg_cost (digits/bench.h). */
typedef struct {
  double forward_operations, backward_operations; /**< of one sample */
  double forward_bytes, backward_bytes;           /**< of a step of max_n samples */
} dg_node_cost;

/** Number of ops of the network, which are in execution order. */
uint32_t dg_network_ops(const dg_network *network);
dg_node_cost dg_network_cost(const dg_network *network, uint32_t op);
/** The layer of an op. */
const char *dg_network_op_layer(const dg_network *network, uint32_t op);
/** The kind of an op and what is fused to it: "conv2d + relu". Writes `text` [DG_COST_NAME]. */
void dg_network_op_text(const dg_network *network, uint32_t op, char *text);
/** The time of an op, on a device that measures it. */
bool dg_network_op_times(const dg_network *network, uint32_t op, dg_op_times *times, dg_error *err);

#endif
