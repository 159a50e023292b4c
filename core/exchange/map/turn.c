#include "core/exchange/map/turn.h"

#include <string.h>

/* ---- transposing -------------------------------------------------------- */

/** Are two names the same, whether '.' or '/' parts them? */
static bool same_name(const char *a, const char *b) {
  while (*a && (*a == *b || (*a == '/' && *b == '.'))) a++, b++;
  return *a == *b;
}

static const dg_param *param_of(const dg_mapping *m, const char *name) {
  for (uint32_t p = 0; p < m->graph->param_count; p++)
    if (same_name(name, m->graph->params[p].name)) return &m->graph->params[p];
  return NULL;
}

static bool is_square(const dg_array *array) {
  return array->rank == 2 && array->dim[0] == array->dim[1];
}

static bool turn(dg_array *array, dg_error *err) {
  array->turned = true;
  return dg_array_transpose(array, err);
}

bool dg_turn_told(const dg_mapping *m) {
  for (size_t i = 0; i < m->arrays->count; i++) {
    dg_array *a = &m->arrays->items[i];
    if (!a->told || a->transposed || a->rank != 2 || is_square(a)) continue;
    const dg_param *param = param_of(m, a->name);
    if (param && param->spec.rank == 2 && a->dim[0] == param->spec.dim[1] &&
        a->dim[1] == param->spec.dim[0] && !turn(a, m->err))
      return false;
  }
  return true;
}

bool dg_turn_others(const dg_mapping *m, bool *any) {
  *any = false;
  for (size_t i = 0; i < m->arrays->count; i++) {
    dg_array *a = &m->arrays->items[i];
    if (a->told || a->rank != 2 || is_square(a)) continue;
    *any = true;
    if (!turn(a, m->err)) return false;
  }
  return true;
}

/* ---- checking ----------------------------------------------------------- */

/** Why a transposed matrix of this layer may have another order too; NULL: it can't. */
static const char *doubt_of(const dg_model_node *node, const dg_array *from) {
  if (node->op.kind == DG_OP_RECURRENT && node->op.recurrent.cell == DG_CELL_GRU && !from->told)
    return "whether its gates are r z n, as in PyTorch, or z r h, as in Keras,";
  bool whole = node->op.kind == DG_OP_LINEAR && dg_linear_rows(&node->op.linear) == 1;
  const dg_shape *image = whole ? node->image : NULL;
  if (image && image->dim[0] > 1 && image->dim[1] * image->dim[2] > 1)
    return "whether its columns are channels of pixels, as in PyTorch, or pixels of channels, as "
           "in "
           "Keras,";
  return NULL;
}

static bool check_order(const dg_mapping *m, const dg_model_node *node, const dg_source *source) {
  const char *doubt = source->from->turned ? doubt_of(node, source->from) : NULL;
  return !doubt ||
         dg_fail(m->err, DG_ERR_INPUT,
                 "%s: \"%s\" fits \"%s\" only transposed, and %s can't be told: say %s=%s^T, or "
                 "the layout keras",
                 m->arrays->path, source->from->name, source->param->name, doubt,
                 source->from->name, source->param->name) ||
         dg_advise(m->err, DG_REMEDY_NAMES);
}

/** The sum of both biases is not what a GRU does with them if it resets behind the product. */
static bool check_sum(const dg_mapping *m, const dg_model_node *node, const dg_source *source) {
  return !source->from->summed || !source->param->spec.bias || node->op.kind != DG_OP_RECURRENT ||
         node->op.recurrent.cell != DG_CELL_GRU || node->op.recurrent.reset_before ||
         dg_fail(m->err, DG_ERR_INPUT,
                 "%s: a sum can't be \"%s\": a GRU with reset = \"after\" multiplies only its "
                 "second bias by the gate; the model needs biases = 2, and each bias its own name",
                 m->arrays->path, source->param->name);
}

static bool check_square(const dg_mapping *m, const dg_source *source, const dg_array *turned) {
  const dg_array *a = source->from;
  return !turned || !is_square(a) || a->transposed ||
         dg_fail(m->err, DG_ERR_INPUT,
                 "%s: \"%s\" is square, so its shape does not tell whether it is transposed as "
                 "\"%s\" is: say %s=%s^T; or, if it is not, say ^T for each of the others",
                 m->arrays->path, a->name, turned->name, a->name, source->param->name) ||
         dg_advise(m->err, DG_REMEDY_NAMES);
}

/** A matrix that was transposed because of its shape, and is used; NULL: there is none. */
static const dg_array *first_turned(const dg_mapping *m) {
  for (uint32_t l = 0; l < m->layer_count; l++)
    for (uint32_t i = 0; dg_layout_param(m->graph, m->layers[l].node, i); i++)
      if (m->layers[l].sources[i].from && m->layers[l].sources[i].from->turned)
        return m->layers[l].sources[i].from;
  return NULL;
}

bool dg_turn_check(const dg_mapping *m) {
  const dg_array *turned = first_turned(m);
  for (uint32_t l = 0; l < m->layer_count; l++) {
    const dg_model_node *node = m->layers[l].node;
    for (uint32_t i = 0; dg_layout_param(m->graph, node, i); i++) {
      const dg_source *source = &m->layers[l].sources[i];
      if (source->from && (!check_order(m, node, source) || !check_sum(m, node, source) ||
                           !check_square(m, source, turned)))
        return false;
    }
  }
  return true;
}
