/**
 * Checks whether a layer of a file fits one of ours, and converts its numbers. Keras stores kernels
 * as [height, width, in, out], images as [height, width, channels], a GRU's gates in the order z r
 * h with both biases in one array; we use PyTorch's layout.
 */
#ifndef DG_LAYOUT_H
#define DG_LAYOUT_H

#include "core/exchange/arrays.h"
#include "core/graph/model_graph.h"

enum { DG_GROUP_MAX = 16, DG_LAYER_PARAMS = DG_MAX_PARAM + DG_MAX_RUNNING };

/** The tensors of one layer of a file. */
typedef struct {
  char name[DG_NAME_SIZE * 4]; /**< common prefix of its tensors' names; may be empty */
  const char *label;           /**< another name of the layer; may be empty */
  size_t count;                /**< `members` has only the first DG_GROUP_MAX */
  size_t members[DG_GROUP_MAX];
  size_t prefix; /**< bytes of the name that all groups have in common */
  bool numbered; /**< its tensors are identified by order, not by name */
  bool told;     /**< named by the caller */
} dg_group;

/** Where the numbers of one of our parameters come from. */
typedef struct {
  const dg_param *param;
  const dg_array *from; /**< NULL: all are `fill` */
  float fill;
  uint64_t offset;    /**< of the first number that is read */
  uint64_t stride[4]; /**< in the file, for each of our dimensions */
  uint32_t gates;     /**< rows are reordered gates, see `order`; 0: rows are not reordered */
  uint8_t order[4];   /**< the index in the file of each of our gates */
  uint32_t image_dim; /**< the dimension that counts pixels and channels; 4: none */
  const dg_shape
      *image; /**< ours, [channels, height, width]; the file's is [height, width, channels] */
} dg_source;

/** Number of tensors for a layer of ours in a file without names. */
uint32_t dg_layout_tensors(const dg_model_node *node, dg_layout layout);

/**
 * Do exactly the tensors of a group make up the layer `node`? Fills `sources`, one for each
 * parameter, then one for each running statistic; else writes to `why`, if it has space, what
 * doesn't fit.
 */
bool dg_layout_fit(const dg_model_graph *graph, const dg_model_node *node, const dg_arrays *arrays,
                   const dg_group *group, dg_source sources[DG_LAYER_PARAMS], char *why,
                   size_t capacity);

/**
 * Does a group have only some tensors of a norm, named by numbers alone? Then it is unknown which
 * ones are missing: Keras's norms may omit gamma, beta or both, and number the rest from 0.
 */
bool dg_layout_lacks(const dg_model_node *node, const dg_arrays *arrays, const dg_group *group);

/** Writes the numbers of a parameter, in our order, to `out` [param->count]. */
void dg_layout_take(const dg_source *source, float *out);

/** Parameter or running statistic number `i` of a node; NULL after the last one. */
const dg_param *dg_layout_param(const dg_model_graph *graph, const dg_model_node *node, uint32_t i);

#endif
