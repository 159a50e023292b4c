/**
 * A layer: what a model file may list. Each kind of layer is one file in the
 * folder of its family that says its keys, its shapes, its parameters and the
 * op it asks for; list.h lists the kinds.
 */
#ifndef DG_LAYER_H
#define DG_LAYER_H

#include "core/base/size.h"
#include "core/model/keys.h"
#include "core/op/op.h"

/**
 * Shape of one sample: {features}, {steps, features} or {channels, height, width}.
 */
typedef struct {
  uint32_t rank, dim[3];
} dg_shape;

/** Numbers in a shape, or DG_SIZE_TOO_LARGE. */
static inline uint64_t dg_shape_count(const dg_shape *shape) {
  return dg_size_product(shape->rank, shape->dim);
}

/** How weights start. Biases start uniform with `pytorch`, at 0 with `he` and `glorot`. */
typedef enum {
  DG_INIT_PYTORCH, /**< uniform in +-1/sqrt(fan_in): torch.nn.Linear and Conv2d's default */
  DG_INIT_HE,      /**< normal, deviation sqrt(2/fan_in) (He et al., arXiv:1502.01852) */
  DG_INIT_GLOROT,  /**< uniform in +-sqrt(6/(fan_in+fan_out)) (Glorot and Bengio, 2010) */
  DG_INIT_ZERO,
  DG_INIT_ONE,
} dg_init_kind;

/** The kinds that a model file may name, in the order of dg_init_kind, ended by NULL. */
extern const char *const dg_init_names[];

/** A parameter, or a running statistic, that a layer asks for. */
typedef struct {
  const char *suffix; /**< "weight": named LAYER.weight */
  uint32_t rank, dim[4];
  dg_init_kind init;
  bool bias;
  uint64_t fan_in, fan_out;
  float eps; /**< of variances: what is added before their root is taken; 0: these are none */
} dg_param_spec;

/** What a layer asks for, given the shapes of its inputs. */
typedef struct {
  dg_shape out;
  bool view;     /**< no op: the numbers of the input in another shape */
  dg_op_desc op; /**< d_in is left for the network to fill */
  uint32_t params;
  dg_param_spec param[DG_MAX_PARAM];
  uint32_t running_count; /**< numbers that training steps write, but that are not learned */
  dg_param_spec running[DG_MAX_RUNNING];
} dg_layer_plan;

/** Where a layer stands, for what depends on it. */
typedef struct {
  uint32_t index; /**< of the layer in the model, from 0 */
  const dg_shape *in;
  uint32_t inputs;
  const char *const *in_names; /**< what the inputs are called, for messages */
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
  /** Shapes, parameters and op; an input that doesn't fit is an error that says what would. */
  bool (*plan)(const void *config, const dg_layer_site *site, dg_layer_plan *plan, dg_error *err);
} dg_layer_class;

/** Text of a shape: `[16, 28, 28]`. Returns `text`. */
char *dg_shape_text(const dg_shape *shape, char *text, size_t capacity);

/**
 * Checks that input 0 has `rank`; if not, an error like `needs [channels, height, width], but
 * "fc1" gives [128]`, with a remedy where there is a usual one.
 */
bool dg_layer_needs_rank(const dg_layer_site *site, uint32_t rank, dg_error *err);

/**
 * Gives a plan the parameters "weight" of shape `dim` [rank], whose first dimension counts the
 * outputs, and, if wanted, "bias".
 */
void dg_layer_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                      const uint32_t *dim, uint64_t fan_in, uint64_t fan_out);

/** A window (kernel, stride, padding) over an image: checks that it fits, gives the output size. */
typedef struct {
  uint32_t kernel[2], stride[2], padding[2];
} dg_window;
bool dg_window_fit(const dg_window *window, const dg_layer_site *site, uint32_t out[2],
                   dg_error *err);

/** The same for a window over the steps of a sequence. */
bool dg_steps_fit(uint32_t kernel, uint32_t stride, uint32_t padding, const dg_layer_site *site,
                  uint32_t *steps, dg_error *err);

/** Checks that a sample of this shape has at most DG_SIZE_NUMBERS numbers. */
bool dg_shape_fits(const dg_shape *shape, dg_error *err);

#endif
