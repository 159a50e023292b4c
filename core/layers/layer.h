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
  DG_INIT_CONSTANT, /**< dg_param_spec.value */
  DG_INIT_NORMAL,   /**< normal, with dg_param_spec.deviation */
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
  float eps;       /**< for variances: added before the square root; 0: not a variance */
  float value;     /**< of DG_INIT_CONSTANT */
  float deviation; /**< of DG_INIT_NORMAL */
} dg_param_spec;

/** What a layer makes of the steps of sequences, which decides whether they may have unequal
    lengths. */
typedef enum {
  DG_STEPS_UNKNOWN,  /**< nothing is known: their lengths must be equal */
  DG_STEPS_APART,    /**< each step of the output depends on the same steps of the inputs alone */
  DG_STEPS_WINDOWS,  /**< on a window of them */
  DG_STEPS_IN_TURN,  /**< on all steps before it, or after it: a recurrence */
  DG_STEPS_ATTENDED, /**< on all of them: attention, whose op takes their lengths */
  DG_STEPS_AVERAGED, /**< the output is the mean of all steps */
  DG_STEPS_LARGEST,  /**< the output is the maximum of all steps */
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
 * Checks that input 0 has `rank`, 2 or 3; if not, an error like `needs [channels, height, width],
 * but "fc1" gives [128]`, with a remedy if there is a usual one.
 */
bool dg_layer_needs_rank(const dg_layer_site *site, uint32_t rank, dg_error *err);

/**
 * Adds to a plan the parameters "weight" of shape `dim` [rank], whose first dimension is the number
 * of outputs, and optionally "bias".
 */
void dg_layer_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                      const uint32_t *dim, uint64_t fan_in, uint64_t fan_out);

/** The error of a kernel that does not fit into input 0, an image (height, width) or a sequence,
   with the padding before and after it. */
bool dg_layer_fail_kernel(const dg_layer_site *site, const uint32_t *kernel, const uint32_t *begin,
                          const uint32_t *end, dg_error *err);

/** A dimension of a shape, or several adjacent ones as one: their count, and the products of those
    before and after it. */
typedef struct {
  uint32_t outer, count, inner;
} dg_axis;

/** The axis of the dimensions from `first` to `last`. */
dg_axis dg_axis_of(const dg_shape *shape, uint32_t first, uint32_t last);

/** Finds a dimension of input 0 that a key `name` gives: 0 is the first, -1 the last. */
bool dg_layer_dim(const char *name, int32_t given, const dg_layer_site *site, uint32_t *dim,
                  dg_error *err);

/** Does a layer that works along `dim` treat each step of a sequence by itself? */
static inline bool dg_layer_is_apart(const dg_shape *in, uint32_t dim) {
  return in->rank == 2 && dim == 1;
}

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
