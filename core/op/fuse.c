#include "core/op/fuse.h"

#include <stdio.h>

/** The member of a description at `offset` of its union member, whichever that is (see
    dg_op_member); NULL for offset 0. */
static void *place(dg_op_desc *desc, size_t offset) {
  return offset ? (char *)&desc->linear + offset : NULL;
}

/** Pointers to the fused parts of an op's description; NULL for those that can't be fused. */
typedef struct {
  dg_act *act;
  uint32_t *pool;
  dg_drop *drop;
  bool *statistics;
} places;

static places places_of(dg_op_desc *desc) {
  const dg_op_traits *traits = dg_op_traits_of(desc->kind);
  return (places){.act = place(desc, traits->act),
                  .pool = place(desc, traits->pool),
                  .drop = place(desc, traits->drop),
                  .statistics = place(desc, traits->statistics)};
}

dg_op_epilogue dg_op_epilogue_of(const dg_op_desc *desc) {
  dg_op_desc copy = *desc;
  places p = places_of(&copy);
  dg_op_epilogue epilogue = {.pool = p.pool ? *p.pool : 0,
                             .statistics = p.statistics && *p.statistics};
  if (p.act) epilogue.act = *p.act;
  if (p.drop) epilogue.drop = *p.drop;
  return epilogue;
}

static bool fuse_activation(const places *p, const dg_activation_desc *d) {
  if (!p->act || p->act->kind != DG_ACT_NONE || (p->pool && *p->pool)) return false;
  *p->act = d->act;
  return true;
}

/** A pooling over adjacent square windows. */
static bool fuse_maximum(const places *p, const dg_pool2d_desc *d) {
  bool squares = d->kernel_w == d->kernel_h && d->stride_h == d->kernel_h &&
                 d->stride_w == d->kernel_h && d->pad_h == 0 && d->pad_w == 0;
  if (!p->pool || *p->pool || !squares) return false;
  *p->pool = d->kernel_h;
  return true;
}

static bool fuse_dropout(const places *p, const dg_dropout_desc *d) {
  if (!p->drop) return false;
  *p->drop = (dg_drop){d->rate, d->stream};
  return true;
}

bool dg_op_fuse(dg_op_desc *desc, const dg_op_desc *op) {
  places p = places_of(desc);
  if (p.drop && p.drop->rate > 0) return false;
  switch (op->kind) {
  case DG_OP_ACTIVATION:
    return fuse_activation(&p, &op->activation);
  case DG_OP_MAXPOOL2D:
    return fuse_maximum(&p, &op->pool2d);
  case DG_OP_DROPOUT:
    return fuse_dropout(&p, &op->dropout);
  default:
    return false;
  }
}

bool dg_op_add_bias(dg_op_desc *desc) {
  bool *bias = place(desc, dg_op_traits_of(desc->kind)->bias);
  if (bias) *bias = true;
  return bias;
}

void dg_op_text(const dg_op_desc *desc, const char *name, char *text, size_t capacity) {
  static const char *const acts[] = {"", " + relu", " + leaky_relu", " + sigmoid", " + tanh"};
  dg_op_epilogue epilogue = dg_op_epilogue_of(desc);
  snprintf(text, capacity, "%s%s%s%s%s", name, acts[epilogue.act.kind],
           epilogue.pool ? " + maxpool2d" : "", epilogue.drop.rate > 0 ? " + dropout" : "",
           epilogue.statistics ? " + statistics" : "");
}
