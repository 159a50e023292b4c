/**
 * Does a layer of a file fit one of ours, and how do its numbers become ours? Keras keeps kernels
 * as [height, width, in, out], images as [height, width, channels], a GRU's gates in the order z r
 * h with both biases in one array; we keep all as PyTorch does.
 */
#ifndef DG_LAYOUT_H
#define DG_LAYOUT_H

#include "core/exchange/arrays.h"
#include "core/graph/model_graph.h"

enum { DG_GROUP_MAX = 16, DG_LAYER_PARAMS = DG_MAX_PARAM + DG_MAX_RUNNING };

/** The tensors of one layer of a file. */
typedef struct {
  char name[DG_NAME_SIZE * 4]; /**< what its tensors' names have in common; empty: nothing */
  size_t count;                /**< those over DG_GROUP_MAX are not in `members` */
  size_t members[DG_GROUP_MAX];
  size_t prefix; /**< bytes of the name that say nothing: all groups have them */
  bool numbered; /**< their names say nothing, their order does */
  bool told;     /**< the caller has named it */
} dg_group;

/** Where the numbers of one of our parameters come from. */
typedef struct {
  const dg_param *param;
  const dg_array *from; /**< NULL: all are `fill` */
  float fill;
  uint64_t offset;    /**< of the first number that is taken */
  uint64_t stride[4]; /**< in the file, for each of our dimensions */
  uint32_t gates;     /**< rows are these, in `order`; 0: as they are */
  uint8_t order[4];   /**< the index in the file of each of our gates */
  uint32_t image_dim; /**< the dimension that counts pixels and channels; 4: none */
  const dg_shape
      *image; /**< ours, [channels, height, width]; the file's is [height, width, channels] */
} dg_source;

/** How many tensors a file without names has for a layer of ours. */
uint32_t dg_layout_tensors(const dg_model_node *node, dg_layout layout);

/**
 * Do the tensors of a group, all of them, make the layer `node`? Fills `sources`, one for each
 * parameter, then running statistic; else writes to `why` what doesn't fit, where it has room.
 */
bool dg_layout_fit(const dg_model_graph *graph, const dg_model_node *node, const dg_arrays *arrays,
                   const dg_group *group, dg_source sources[DG_LAYER_PARAMS], char *why,
                   size_t capacity);

/**
 * Does a group have only some tensors of a norm, named by numbers alone? Which it lacks can't be
 * told then: Keras's norms leave out gamma, beta or both, and count what is left from 0.
 */
bool dg_layout_lacks(const dg_model_node *node, const dg_arrays *arrays, const dg_group *group);

/** The numbers of a parameter, in our order, to `out` [param->count]. */
void dg_layout_take(const dg_source *source, float *out);

/** The parameters and running statistics of a node: number `i`; NULL behind the last one. */
const dg_param *dg_layout_param(const dg_model_graph *graph, const dg_model_node *node, uint32_t i);

#endif
