#include <string.h>

#include "core/layers/layer.h"

/** Can these be concatenated: are all dimensions but the joined one equal? */
static bool joinable(const dg_shape *a, const dg_shape *b) {
  if (a->rank != b->rank) return false;
  if (a->rank == 3) return memcmp(a->dim + 1, b->dim + 1, 2 * sizeof *a->dim) == 0;
  return a->rank == 1 || a->dim[0] == b->dim[0];
}

static bool check(const dg_layer_site *site, dg_error *err) {
  static const char *const fits[] = {"", "[features]", "[steps, features] with the same steps",
                                     "[channels, height, width] with the same height and width"};
  const dg_shape *first = &site->in[0];
  for (uint32_t i = 1; i < site->inputs; i++) {
    if (joinable(first, &site->in[i])) continue;
    char a[64], b[64];
    return dg_fail(err, DG_ERR_INPUT,
                   "can't join \"%s\", which gives %s, with \"%s\", which gives %s; what fits is "
                   "another %s",
                   site->in_names[0], dg_shape_text(first, a, sizeof a), site->in_names[i],
                   dg_shape_text(&site->in[i], b, sizeof b), fits[first->rank]);
  }
  return true;
}

static bool plan_concat(const void *config, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  (void)config;
  if (!check(site, err)) return false;
  dg_concat_desc d = {.rows = site->in[0].rank == 2 ? site->in[0].dim[0] : 1,
                      .inputs = site->inputs};
  uint32_t joined = site->in[0].rank == 2 ? 1 : 0; /* the joined dimension */
  uint64_t numbers = 0, side = 0;
  for (uint32_t i = 0; i < site->inputs; i++) {
    uint64_t count = dg_shape_count(&site->in[i]);
    d.count[i] = (uint32_t)(count / d.rows);
    numbers = dg_size_plus(numbers, count);
    side = dg_size_plus(side, site->in[i].dim[joined]);
  }
  if (!dg_size_fits(numbers))
    return dg_fail(err, DG_ERR_INPUT,
                   "its %u inputs together have %llu numbers a sample, more than %d", site->inputs,
                   (unsigned long long)numbers, DG_SIZE_NUMBERS);
  plan->out = site->in[0];
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->out.dim[joined] = (uint32_t)side;
  plan->op = (dg_op_desc){.kind = DG_OP_CONCAT, .concat = d};
  return true;
}

const dg_layer_class dg_layer_concat = {
    .type = "concat",
    .help =
        "Joins several layers' outputs, named in `inputs`: the channels of images, the features of "
        "each step of sequences, or features.",
    .min_inputs = 2,
    .max_inputs = DG_MAX_IN,
    .plan = plan_concat,
};
