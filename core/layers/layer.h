/**
 * The layers of model files. Each kind of layer is one file in the folder of its family with its
 * keys, shapes, parameters and op; list.h lists the kinds.
 */
#ifndef DG_LAYER_H
#define DG_LAYER_H

#include "core/base/numbers.h"
#include "core/base/size.h"
#include "core/model/keys.h"
#include "core/op/op.h"

/** Initialization of weights. Biases are uniform with `pytorch`, 0 with `he` and `glorot`. */
typedef enum {
  DG_INIT_PYTORCH, /**< uniform in +-1/sqrt(fan_in): torch.nn.Linear and Conv2d's default */
  DG_INIT_HE,      /**< normal, deviation sqrt(2/fan_in) (He et al., arXiv:1502.01852) */
  DG_INIT_GLOROT,  /**< uniform in +-sqrt(6/(fan_in+fan_out)) (Glorot and Bengio, 2010) */
  DG_INIT_ZERO,
  DG_INIT_ONE,
} dg_init_kind;

/** The kinds that a model file may name, in the order of dg_init_kind, ended by NULL. */
extern const char *const dg_init_names[];

/** A parameter or running statistic of a layer. */
typedef struct {
  const char *suffix; /**< "weight" for LAYER.weight */
  uint32_t rank, dim[4];
  dg_init_kind init;
  bool bias;
  uint64_t fan_in, fan_out;
  float eps; /**< for variances: added before the square root; 0: not a variance */
} dg_param_spec;

/** What a layer makes of the steps of sequences, which decides whether they may have unequal
    lengths. */
typedef enum {
  DG_STEPS_UNKNOWN,  /**< nothing is known: their lengths must be equal */
  DG_STEPS_APART,    /**< each step of the output depends on the same steps of the inputs alone */
  DG_STEPS_WINDOWS,  /**< on a window of them */
  DG_STEPS_IN_TURN,  /**< on all steps before it, or after it: a recurrence */
  DG_STEPS_AVERAGED, /**< the output is the mean of all steps */
  DG_STEPS_JOINED,   /**< the output is one row of all steps */
} dg_steps_use;

typedef struct {
  dg_steps_use use;
  bool keeps_zeros;                 /**< APART: a step of zeros stays one */
  uint32_t kernel, stride, padding; /**< WINDOWS */
  bool lowest;                      /**< WINDOWS: the padding is minus infinity, not 0 */
  int32_t more_after;               /**< WINDOWS: padding after the steps beyond that before them */
} dg_steps_rule;

/** The plan of a layer for given input shapes. */
typedef struct {
  dg_shape out;
  bool view;     /**< no op: the input in another shape */
  dg_op_desc op; /**< the network fills in d_in */
  dg_steps_rule steps;
  uint32_t params;
  dg_param_spec param[DG_MAX_PARAM];
  uint32_t
      running_count; /**< running statistics: training steps write them, but they are not learned */
  dg_param_spec running[DG_MAX_RUNNING];
} dg_layer_plan;

/** The context of a layer in its model. */
typedef struct {
  uint32_t index; /**< of the layer in the model, from 0 */
  const dg_shape *in;
  uint32_t inputs;
  const char *const *in_names; /**< names of the inputs, for messages */
} dg_layer_site;

/** A kind of layer. */
typedef struct {
  const char *type;
  const char *help;
  const dg_key *keys;
  size_t key_count;
  const void *defaults;
  size_t config_size;
  uint32_t min_inputs, max_inputs;
  /** Makes the plan: shapes, parameters and op. An input that doesn't fit is an error that says
      what would. */
  bool (*plan)(const void *config, const dg_layer_site *site, dg_layer_plan *plan, dg_error *err);
} dg_layer_class;

/**
 * Checks that input 0 has `rank`; if not, an error like `needs [channels, height, width], but "fc1"
 * gives [128]`, with a remedy if there is a usual one.
 */
bool dg_layer_needs_rank(const dg_layer_site *site, uint32_t rank, dg_error *err);

/**
 * Adds to a plan the parameters "weight" of shape `dim` [rank], whose first dimension is the number
 * of outputs, and optionally "bias".
 */
void dg_layer_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                      const uint32_t *dim, uint64_t fan_in, uint64_t fan_out);

/** A window (kernel, stride, padding) over an image: checks that it fits, computes the output
    size. */
typedef struct {
  uint32_t kernel[2], stride[2], padding[2];
} dg_window;
bool dg_window_fit(const dg_window *window, const dg_layer_site *site, uint32_t out[2],
                   dg_error *err);

/** The same for a window over the steps of a sequence. */
bool dg_steps_fit(uint32_t kernel, uint32_t stride, uint32_t padding, const dg_layer_site *site,
                  uint32_t *steps, dg_error *err);

/** The zeros before and after `size` numbers that padding = "same" of a convolution asks for: half
    of what is missing goes to the beginning, rounded down, as in ONNX's SAME_UPPER. */
void dg_same_padding(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t dilation,
                     uint32_t *begin, uint32_t *end);

/** Checks that groups divide channels and filters. */
bool dg_layer_check_groups(const dg_layer_site *site, uint32_t channels, uint32_t filters,
                           uint32_t groups, dg_error *err);

/** Checks that a sample of this shape has at most DG_SIZE_NUMBERS numbers. */
bool dg_shape_fits(const dg_shape *shape, dg_error *err);

#endif
