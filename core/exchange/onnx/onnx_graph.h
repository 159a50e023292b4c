/** An ONNX graph that is built node by node. */
#ifndef DG_ONNX_GRAPH_H
#define DG_ONNX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "onnx.pb-c.h"

enum { DG_ONNX_RANK = 5, DG_ONNX_OPSET = 17, DG_ONNX_IR = 8 };

/** A tensor of the graph: its name, and its shape without the samples. */
typedef struct {
  const char *name;
  uint32_t rank;
  uint32_t dim[DG_ONNX_RANK];
} dg_onnx_value;

/** An allocation that lives as long as the graph. */
typedef struct dg_onnx_piece dg_onnx_piece;

/**
 * The graph. Its functions don't report failures: if memory runs out, `failed` is set and further
 * calls do nothing.
 */
typedef struct {
  Dg__Onnx__Graph graph;
  dg_onnx_piece *pieces;
  uint32_t made; /**< names made so far */
  bool failed;
} dg_onnx_graph;

void dg_onnx_begin(dg_onnx_graph *g);
void dg_onnx_free(dg_onnx_graph *g);

/** Zeroed memory that the graph owns; NULL: `failed`. */
void *dg_onnx_memory(dg_onnx_graph *g, size_t count, size_t size);
/** A formatted text that the graph owns. */
__attribute__((format(printf, 2, 3))) char *dg_onnx_text(dg_onnx_graph *g, const char *format, ...);

/** Constants. The floats must outlive the graph; integers are copied. Return the name. */
const char *dg_onnx_floats(dg_onnx_graph *g, const char *name, uint32_t rank, const int64_t *dim,
                           const float *numbers);
const char *dg_onnx_integers(dg_onnx_graph *g, uint32_t count, const int64_t *numbers);

/** Adds a node with `inputs` (names, "" for an omitted one); its outputs get new names. */
Dg__Onnx__Node *dg_onnx_node(dg_onnx_graph *g, const char *op, uint32_t inputs,
                             const char *const *input, uint32_t outputs);
/** The name of a node's output. */
const char *dg_onnx_output(const Dg__Onnx__Node *node, uint32_t i);

/* Attributes of a node. */
void dg_onnx_set_int(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, int64_t value);
void dg_onnx_set_float(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, float value);
void dg_onnx_set_text(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, const char *value);
void dg_onnx_set_ints(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, uint32_t count,
                      const int64_t *values);
void dg_onnx_set_texts(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, uint32_t count,
                       const char *const *values);

/** Reshapes a value to another shape with the same count of numbers. */
dg_onnx_value dg_onnx_reshape(dg_onnx_graph *g, dg_onnx_value value, uint32_t rank,
                              const uint32_t *dim);
/** Transposes a value: `order` [1 + rank]; dimension 0 is the samples. */
const char *dg_onnx_transpose(dg_onnx_graph *g, const char *name, uint32_t count,
                              const int64_t *order);

/** Sets input or output of the whole graph: [N, dim…] of floats. */
Dg__Onnx__ValueInfo *dg_onnx_end(dg_onnx_graph *g, const dg_onnx_value *value);

#endif
