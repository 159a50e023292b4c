#include "tests/cases.h"

#include <stdio.h>

#include "core/support/philox.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/** A list that is being written, or only counted. */
typedef struct {
  layer_case *cases;
  size_t count;
} list;

static void add(list *l, dg_op_desc desc, uint32_t max_n, layer_fill fill) {
  if (l->cases) l->cases[l->count] = (layer_case){desc, max_n, fill};
  l->count++;
}

dg_grad_mode layer_case_mode(size_t turn) {
  static const dg_grad_mode modes[] = {DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_WRITE, DG_GRAD_NONE,
                                       DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_ADD};
  return modes[turn % COUNT(modes)];
}

/** All activations in turn. */
static dg_act act_of(size_t turn) {
  static const dg_act acts[] = {{DG_ACT_RELU, 0},
                                {DG_ACT_NONE, 0},
                                {DG_ACT_LEAKY_RELU, 0.01f},
                                {DG_ACT_SIGMOID, 0},
                                {DG_ACT_TANH, 0}};
  return acts[turn % COUNT(acts)];
}

static void linear_cases(list *l) {
  static const struct {
    uint32_t in, out, max_n;
  } shapes[] = {
      {1, 1, 3},      {1, 17, 2},     {15, 1, 4},     {16, 16, 5},    {17, 31, 8},    {31, 33, 7},
      {33, 15, 6},    {5, 300, 1},    {2, 3, 130},    {65, 10, 17},   {300, 7, 257},  {129, 65, 40},
      {100, 10, 128}, {64, 64, 16},   {48, 32, 12},   {784, 100, 6},  {784, 512, 3},  {512, 256, 3},
      {256, 10, 64},  {1568, 128, 3}, {1568, 512, 2}, {4732, 128, 2}, {512, 10, 100}, {47, 97, 65},
      {70, 130, 300}, {33, 40, 259},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_linear_desc d = {shapes[i].in, shapes[i].out, i % 3 != 2, act_of(i)};
    add(l, (dg_op_desc){DG_OP_LINEAR, {layer_case_mode(i)}, .linear = d}, shapes[i].max_n,
        FILL_RANDOM);
  }
  for (size_t i = 0; i < 10; i++) {
    dg_linear_desc d = {37, 19, i < 5, act_of(i)};
    add(l, (dg_op_desc){DG_OP_LINEAR, {layer_case_mode(i)}, .linear = d}, 6, FILL_RANDOM);
  }
}

static void conv2d_cases(list *l) {
  static const struct {
    uint32_t channels, height, width, filters;
    uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
    uint32_t max_n;
  } shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 3},
      {1, 5, 7, 1, 3, 3, 1, 1, 0, 0, 4},
      {3, 7, 5, 2, 2, 2, 1, 1, 0, 0, 3},
      {2, 8, 6, 3, 4, 2, 2, 1, 1, 0, 3},
      {2, 9, 11, 5, 3, 3, 2, 2, 1, 1, 5},
      {3, 10, 13, 4, 3, 5, 3, 2, 1, 2, 2},
      {4, 12, 12, 17, 1, 1, 1, 1, 0, 0, 3},
      {1, 1, 30, 4, 1, 5, 1, 1, 0, 2, 3},
      {8, 30, 1, 8, 3, 1, 1, 1, 1, 0, 2},
      {1, 28, 28, 6, 7, 7, 2, 2, 3, 3, 3},
      {1, 40, 37, 2, 11, 9, 4, 3, 5, 4, 2},
      {3, 32, 32, 33, 3, 3, 1, 1, 1, 1, 2},
      /* kernel = image, without and with padding */
      {1, 6, 6, 2, 6, 6, 1, 1, 0, 0, 3},
      {2, 5, 9, 3, 5, 9, 1, 1, 0, 0, 3},
      {2, 5, 9, 3, 5, 9, 1, 1, 2, 4, 3},
      /* around the widths of vectors and tiles */
      {15, 6, 7, 16, 3, 3, 1, 1, 1, 1, 3},
      {16, 7, 6, 15, 3, 3, 1, 1, 1, 1, 3},
      {17, 5, 5, 31, 3, 3, 1, 1, 1, 1, 3},
      {31, 4, 6, 33, 3, 3, 2, 2, 1, 1, 3},
      {33, 5, 3, 17, 3, 2, 1, 2, 1, 1, 3},
      {64, 4, 4, 64, 3, 3, 1, 1, 1, 1, 2},
      {2, 16, 17, 16, 3, 3, 1, 1, 1, 1, 9},
      /* rows and columns that no window touches */
      {2, 8, 8, 3, 2, 2, 3, 3, 0, 0, 3},
      {1, 10, 11, 2, 1, 1, 3, 2, 0, 0, 3},
      {3, 11, 12, 2, 3, 3, 3, 3, 0, 0, 2},
      {2, 7, 8, 3, 2, 1, 3, 2, 1, 0, 2},
      /* much padding: a whole kernel of it, and with strides */
      {2, 6, 6, 4, 3, 3, 1, 1, 2, 2, 3},
      {2, 6, 5, 4, 3, 3, 1, 1, 3, 3, 2},
      {2, 7, 6, 3, 3, 4, 2, 3, 2, 3, 3},
      {1, 2, 3, 2, 5, 5, 1, 1, 2, 2, 3},
      /* the zoo */
      {1, 28, 28, 16, 3, 3, 1, 1, 1, 1, 33},
      {16, 14, 14, 32, 3, 3, 1, 1, 1, 1, 3},
      {1, 28, 28, 32, 5, 5, 1, 1, 2, 2, 2},
      {32, 14, 14, 32, 5, 5, 1, 1, 2, 2, 2},
      {1, 28, 28, 28, 3, 3, 1, 1, 0, 0, 3},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_conv2d_desc d = {shapes[i].channels, shapes[i].height,   shapes[i].width,
                        shapes[i].filters,  shapes[i].kernel_h, shapes[i].kernel_w,
                        shapes[i].stride_h, shapes[i].stride_w, shapes[i].pad_h,
                        shapes[i].pad_w,    i % 3 != 2,         act_of(i)};
    add(l, (dg_op_desc){DG_OP_CONV2D, {layer_case_mode(i)}, .conv2d = d}, shapes[i].max_n,
        FILL_RANDOM);
  }
  for (size_t i = 0; i < 10; i++) {
    dg_conv2d_desc d = {3, 9, 10, 18, 3, 3, 1, 1, 1, 1, i < 5, act_of(i)};
    add(l, (dg_op_desc){DG_OP_CONV2D, {layer_case_mode(i)}, .conv2d = d}, 3, FILL_RANDOM);
  }
}

static void pool2d_cases(list *l, dg_op_kind kind) {
  static const struct {
    dg_pool2d_desc d;
    uint32_t max_n;
  } shapes[] = {
      {{1, 1, 1, 1, 1, 1, 1, 0, 0}, 3},    {{16, 28, 28, 2, 2, 2, 2, 0, 0}, 3},
      {{32, 14, 14, 2, 2, 2, 2, 0, 0}, 2}, {{28, 26, 26, 2, 2, 2, 2, 0, 0}, 2},
      {{3, 7, 5, 2, 2, 2, 2, 0, 0}, 4},    {{2, 9, 9, 3, 3, 2, 2, 0, 0}, 3},
      {{2, 9, 8, 3, 3, 2, 2, 1, 1}, 3},    {{1, 6, 7, 3, 2, 1, 1, 1, 1}, 5},
      {{3, 5, 5, 5, 5, 1, 1, 0, 0}, 3},    {{4, 10, 11, 2, 3, 3, 4, 0, 0}, 3},
      {{2, 8, 9, 4, 5, 2, 3, 2, 2}, 3},    {{17, 6, 6, 2, 2, 2, 2, 0, 0}, 5},
      {{1, 33, 31, 3, 3, 3, 3, 1, 1}, 2},  {{5, 12, 1, 3, 1, 2, 1, 1, 0}, 3},
      {{1, 4, 70, 2, 2, 2, 2, 0, 0}, 17},
  };
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {kind, {i % 2 ? DG_GRAD_ADD : DG_GRAD_WRITE}, .pool2d = shapes[i].d};
    add(l, desc, shapes[i].max_n, FILL_RANDOM);
    if (kind == DG_OP_AVGPOOL2D) continue;
    add(l, desc, shapes[i].max_n, FILL_TIES);
    add(l, desc, shapes[i].max_n, FILL_NAN);
    add(l, desc, shapes[i].max_n, FILL_MINUS_INFINITY);
  }
}

static void activation_cases(list *l) {
  static const uint32_t counts[] = {1, 15, 16, 17, 33, 784, 4099};
  static const layer_fill fills[] = {FILL_RANDOM, FILL_TIES, FILL_WIDE};
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t a = 0; a < 5; a++) {
      dg_activation_desc d = {counts[i], act_of(a)};
      if (d.act.kind == DG_ACT_NONE) continue;
      dg_op_desc desc = {DG_OP_ACTIVATION, {layer_case_mode(i + a)}, .activation = d};
      add(l, desc, 3, fills[(i + a) % COUNT(fills)]);
    }
}

static void dropout_cases(list *l) {
  static const uint32_t counts[] = {1, 2, 3, 4, 5, 17, 64, 130, 784};
  static const float rates[] = {0.2f, 0.5f, 0, 0.999f};
  for (size_t i = 0; i < COUNT(counts); i++)
    for (size_t r = 0; r < 2; r++) {
      dg_dropout_desc d = {counts[i], rates[(i + r) % COUNT(rates)],
                           dg_stream(DG_STREAM_DROPOUT, (uint32_t)i)};
      dg_op_desc desc = {DG_OP_DROPOUT, {layer_case_mode(i + r)}, .dropout = d};
      add(l, desc, i < 4 ? 5 : 3, FILL_RANDOM);
    }
}

static void chw_cases(list *l) {
  static const dg_chw_desc shapes[] = {{1, 1, 1},  {3, 4, 5}, {32, 7, 7},  {17, 3, 2},
                                       {1, 9, 16}, {5, 1, 9}, {16, 16, 17}};
  for (size_t i = 0; i < COUNT(shapes); i++)
    add(l, (dg_op_desc){DG_OP_CHW_TO_HWC, {layer_case_mode(i)}, .chw = shapes[i]}, 3, FILL_RANDOM);
}

static void add_cases(list *l) {
  static const dg_add_desc shapes[] = {{1, 2}, {17, 3}, {784, 2}, {33, DG_MAX_IN}, {4, 4}};
  for (size_t i = 0; i < COUNT(shapes); i++) {
    dg_op_desc desc = {DG_OP_ADD, {DG_GRAD_NONE}, .add = shapes[i]};
    for (size_t k = 0; k < shapes[i].inputs; k++) desc.d_in[k] = layer_case_mode(i + k);
    add(l, desc, 3, FILL_RANDOM);
  }
}

size_t layer_cases(dg_op_kind kind, layer_case *cases) {
  list l = {cases, 0};
  switch (kind) {
  case DG_OP_LINEAR:
    linear_cases(&l);
    break;
  case DG_OP_CONV2D:
    conv2d_cases(&l);
    break;
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    pool2d_cases(&l, kind);
    break;
  case DG_OP_ACTIVATION:
    activation_cases(&l);
    break;
  case DG_OP_DROPOUT:
    dropout_cases(&l);
    break;
  case DG_OP_CHW_TO_HWC:
    chw_cases(&l);
    break;
  case DG_OP_ADD:
    add_cases(&l);
    break;
  case DG_OP_RECURRENT:
    return recurrent_cases(cases);
  default:
    break;
  }
  return l.count;
}

float layer_case_scale(const dg_op_desc *desc, uint32_t k) {
  return desc->kind == DG_OP_RECURRENT ? recurrent_param_scale(&desc->recurrent, k) : 1;
}

/* ---- in words ----------------------------------------------------------- */

static const char *act_text(dg_act act) {
  static const char *const names[] = {"", ", relu", ", leaky relu", ", sigmoid", ", tanh"};
  return names[act.kind];
}

static void op_text(const dg_op_desc *desc, char *text, size_t room) {
  const dg_linear_desc *linear = &desc->linear;
  const dg_conv2d_desc *conv = &desc->conv2d;
  const dg_pool2d_desc *pool = &desc->pool2d;
  switch (desc->kind) {
  case DG_OP_LINEAR:
    snprintf(text, room, "linear %u to %u%s%s", linear->in, linear->out,
             linear->bias ? ", bias" : "", act_text(linear->act));
    break;
  case DG_OP_CONV2D:
    snprintf(text, room, "conv2d [%u, %u, %u], %u of %ux%u, stride %ux%u, pad %ux%u%s%s",
             conv->channels, conv->height, conv->width, conv->filters, conv->kernel_h,
             conv->kernel_w, conv->stride_h, conv->stride_w, conv->pad_h, conv->pad_w,
             conv->bias ? ", bias" : "", act_text(conv->act));
    break;
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    snprintf(text, room, "%s [%u, %u, %u], %ux%u, stride %ux%u, pad %ux%u",
             desc->kind == DG_OP_MAXPOOL2D ? "maxpool2d" : "avgpool2d", pool->channels,
             pool->height, pool->width, pool->kernel_h, pool->kernel_w, pool->stride_h,
             pool->stride_w, pool->pad_h, pool->pad_w);
    break;
  case DG_OP_ACTIVATION:
    snprintf(text, room, "activation of %u%s", desc->activation.count,
             act_text(desc->activation.act));
    break;
  case DG_OP_DROPOUT:
    snprintf(text, room, "dropout of %u, rate %g", desc->dropout.count, desc->dropout.rate);
    break;
  case DG_OP_CHW_TO_HWC:
    snprintf(text, room, "chw to hwc [%u, %u, %u]", desc->chw.channels, desc->chw.height,
             desc->chw.width);
    break;
  case DG_OP_ADD:
    snprintf(text, room, "add %u of %u", desc->add.inputs, desc->add.count);
    break;
  case DG_OP_RECURRENT:
    recurrent_text(&desc->recurrent, text, room);
    break;
  default:
    snprintf(text, room, "op %d", desc->kind);
    break;
  }
}

void layer_case_text(const layer_case *c, char *text, size_t room) {
  static const char *const fills[] = {"", ", ties", ", wide", ", NaN", ", minus infinity"};
  static const char *const modes[] = {", no d_in", "", ", d_in added"};
  char op[200];
  op_text(&c->desc, op, sizeof op);
  snprintf(text, room, "%s%s%s, n up to %u", op, modes[c->desc.d_in[0]], fills[c->fill], c->max_n);
}
