/** mean, max and sum over dimensions. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes dim;
  bool keep;
} config;

static const config defaults = {.keep = false};

static const dg_key keys[] = {
    {.name = "dim",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, dim),
     .low = -3,
     .high = 2,
     .most = 3,
     .required = true,
     .help = "the dimension (from 0, -1 is the last), or several adjacent ones"},
    {.name = "keep",
     .type = DG_KEY_BOOL,
     .offset = offsetof(config, keep),
     .help = "leave the dimensions there, each of size 1"},
};

/** Finds the first and last dimension to reduce. */
static bool find_dims(const dg_wholes *given, const dg_layer_site *site, uint32_t *first,
                      uint32_t *last, dg_error *err) {
  uint32_t seen = 0;
  *first = site->in[0].rank, *last = 0;
  for (uint32_t k = 0; k < given->count; k++) {
    uint32_t dim;
    if (!dg_layer_dim("dim", given->value[k], site, &dim, err)) return false;
    if (seen & 1u << dim) return dg_fail(err, DG_ERR_INPUT, "dim names dimension %u twice", dim);
    seen |= 1u << dim;
    if (dim < *first) *first = dim;
    if (dim > *last) *last = dim;
  }
  return *last - *first + 1 == given->count ||
         dg_fail(
             err, DG_ERR_INPUT,
             "dim must name adjacent dimensions; two layers reduce others, one after the other");
}

/** The shape without the dimensions, or with 1 in their place; [1] if none is left. */
static dg_shape shape_of(const dg_shape *in, uint32_t first, uint32_t last, bool keep) {
  dg_shape out = {.rank = 0};
  for (uint32_t k = 0; k < in->rank; k++) {
    const bool reduced = k >= first && k <= last;
    if (!reduced || keep) out.dim[out.rank++] = reduced ? 1 : in->dim[k];
  }
  if (!out.rank) out.dim[out.rank++] = 1;
  return out;
}

static bool plan_reduction(const config *c, dg_reduce_kind kind, const dg_layer_site *site,
                           dg_layer_plan *plan, dg_error *err) {
  const dg_shape *in = &site->in[0];
  uint32_t first, last;
  if (!find_dims(&c->dim, site, &first, &last, err)) return false;
  const dg_axis axis = dg_axis_of(in, first, last);
  plan->out = shape_of(in, first, last, c->keep);
  if (dg_layer_is_apart(in, first) && c->keep)
    plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  if (kind == DG_REDUCE_MEAN && in->rank == 2 && last == 0) plan->steps.use = DG_STEPS_AVERAGED;
  plan->op = (dg_op_desc){
      .kind = DG_OP_REDUCE,
      .reduce = {.outer = axis.outer, .count = axis.count, .inner = axis.inner, .kind = kind}};
  return true;
}

#define REDUCTION(name, kind, text)                                                                \
  static bool plan_##name(const void *given, const dg_layer_site *site, dg_layer_plan *plan,       \
                          dg_error *err) {                                                         \
    return plan_reduction(given, kind, site, plan, err);                                           \
  }                                                                                                \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name,                                                                               \
      .help = text,                                                                                \
      .keys = keys,                                                                                \
      .key_count = sizeof keys / sizeof *keys,                                                     \
      .defaults = &defaults,                                                                       \
      .config_size = sizeof(config),                                                               \
      .min_inputs = 1,                                                                             \
      .max_inputs = 1,                                                                             \
      .plan = plan_##name,                                                                         \
  }

REDUCTION(mean, DG_REDUCE_MEAN, "The mean over a dimension or several.");
REDUCTION(max, DG_REDUCE_MAX, "The largest number along a dimension or several.");
REDUCTION(sum, DG_REDUCE_SUM, "The sum over a dimension or several.");
