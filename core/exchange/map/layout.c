#include "core/exchange/map/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/exchange/keras/network.h"

enum { NO_DIM = 4, DIMS = 4 };

/** Keras's names of our parameters, and their index if its names are numbers. */
static const struct {
  const char *suffix, *keras, *of_norms;
  uint32_t index;
  float fill; /**< value for norms that lack it */
} roles[] = {
    {"weight", "kernel", "gamma", 0, 1},
    {"bias", "bias", "beta", 1, 0},
    {"running_mean", "", "moving_mean", 2, 0},
    {"running_var", "", "moving_variance", 3, 0},
    {"weight_ih_l0", "kernel", "", 0, 0},
    {"weight_hh_l0", "recurrent_kernel", "", 1, 0},
    {"bias_ih_l0", "bias", "", 2, 0},
    {"bias_hh_l0", "bias", "", 2, 0},
    {"", "", "", DG_GROUP_MAX, 0}, /* all others */
};
enum { ROLES = sizeof roles / sizeof *roles };
static const char reverse_suffix[] = "_reverse";

static bool is_norm(const dg_model_node *node) {
  return node->op.kind == DG_OP_BATCH_NORM || node->op.kind == DG_OP_LAYER_NORM ||
         node->op.kind == DG_OP_GROUP_NORM || node->op.kind == DG_OP_RMS_NORM;
}

/** Is its weight a table of rows, which Keras keeps as we do? */
static bool is_table(const dg_model_node *node) {
  return node->op.kind == DG_OP_EMBEDDING || node->op.kind == DG_OP_POSITIONS;
}

const dg_param *dg_layout_param(const dg_model_graph *graph, const dg_model_node *node,
                                uint32_t i) {
  if (i < node->params) return &graph->params[node->first_param + i];
  i -= node->params;
  return i < node->running_count ? &graph->params[node->first_running + i] : NULL;
}

uint32_t dg_layout_tensors(const dg_model_node *node, dg_layout layout) {
  if (layout == DG_LAYOUT_PYTORCH || node->op.kind != DG_OP_RECURRENT)
    return node->params + node->running_count;
  const dg_recurrent_desc *r = &node->op.recurrent;
  return (r->bidirectional ? 2 : 1) * (r->biases ? 3 : 2);
}

/* ---- finding ------------------------------------------------------------ */

/** The last part of a tensor's name, without the ":0" of older Keras. */
static size_t last_part(const dg_array *array, const char **part) {
  *part = array->name;
  for (const char *at = array->name; *at; at++)
    if (*at == '.' || *at == '/') *part = at + 1;
  return strcspn(*part, ":");
}

static bool ends_with(const dg_array *array, const char *word) {
  const char *part;
  size_t length = last_part(array, &part);
  return *word && strlen(word) == length && memcmp(part, word, length) == 0;
}

/** Is a tensor of Keras one of the second direction? Its layer's own name does not matter. */
static bool is_backward(const dg_arrays *arrays, const dg_group *group, const dg_array *array) {
  size_t layer = strlen(group->name);
  return arrays->layout == DG_LAYOUT_KERAS && strlen(array->name) > layer &&
         strstr(array->name + layer, "/backward") != NULL;
}

/** Finds a tensor of a group by our `suffix`, if the caller named it, or by the file's names and,
 * for Keras, its direction; DG_GROUP_MAX: none. */
static size_t find(const dg_arrays *arrays, const dg_group *group, const char *suffix,
                   const char *const *words, size_t word_count, bool reverse) {
  for (size_t i = 0; i < group->count; i++) {
    const dg_array *array = &arrays->items[group->members[i]];
    bool backward = is_backward(arrays, group, array);
    if (array->told && ends_with(array, suffix)) return i;
    for (size_t w = 0; w < word_count; w++)
      if (backward == reverse && ends_with(array, words[w])) return i;
  }
  return DG_GROUP_MAX;
}

/** Which of `roles` a parameter has, and whether it belongs to the second direction. */
static size_t role_of(const dg_param *param, bool *reverse) {
  size_t length = strlen(param->spec.suffix), end = sizeof reverse_suffix - 1, role = 0;
  *reverse = length > end && strcmp(param->spec.suffix + length - end, reverse_suffix) == 0;
  if (*reverse) length -= end;
  while (role < ROLES - 1 && (strncmp(roles[role].suffix, param->spec.suffix, length) != 0 ||
                              roles[role].suffix[length]))
    role++;
  return role;
}

/** The member of a group for parameter number `i` of a layer. */
static size_t member_of(const dg_model_node *node, const dg_param *param, uint32_t i,
                        const dg_arrays *arrays, const dg_group *group) {
  bool reverse;
  size_t role = role_of(param, &reverse);
  uint32_t index = roles[role].index;
  if (group->numbered) {
    if (arrays->layout == DG_LAYOUT_PYTORCH) return i;
    return index + (reverse ? dg_layout_tensors(node, DG_LAYOUT_KERAS) / 2 : 0);
  }
  if (arrays->layout == DG_LAYOUT_PYTORCH)
    return find(arrays, group, param->spec.suffix, &param->spec.suffix, 1, false);
  const char number[] = {(char)('0' + index), '\0'};
  const char *words[] = {is_table(node)  ? "embeddings"
                         : is_norm(node) ? roles[role].of_norms
                                         : roles[role].keras,
                         roles[role].suffix, number,
                         role > 0        ? ""
                         : is_norm(node) ? "scale"
                                         : "depthwise_kernel"};
  return find(arrays, group, param->spec.suffix, words, 4, reverse);
}

/* ---- fitting ------------------------------------------------------------ */

static bool is_conv1d(const dg_model_node *node) {
  return node->op.kind == DG_OP_CONV1D || node->op.kind == DG_OP_GROUPED_CONV1D ||
         node->op.kind == DG_OP_CONV_TRANSPOSE1D;
}

/** Keras's dimension k is our dimension order[k]. */
static void keras_dims(const dg_model_node *node, const dg_source *s, uint32_t order[DIMS]) {
  uint32_t rank = s->param->spec.rank;
  bool last = !s->from->channels_first;
  static const uint32_t plain[] = {0, 1, 2, 3}, matrix[] = {1, 0}, conv1d[] = {2, 1, 0},
                        conv2d[] = {2, 3, 1, 0}, norm[] = {1, 2, 0};
  const uint32_t *chosen = rank == 4                                                ? conv2d
                           : rank == 3 && is_conv1d(node)                           ? conv1d
                           : rank == 3 && node->op.kind == DG_OP_LAYER_NORM && last ? norm
                           : rank == 2 && !is_table(node)                           ? matrix
                                                                                    : plain;
  memcpy(order, chosen, rank * sizeof *order);
}

/** Keras's other orders: of gates, and of flattened images. */
static void keras_orders(const dg_model_node *node, dg_source *s) {
  static const uint8_t gru[] = {1, 0, 2}; /* ours is r z n, theirs z r h */
  if (node->op.kind == DG_OP_RECURRENT && node->op.recurrent.cell == DG_CELL_GRU) {
    s->gates = dg_cell_gates(DG_CELL_GRU);
    memcpy(s->order, gru, sizeof gru);
  }
  uint32_t dim = node->op.kind == DG_OP_LINEAR ? 1 : 0;
  bool features = (node->op.kind == DG_OP_LINEAR && s->param->spec.rank == 2) ||
                  (is_norm(node) && node->shape.rank == 1);
  const dg_shape *image = features && !s->from->channels_first ? node->image : NULL;
  if (!image || dg_shape_count(image) != s->param->spec.dim[dim]) return;
  s->image_dim = dim;
  s->image = image;
}

/** Do the permuted dimensions of the file's tensor fit ours? Sets the strides. */
static bool fit_dims(dg_source *s, const uint32_t *order) {
  const dg_array *a = s->from;
  const dg_param_spec *spec = &s->param->spec;
  uint64_t stride = 1;
  if (a->rank != spec->rank) return false;
  for (uint32_t k = a->rank; k-- > 0; stride *= a->dim[k]) {
    if (a->dim[k] != spec->dim[order[k]]) return false;
    s->stride[order[k]] = stride;
  }
  return true;
}

/** A kernel of a depthwise layer of Keras, [kernel …, channels, filters of each]: its filters are
   in our order. */
static bool fit_depthwise(const dg_model_node *node, dg_source *s) {
  const dg_array *a = s->from;
  const dg_param_spec *spec = &s->param->spec;
  const uint32_t channels = node->op.kind == DG_OP_GROUPED_CONV2D   ? node->op.grouped_conv2d.groups
                            : node->op.kind == DG_OP_GROUPED_CONV1D ? node->op.grouped_conv1d.groups
                                                                    : 0;
  if (!channels || spec->rank < 3 || a->rank != spec->rank || spec->dim[1] != 1) return false;
  const uint32_t taps = spec->rank - 2;
  if (a->dim[taps] != channels || a->dim[taps] * a->dim[taps + 1] != spec->dim[0]) return false;
  uint64_t stride = spec->dim[0];
  s->stride[0] = 1;
  s->stride[1] = 0;
  for (uint32_t k = taps; k-- > 0; stride *= a->dim[k]) {
    if (a->dim[k] != spec->dim[2 + k]) return false;
    s->stride[2 + k] = stride;
  }
  return true;
}

/**
 * A bias of one of Keras's recurrent layers: [gates units], or [2, gates units] if the reset is
 * applied after the product. If there is only one, our second one is 0.
 */
static bool fit_keras_bias(const dg_model_node *node, dg_source *s, bool second, char *why,
                           size_t capacity) {
  const dg_recurrent_desc *r = &node->op.recurrent;
  const dg_array *a = s->from;
  bool both = a->rank == 2 && a->dim[0] == 2;
  if (r->cell == DG_CELL_GRU && both == r->reset_before) {
    if (!capacity) return false;
    snprintf(why, capacity,
             "\"%s\" is of a GRU with reset_after = %s: the model's layer \"%s\" needs "
             "reset = \"%s\" and biases = %d",
             a->name, both ? "True" : "False", node->layer->name, both ? "after" : "before",
             both ? 2 : 1);
    return false;
  }
  if (both && r->biases != 2) return false;
  if (a->rank != (both ? 2 : 1) || a->dim[a->rank - 1] != s->param->count) return false;
  s->stride[0] = 1;
  if (second && both) s->offset = s->param->count;
  if (second && !both) s->from = NULL;
  return true;
}

static bool fit_shape(const dg_model_node *node, dg_layout layout, dg_source *s, char *why,
                      size_t capacity) {
  uint32_t order[DIMS] = {0, 1, 2, 3};
  bool ok, reverse;
  if (layout == DG_LAYOUT_KERAS) {
    size_t role = role_of(s->param, &reverse);
    keras_dims(node, s, order);
    if (node->op.kind == DG_OP_RECURRENT && s->param->spec.bias) {
      bool second = strcmp(roles[role].suffix, "bias_hh_l0") == 0;
      ok = fit_keras_bias(node, s, second, why, capacity);
    } else {
      ok = fit_dims(s, order) || fit_depthwise(node, s);
    }
    if (ok) keras_orders(node, s);
  } else {
    ok = fit_dims(s, order);
  }
  if (ok || !capacity || *why) return ok;
  uint64_t dims[DIMS];
  char has[100], wants[100];
  for (uint32_t k = 0; k < s->param->spec.rank; k++) dims[k] = s->param->spec.dim[order[k]];
  snprintf(why, capacity, "\"%s\" has the shape %s, but the network's \"%s\" %s %s", s->from->name,
           dg_array_shape(s->from->rank, s->from->dim, has, sizeof has), s->param->name,
           layout == DG_LAYOUT_KERAS ? "would be" : "is",
           dg_array_shape(s->param->spec.rank, dims, wants, sizeof wants));
  return false;
}

bool dg_layout_lacks(const dg_model_node *node, const dg_arrays *arrays, const dg_group *group) {
  if (!is_norm(node) || arrays->layout != DG_LAYOUT_KERAS || group->numbered ||
      group->count >= node->params + node->running_count)
    return false;
  for (size_t i = 0; i < group->count; i++) {
    const char *part;
    size_t length = last_part(&arrays->items[group->members[i]], &part);
    if (length > 0 && strspn(part, "0123456789") == length) return true;
  }
  return false;
}

/** Fails because a group lacks a parameter and it is unknown which one. */
static bool fail_lacking(const dg_model_graph *graph, const dg_model_node *node,
                         const dg_arrays *arrays, const dg_group *group, char *why,
                         size_t capacity) {
  const char *first = arrays->items[group->members[0]].name;
  const dg_param *param;
  if (!capacity) return false;
  snprintf(why, capacity,
           "\"%s\" has %zu of the %u tensors of a %s, by numbers alone: whether its scale or its "
           "center is missing can't be told; say %s=%s.weight",
           group->name, group->count, node->params + node->running_count, node->layer->kind->type,
           first, node->layer->name);
  for (uint32_t i = 1; (param = dg_layout_param(graph, node, i)); i++)
    dg_append(why, capacity, " or %s", param->name);
  dg_append(why, capacity, group->count > 1 ? ", and so for each of them" : "");
  return false;
}

/** Is every tensor of a group used? */
static bool all_used(const dg_model_node *node, const dg_arrays *arrays, const dg_group *group,
                     const bool *used, char *why, size_t capacity) {
  for (size_t i = 0; i < group->count; i++) {
    const dg_array *array = &arrays->items[group->members[i]];
    if (used[i] || dg_array_spare(array)) continue;
    if (capacity)
      snprintf(why, capacity, "\"%s\" has no place in the network's layer \"%s\" (%s)", array->name,
               node->layer->name, node->layer->kind->type);
    return false;
  }
  return true;
}

/** Is a group of one of Keras's other classes, by the path of its tensors? */
static bool is_other_class(const dg_model_node *node, const dg_arrays *arrays,
                           const dg_group *group) {
  const dg_array *first = group->count ? &arrays->items[group->members[0]] : NULL;
  const char *word = strrchr(group->name, '/');
  if (!first || group->told || arrays->layout != DG_LAYOUT_KERAS || !word ||
      !strstr(first->name, "/vars/"))
    return false;
  return !dg_keras_class_fits(word + 1, strlen(word + 1), node->layer->kind->type);
}

bool dg_layout_fit(const dg_model_graph *graph, const dg_model_node *node, const dg_arrays *arrays,
                   const dg_group *group, dg_source sources[DG_LAYER_PARAMS], char *why,
                   size_t capacity) {
  bool used[DG_GROUP_MAX] = {false};
  const dg_param *param;
  if (capacity) *why = '\0';
  if (group->count > DG_GROUP_MAX) {
    if (capacity) snprintf(why, capacity, "\"%s\" has more tensors than any layer", group->name);
    return false;
  }
  if (is_other_class(node, arrays, group)) {
    if (capacity)
      snprintf(why, capacity, "\"%s\" is by its path of another kind than \"%s\" (%s)", group->name,
               node->layer->name, node->layer->kind->type);
    return false;
  }
  if (dg_layout_lacks(node, arrays, group))
    return fail_lacking(graph, node, arrays, group, why, capacity);
  for (uint32_t i = 0; (param = dg_layout_param(graph, node, i)); i++) {
    bool reverse;
    size_t member = member_of(node, param, i, arrays, group), role = role_of(param, &reverse);
    sources[i] = (dg_source){.param = param, .image_dim = NO_DIM, .fill = roles[role].fill};
    if (member >= group->count) {
      if (is_norm(node) && i < node->params && !group->numbered) continue;
      if (capacity)
        snprintf(why, capacity, "\"%s\" has nothing for \"%s\"%s", group->name, param->name,
                 !param->spec.bias                  ? ""
                 : node->op.kind == DG_OP_RECURRENT ? ": the model's layer needs biases = 0"
                                                    : ": the model's layer needs bias = false");
      return false;
    }
    used[member] = true;
    sources[i].from = &arrays->items[group->members[member]];
    if (!fit_shape(node, arrays->layout, &sources[i], why, capacity)) return false;
  }
  return all_used(node, arrays, group, used, why, capacity);
}

/* ---- taking ------------------------------------------------------------- */

/** The index in the file's image for number `i` of ours. */
static uint64_t image_index(const dg_shape *image, uint64_t i) {
  uint64_t pixels = (uint64_t)image->dim[1] * image->dim[2];
  return i % pixels * image->dim[0] + i / pixels;
}

/** The row of the file for row `i` of our gates. */
static uint64_t gate_index(const dg_source *s, uint64_t i) {
  uint64_t rows = s->param->spec.dim[0] / s->gates;
  return s->order[i / rows] * rows + i % rows;
}

void dg_layout_take(const dg_source *s, float *out) {
  const dg_param_spec *spec = &s->param->spec;
  for (uint64_t i = 0; i < s->param->count; i++) {
    uint64_t at = s->offset, rest = i;
    for (uint32_t d = spec->rank; d-- > 0; rest /= spec->dim[d]) {
      uint64_t index = rest % spec->dim[d];
      if (d == 0 && s->gates) index = gate_index(s, index);
      if (d == s->image_dim) index = image_index(s->image, index);
      at += index * s->stride[d];
    }
    out[i] = s->from ? s->from->data[at] : s->fill;
  }
}
