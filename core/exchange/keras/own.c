#include "core/exchange/keras/own.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- our values --------------------------------------------------------- */

static void read_key(const dg_key *key, const void *config, dg_own_value *value) {
  const char *at = (const char *)config + key->offset;
  const bool steps = key->type == DG_KEY_STEP_PADDING;
  const dg_padding *padding = key->type == DG_KEY_PADDING || steps ? (const void *)at : NULL;
  *value = (dg_own_value){.pair = key->type == DG_KEY_PAIR || (padding && !steps)};
  if (padding && padding->same) {
    *value = (dg_own_value){.word = "same"};
    return;
  }
  if (key->type == DG_KEY_NUMBER) value->value[0] = *(const double *)(const void *)at;
  if (key->type == DG_KEY_BOOL) value->word = *(const bool *)at ? "true" : "false";
  if (key->type == DG_KEY_CHOICE) value->word = key->choices[*(const int *)(const void *)at];
  if (key->type == DG_KEY_COUNT) value->value[0] = *(const uint32_t *)(const void *)at;
  if (steps) value->value[0] = padding->begin[0] == padding->end[0] ? padding->begin[0] : NAN;
  if (!value->pair) {
    value->value[1] = value->value[0];
    return;
  }
  for (int i = 0; i < 2; i++) value->value[i] = ((const uint32_t *)(const void *)at)[i];
  for (int i = 0; padding && i < 2; i++)
    if (padding->begin[i] != padding->end[i]) value->value[i] = NAN; /* which equals nothing */
}

bool dg_own_read(const dg_model_node *node, const char *key, dg_own_value *value) {
  const dg_layer_class *kind = node->layer->kind;
  for (size_t i = 0; key && i < kind->key_count; i++) {
    if (strcmp(kind->keys[i].name, key) != 0) continue;
    read_key(&kind->keys[i], node->layer->config, value);
    bool unset = strcmp(key, "stride") == 0 && !value->word && value->value[0] == 0;
    return !unset || dg_own_read(node, "kernel", value); /* of pools */
  }
  return false;
}

/* ---- their values ------------------------------------------------------- */

/** Numbers that a kernel spans. */
static uint32_t reach_of(uint32_t kernel, uint32_t dilation) {
  return dilation * (kernel - 1) + 1;
}

/** The size, window and step of a node along a dimension; false: it has no window. */
static bool window_of(const dg_model_node *node, int dim, uint32_t *size, uint32_t *kernel,
                      uint32_t *stride) {
  const dg_conv2d_desc *c = &node->op.conv2d;
  const dg_conv1d_desc *s = &node->op.conv1d;
  const dg_grouped_conv2d_desc *g = &node->op.grouped_conv2d;
  const dg_grouped_conv1d_desc *l = &node->op.grouped_conv1d;
  const dg_pool2d_desc *p = &node->op.pool2d;
  switch (node->op.kind) {
  case DG_OP_CONV2D:
    *size = dim ? c->width : c->height;
    *kernel = dim ? c->kernel_w : c->kernel_h;
    *stride = dim ? c->stride_w : c->stride_h;
    return true;
  case DG_OP_GROUPED_CONV2D:
    *size = dim ? g->width : g->height;
    *kernel = dim ? reach_of(g->kernel_w, g->dilation_w) : reach_of(g->kernel_h, g->dilation_h);
    *stride = dim ? g->stride_w : g->stride_h;
    return true;
  case DG_OP_CONV1D:
    *size = s->steps, *kernel = s->kernel, *stride = s->stride;
    return true;
  case DG_OP_GROUPED_CONV1D:
    *size = l->steps, *kernel = reach_of(l->kernel, l->dilation), *stride = l->stride;
    return true;
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D: {
    bool steps = strcmp(node->layer->kind->type, "maxpool1d") == 0;
    bool wide = dim && !steps; /* a sequence is pooled as an image whose columns are features */
    *size = wide ? p->width : p->height;
    *kernel = wide ? p->kernel_w : p->kernel_h;
    *stride = wide ? p->stride_w : p->stride_h;
    return true;
  }
  default:
    return false;
  }
}

/** The padding at both ends that "same" asks for; false: it is not the same at both. */
static bool same_padding(const dg_model_node *node, int dim, double *padding) {
  uint32_t size, kernel, stride;
  if (!window_of(node, dim, &size, &kernel, &stride)) return false;
  double steps = ceil((size + 2 * *padding) / stride);
  double total = fmax((steps - 1) * stride + kernel - size - 2 * *padding, 0);
  *padding += total / 2;
  return fmod(total, 2) == 0 && (total == 0 || node->op.kind != DG_OP_AVGPOOL2D);
}

bool dg_own_expect(const dg_model_node *node, const dg_keras_setting *s, dg_own_value *value) {
  dg_own_value ours;
  if (s->kind == DG_KERAS_ELSE || !dg_own_read(node, s->key, &ours)) return false;
  *value = (dg_own_value){.pair = ours.pair, .value = {s->value[0], s->value[1]}, .word = s->word};
  if (s->kind == DG_KERAS_SAME && ours.word) {
    value->word = ours.word;
    return s->value[0] == 0 && s->value[1] == 0;
  }
  for (int i = 0; i < 2 && s->kind == DG_KERAS_SAME; i++)
    if (!same_padding(node, i, &value->value[i])) return false;
  return ours.pair || value->word || value->value[0] == value->value[1];
}

/* ---- comparing ---------------------------------------------------------- */

bool dg_own_same(const dg_own_value *a, const dg_own_value *b) {
  if (a->word || b->word) return a->word && b->word && strcmp(a->word, b->word) == 0;
  bool same = true;
  for (int i = 0; i < (a->pair || b->pair ? 2 : 1); i++)
    same &= fabs(a->value[i] - b->value[i]) <= 1e-6 * fabs(b->value[i]);
  return same;
}

char *dg_own_text(const dg_own_value *value, char *text, size_t size) {
  if (value->word)
    snprintf(text, size, "%s", value->word);
  else if (isnan(value->value[0]) || isnan(value->value[1]))
    snprintf(text, size, "another one at each end");
  else if (value->pair && value->value[0] != value->value[1])
    snprintf(text, size, "[%.9g, %.9g]", value->value[0], value->value[1]);
  else
    snprintf(text, size, "%.9g", value->value[0]);
  return text;
}
