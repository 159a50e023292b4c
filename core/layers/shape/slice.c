#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes dim;
  uint32_t from, to, length, parts, part;
} config;

static const config defaults = {.from = 0};

static const dg_key keys[] = {
    {.name = "dim",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, dim),
     .low = -3,
     .high = 2,
     .most = 1,
     .help = "the dimension that it takes a part of (from 0, -1 is the last); without it the "
             "channels of an image, the features of a sequence"},
    {.name = "from",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, from),
     .help = "the first index"},
    {.name = "to",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, to),
     .help = "the index after the last; 0: all that follow"},
    {.name = "length",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, length),
     .help = "how many, instead of `to`"},
    {.name = "parts",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, parts),
     .help = "or: cuts the dimension into so many parts of one size, rounded up (torch.chunk)"},
    {.name = "part",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, part),
     .help = "which of the parts, from 0"},
};

/** Part of a dimension. */
typedef struct {
  uint64_t first, end;
} range;

/** What the keys ask for of `count`. */
static range range_of(const config *c, uint32_t count) {
  if (c->parts) {
    const uint64_t size = ((uint64_t)count + c->parts - 1) / c->parts, first = c->part * size;
    return (range){first, first + size < count ? first + size : count};
  }
  return (range){c->from, c->length ? (uint64_t)c->from + c->length : c->to ? c->to : count};
}

static bool check_keys(const config *c, dg_error *err) {
  if (c->parts && (c->from || c->to || c->length))
    return dg_fail(err, DG_ERR_INPUT,
                   "`parts` and `part` say what `from`, `to` and `length` say, too; leave either "
                   "out");
  if (!c->parts && c->part)
    return dg_fail(err, DG_ERR_INPUT, "`part` needs `parts`: how many there are");
  if (c->to && c->length)
    return dg_fail(err, DG_ERR_INPUT, "`to` and `length` say the same; leave one out");
  return true;
}

static bool plan_slice(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                       dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  uint32_t dim = in->rank == 2 ? 1 : 0;
  char shape[64];
  if (!check_keys(c, err)) return false;
  if (c->dim.count && !dg_layer_dim("dim", c->dim.value[0], site, &dim, err)) return false;
  const dg_axis axis = dg_axis_of(in, dim, dim);
  const range r = range_of(c, axis.count);
  if (r.first >= r.end || r.end > axis.count)
    return dg_fail(err, DG_ERR_INPUT,
                   "dimension %u of \"%s\", which gives %s, has nothing or not enough from %llu to "
                   "%llu",
                   dim, site->in_names[0], dg_shape_text(in, shape, sizeof shape),
                   (unsigned long long)r.first, (unsigned long long)r.end);
  const dg_slice_desc d = {.outer = axis.outer,
                           .count = axis.count,
                           .inner = axis.inner,
                           .first = (uint32_t)r.first,
                           .length = (uint32_t)(r.end - r.first)};
  plan->out = *in;
  plan->out.dim[dim] = d.length;
  plan->view = d.length == d.count;
  if (dg_layer_is_apart(in, dim))
    plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){.kind = DG_OP_SLICE, .slice = d};
  return true;
}

const dg_layer_class dg_layer_slice = {
    .type = "slice",
    .help = "A part of a dimension: what is from one index to another, or one of several parts.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_slice,
};
