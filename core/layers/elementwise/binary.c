/** Sums, differences, products and quotients of layers' outputs. */
#include <string.h>

#include "core/layers/layer.h"

/** The dimensions of an input, as the op reads them beside one of `rank`. False: it has no place
    there. */
static bool place(const dg_shape *in, uint32_t rank, uint32_t dim[3]) {
  dim[0] = dim[1] = dim[2] = 1;
  if (in->rank == 1 && rank == 3) return dim[0] = in->dim[0], true; /* [channels] of an image */
  if (in->rank != rank && in->rank != 1) return false;
  for (uint32_t i = 0; i < in->rank; i++) dim[3 - in->rank + i] = in->dim[i];
  return true;
}

static bool misfit(const dg_layer_site *site, uint32_t i, dg_error *err) {
  char a[64], b[64];
  return dg_fail(err, DG_ERR_INPUT,
                 "needs inputs of one shape, but \"%s\" gives %s and \"%s\" gives %s%s",
                 site->in_names[0], dg_shape_text(&site->in[0], a, sizeof a), site->in_names[i],
                 dg_shape_text(&site->in[i], b, sizeof b),
                 site->inputs > 2 ? ""
                                  : "; dimensions of 1 fit any, and so do one number a channel "
                                    "to an image and one a feature to a sequence");
}

/** The rule for sequences of unequal length: beyond their ends, 0 / 0 would be NaN. */
static dg_steps_rule steps_of(dg_binary_kind kind, const dg_shape *in) {
  const bool one_row = in[0].rank != in[1].rank;
  if (kind == DG_BINARY_DIVIDE && in[1].rank == 2) return (dg_steps_rule){.use = DG_STEPS_UNKNOWN};
  return (dg_steps_rule){.use = DG_STEPS_APART,
                         .keeps_zeros = kind >= DG_BINARY_MULTIPLY || !one_row};
}

static bool plan_binary(dg_binary_kind kind, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const dg_shape *a = &site->in[0], *b = &site->in[1];
  dg_binary_desc d = {.kind = kind};
  plan->out = a->rank > b->rank ? *a : *b;
  const uint32_t rank = plan->out.rank;
  if (!place(a, rank, d.dim[0]) || !place(b, rank, d.dim[1]) || !dg_binary_agrees(&d))
    return misfit(site, 1, err);
  for (uint32_t i = 0; i < rank; i++) plan->out.dim[i] = dg_binary_out(&d, 3 - rank + i);
  plan->steps = steps_of(kind, site->in);
  plan->op = (dg_op_desc){.kind = DG_OP_BINARY, .binary = d};
  return true;
}

/** The first input whose shape is another than that of the first; 0: all have one shape. */
static uint32_t other_shape(const dg_layer_site *site) {
  for (uint32_t i = 1; i < site->inputs; i++)
    if (memcmp(&site->in[i], &site->in[0], sizeof(dg_shape)) != 0) return i;
  return 0;
}

static bool plan_add(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  (void)config;
  const uint32_t other = other_shape(site);
  if (other && site->inputs == 2) return plan_binary(DG_BINARY_ADD, site, plan, err);
  if (other) return misfit(site, other, err);
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){
      .kind = DG_OP_ADD,
      .add = {.count = (uint32_t)dg_shape_count(&site->in[0]), .inputs = site->inputs}};
  return true;
}

const dg_layer_class dg_layer_add = {
    .type = "add",
    .help = "Adds several layers' outputs, named in `inputs`; of two, one may be repeated as by "
            "multiply.",
    .min_inputs = 2,
    .max_inputs = DG_MAX_IN,
    .plan = plan_add,
};

/** A kind of layer with two inputs. */
#define OF_TWO(name, function, text)                                                               \
  static bool plan_##name(const void *config, const dg_layer_site *site, dg_layer_plan *plan,      \
                          dg_error *err) {                                                         \
    (void)config;                                                                                  \
    return plan_binary(function, site, plan, err);                                                 \
  }                                                                                                \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name, .help = text, .min_inputs = 2, .max_inputs = 2, .plan = plan_##name}

OF_TWO(multiply, DG_BINARY_MULTIPLY,
       "Multiplies two layers' outputs, named in `inputs`. A dimension of 1 is repeated; "
       "[channels] are repeated over an image, [features] over the steps of a sequence.");
OF_TWO(subtract, DG_BINARY_SUBTRACT,
       "The first of two layers' outputs less the second; one may be repeated as by multiply.");
OF_TWO(divide, DG_BINARY_DIVIDE,
       "The first of two layers' outputs by the second; one may be repeated as by multiply.");
