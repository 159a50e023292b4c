#include "tests/common/cases/cases.h"

#include <stdio.h>
#include <string.h>

#include "tests/common/cases/list.h"

void add_case(case_list *l, dg_op_desc desc, uint32_t max_n, layer_fill fill) {
  if (l->cases) l->cases[l->count] = (layer_case){desc, max_n, fill};
  l->count++;
}

dg_grad_mode mode_of(size_t turn) {
  static const dg_grad_mode modes[] = {DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_WRITE, DG_GRAD_NONE,
                                       DG_GRAD_WRITE, DG_GRAD_ADD, DG_GRAD_ADD};
  return modes[turn % COUNT(modes)];
}

dg_act act_of(size_t turn) {
  static const dg_act acts[] = {{DG_ACT_RELU, 0},
                                {DG_ACT_NONE, 0},
                                {DG_ACT_LEAKY_RELU, 0.01f},
                                {DG_ACT_SIGMOID, 0},
                                {DG_ACT_TANH, 0}};
  return acts[turn % COUNT(acts)];
}

size_t layer_cases(dg_op_kind kind, layer_case *cases) {
  case_list l = {cases, 0};
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
  case DG_OP_CONCAT:
    concat_cases(&l);
    break;
  case DG_OP_CONV1D:
    conv1d_cases(&l);
    break;
  case DG_OP_BATCH_NORM:
    batch_norm_cases(&l);
    break;
  case DG_OP_LAYER_NORM:
    layer_norm_cases(&l);
    break;
  case DG_OP_RECURRENT:
    recurrent_cases(&l);
    break;
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

/** Appends what is fused behind the activation. */
static void append_ending(uint32_t pool, dg_drop drop, char *text, size_t room) {
  size_t used = strlen(text);
  if (pool) snprintf(text + used, room - used, ", pool %u", pool);
  used = strlen(text);
  if (drop.rate > 0) snprintf(text + used, room - used, ", dropout %g", drop.rate);
}

static void op_text(const dg_op_desc *desc, char *text, size_t room) {
  const dg_linear_desc *linear = &desc->linear;
  const dg_conv2d_desc *conv = &desc->conv2d;
  const dg_pool2d_desc *pool = &desc->pool2d;
  const dg_conv1d_desc *conv1d = &desc->conv1d;
  const dg_batch_norm_desc *norm = &desc->batch_norm;
  switch (desc->kind) {
  case DG_OP_LINEAR:
    snprintf(text, room, "linear %u to %u%s%s", linear->in, linear->out,
             linear->bias ? ", bias" : "", act_text(linear->act));
    append_ending(0, linear->drop, text, room);
    break;
  case DG_OP_CONV2D:
    snprintf(text, room, "conv2d [%u, %u, %u], %u of %ux%u, stride %ux%u, pad %ux%u%s%s",
             conv->channels, conv->height, conv->width, conv->filters, conv->kernel_h,
             conv->kernel_w, conv->stride_h, conv->stride_w, conv->pad_h, conv->pad_w,
             conv->bias ? ", bias" : "", act_text(conv->act));
    append_ending(conv->pool, conv->drop, text, room);
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
  case DG_OP_CONCAT:
    snprintf(text, room, "concat %u, %u rows, the first of %u", desc->concat.inputs,
             desc->concat.rows, desc->concat.count[0]);
    break;
  case DG_OP_CONV1D:
    snprintf(text, room, "conv1d [%u, %u], %u of %u, stride %u, pad %u%s%s", conv1d->steps,
             conv1d->in, conv1d->filters, conv1d->kernel, conv1d->stride, conv1d->pad,
             conv1d->bias ? ", bias" : "", act_text(conv1d->act));
    break;
  case DG_OP_BATCH_NORM:
    snprintf(text, room, "batch norm [%u, %u, %u], momentum %g, eps %g%s", norm->rows,
             norm->channels, norm->plane, norm->momentum, norm->eps, act_text(norm->act));
    break;
  case DG_OP_LAYER_NORM:
    snprintf(text, room, "layer norm [%u, %u], eps %g", desc->layer_norm.rows,
             desc->layer_norm.count, desc->layer_norm.eps);
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
  static const char *const fills[] = {"", ", ties", ", wide", ", NaN", ", minus infinity", ", far"};
  static const char *const modes[] = {", no d_in", "", ", d_in added"};
  char op[200];
  op_text(&c->desc, op, sizeof op);
  snprintf(text, room, "%s%s%s, n up to %u", op, modes[c->desc.d_in[0]], fills[c->fill], c->max_n);
}
