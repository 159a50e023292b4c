#include "core/exchange/onnx/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7 };

struct dg_onnx_piece {
  dg_onnx_piece *next;
  max_align_t bytes[];
};

/* ---- memory ------------------------------------------------------------- */

void dg_onnx_begin(dg_onnx_graph *g) {
  *g = (dg_onnx_graph){0};
  dg__onnx__graph__init(&g->graph);
}

void dg_onnx_free(dg_onnx_graph *g) {
  while (g->pieces) {
    dg_onnx_piece *next = g->pieces->next;
    free(g->pieces);
    g->pieces = next;
  }
  free(g->graph.node);
  free(g->graph.initializer);
}

void *dg_onnx_memory(dg_onnx_graph *g, size_t count, size_t size) {
  dg_onnx_piece *piece = g->failed ? NULL : calloc(1, sizeof *piece + count * size);
  if (!piece) {
    g->failed = true;
    return NULL;
  }
  piece->next = g->pieces;
  g->pieces = piece;
  return piece->bytes;
}

char *dg_onnx_text(dg_onnx_graph *g, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  char *copy = dg_onnx_memory(g, strlen(text) + 1, 1);
  if (copy) memcpy(copy, text, strlen(text) + 1);
  return copy;
}

/** Grows a list of `count` pointers by one. */
static bool grow(dg_onnx_graph *g, void ***list, size_t count) {
  if (count & (count - 1)) return !g->failed; /* the capacity doubles at 0, 1, 2, 4, … */
  void **larger = g->failed ? NULL : realloc(*list, (count ? 2 * count : 1) * sizeof *larger);
  g->failed |= !larger;
  if (larger) *list = larger;
  return larger != NULL;
}

/* ---- constants ---------------------------------------------------------- */

static const char *add_constant(dg_onnx_graph *g, const char *name, int type, uint32_t rank,
                                const int64_t *dim, size_t bytes, const void *numbers) {
  Dg__Onnx__Tensor *t = dg_onnx_memory(g, 1, sizeof *t);
  int64_t *dims = dg_onnx_memory(g, rank + 1, sizeof *dims);
  char *own = dg_onnx_text(g, "%s", name);
  if (!own || !grow(g, (void ***)&g->graph.initializer, g->graph.n_initializer)) return "";
  dg__onnx__tensor__init(t);
  memcpy(dims, dim, rank * sizeof *dim);
  t->name = own;
  t->n_dims = rank;
  t->dims = dims;
  t->data_type = type;
  t->raw_data = (ProtobufCBinaryData){bytes, (uint8_t *)numbers};
  g->graph.initializer[g->graph.n_initializer++] = t;
  return own;
}

const char *dg_onnx_floats(dg_onnx_graph *g, const char *name, uint32_t rank, const int64_t *dim,
                           const float *numbers) {
  size_t count = 1;
  for (uint32_t i = 0; i < rank; i++) count *= (size_t)dim[i];
  return add_constant(g, name, ONNX_FLOAT, rank, dim, count * sizeof *numbers, numbers);
}

const char *dg_onnx_integers(dg_onnx_graph *g, uint32_t count, const int64_t *numbers) {
  int64_t *copy = dg_onnx_memory(g, count, sizeof *copy), length = count;
  if (!copy) return "";
  memcpy(copy, numbers, count * sizeof *copy);
  char name[32];
  snprintf(name, sizeof name, "c%u", g->made++);
  return add_constant(g, name, ONNX_INT64, 1, &length, count * sizeof *copy, copy);
}

/* ---- nodes -------------------------------------------------------------- */

/** A list of texts that the graph owns. */
static char **texts(dg_onnx_graph *g, uint32_t count) {
  return dg_onnx_memory(g, count + 1, sizeof(char *));
}

Dg__Onnx__Node *dg_onnx_node(dg_onnx_graph *g, const char *op, uint32_t inputs,
                             const char *const *input, uint32_t outputs) {
  Dg__Onnx__Node *node = dg_onnx_memory(g, 1, sizeof *node);
  char **in = texts(g, inputs), **out = texts(g, outputs);
  if (!out) return NULL;
  dg__onnx__node__init(node);
  node->op_type = dg_onnx_text(g, "%s", op);
  for (uint32_t i = 0; i < inputs; i++) in[i] = dg_onnx_text(g, "%s", input[i]);
  for (uint32_t i = 0; i < outputs; i++) out[i] = dg_onnx_text(g, "t%u", g->made++);
  node->n_input = inputs;
  node->input = in;
  node->n_output = outputs;
  node->output = out;
  node->name = dg_onnx_text(g, "n%u", g->made++);
  if (!grow(g, (void ***)&g->graph.node, g->graph.n_node)) return NULL;
  g->graph.node[g->graph.n_node++] = node;
  return node;
}

const char *dg_onnx_output(const Dg__Onnx__Node *node, uint32_t i) {
  return node && node->output[i] ? node->output[i] : "";
}

static Dg__Onnx__Attribute *attribute(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name,
                                      Dg__Onnx__Attribute__Type type) {
  enum { MOST = 8 };
  if (!node) return NULL;
  if (!node->attribute) node->attribute = dg_onnx_memory(g, MOST, sizeof *node->attribute);
  Dg__Onnx__Attribute *a = dg_onnx_memory(g, 1, sizeof *a);
  if (!a || !node->attribute || node->n_attribute == MOST) return NULL;
  dg__onnx__attribute__init(a);
  a->name = dg_onnx_text(g, "%s", name);
  a->type = type;
  node->attribute[node->n_attribute++] = a;
  return a;
}

void dg_onnx_set_int(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, int64_t value) {
  Dg__Onnx__Attribute *a = attribute(g, node, name, DG__ONNX__ATTRIBUTE__TYPE__INT);
  if (a) a->i = value;
}

void dg_onnx_set_float(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, float value) {
  Dg__Onnx__Attribute *a = attribute(g, node, name, DG__ONNX__ATTRIBUTE__TYPE__FLOAT);
  if (a) a->f = value;
}

/** A copy of a text as protobuf-c's bytes. */
static ProtobufCBinaryData bytes_of(dg_onnx_graph *g, const char *text) {
  char *copy = dg_onnx_text(g, "%s", text);
  return (ProtobufCBinaryData){copy ? strlen(copy) : 0, (uint8_t *)copy};
}

void dg_onnx_set_text(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, const char *value) {
  Dg__Onnx__Attribute *a = attribute(g, node, name, DG__ONNX__ATTRIBUTE__TYPE__STRING);
  if (a) a->s = bytes_of(g, value);
}

void dg_onnx_set_ints(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, uint32_t count,
                      const int64_t *values) {
  Dg__Onnx__Attribute *a = attribute(g, node, name, DG__ONNX__ATTRIBUTE__TYPE__INTS);
  int64_t *copy = dg_onnx_memory(g, count, sizeof *copy);
  if (!a || !copy) return;
  memcpy(copy, values, count * sizeof *copy);
  a->n_ints = count;
  a->ints = copy;
}

void dg_onnx_set_texts(dg_onnx_graph *g, Dg__Onnx__Node *node, const char *name, uint32_t count,
                       const char *const *values) {
  Dg__Onnx__Attribute *a = attribute(g, node, name, DG__ONNX__ATTRIBUTE__TYPE__STRINGS);
  ProtobufCBinaryData *copy = dg_onnx_memory(g, count, sizeof *copy);
  if (!a || !copy) return;
  for (uint32_t i = 0; i < count; i++) copy[i] = bytes_of(g, values[i]);
  a->n_strings = count;
  a->strings = copy;
}

/* ---- shapes ------------------------------------------------------------- */

dg_onnx_value dg_onnx_reshape(dg_onnx_graph *g, dg_onnx_value value, uint32_t rank,
                              const uint32_t *dim) {
  if (value.rank == rank && memcmp(value.dim, dim, rank * sizeof *dim) == 0) return value;
  int64_t shape[1 + DG_ONNX_RANK] = {0}; /* 0: the number of samples, which is kept */
  for (uint32_t i = 0; i < rank; i++) shape[1 + i] = dim[i];
  const char *inputs[] = {value.name, dg_onnx_integers(g, 1 + rank, shape)};
  value.name = dg_onnx_output(dg_onnx_node(g, "Reshape", 2, inputs, 1), 0);
  value.rank = rank;
  memcpy(value.dim, dim, rank * sizeof *dim);
  return value;
}

const char *dg_onnx_transpose(dg_onnx_graph *g, const char *name, uint32_t count,
                              const int64_t *order) {
  Dg__Onnx__Node *node = dg_onnx_node(g, "Transpose", 1, &name, 1);
  dg_onnx_set_ints(g, node, "perm", count, order);
  return dg_onnx_output(node, 0);
}

static Dg__Onnx__Dimension *dimension(dg_onnx_graph *g) {
  Dg__Onnx__Dimension *d = dg_onnx_memory(g, 1, sizeof *d);
  if (d) dg__onnx__dimension__init(d);
  return d;
}

Dg__Onnx__ValueInfo *dg_onnx_end(dg_onnx_graph *g, const dg_onnx_value *value) {
  Dg__Onnx__ValueInfo *info = dg_onnx_memory(g, 1, sizeof *info);
  Dg__Onnx__Type *type = dg_onnx_memory(g, 1, sizeof *type);
  Dg__Onnx__TensorType *tensor = dg_onnx_memory(g, 1, sizeof *tensor);
  Dg__Onnx__Shape *shape = dg_onnx_memory(g, 1, sizeof *shape);
  Dg__Onnx__Dimension **dims = dg_onnx_memory(g, 1 + value->rank, sizeof *dims);
  for (uint32_t i = 0; dims && i <= value->rank; i++) dims[i] = dimension(g);
  char *name = dg_onnx_text(g, "%s", value->name), *samples = dg_onnx_text(g, "N");
  if (g->failed) return NULL;
  dg__onnx__value_info__init(info);
  dg__onnx__type__init(type);
  dg__onnx__tensor_type__init(tensor);
  dg__onnx__shape__init(shape);
  dims[0]->value_case = DG__ONNX__DIMENSION__VALUE_DIM_PARAM;
  dims[0]->dim_param = samples;
  for (uint32_t i = 0; i < value->rank; i++) {
    dims[1 + i]->value_case = DG__ONNX__DIMENSION__VALUE_DIM_VALUE;
    dims[1 + i]->dim_value = value->dim[i];
  }
  shape->n_dim = 1 + value->rank;
  shape->dim = dims;
  tensor->elem_type = ONNX_FLOAT;
  tensor->shape = shape;
  type->tensor_type = tensor;
  info->name = name;
  info->type = type;
  return info;
}
