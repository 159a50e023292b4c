#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t heads;
  bool causal;
} config;

static const config defaults = {.heads = 0};

static const dg_key keys[] = {
    {.name = "heads",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, heads),
     .low = 1,
     .high = 1 << 16,
     .required = true,
     .help = "parts of the features that attend by themselves, PyTorch's num_heads"},
    {.name = "causal",
     .type = DG_KEY_BOOL,
     .offset = offsetof(config, causal),
     .help = "a step attends to itself and those before it alone"},
};

static bool plan_attention(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  if (in[0] > DG_LENGTH_MOST)
    return dg_fail(err, DG_ERR_INPUT, "\"%s\" gives %u steps; at most %d are allowed",
                   site->in_names[0], in[0], DG_LENGTH_MOST);
  if (in[1] % 3 || in[1] / 3 % c->heads)
    return dg_fail(
        err, DG_ERR_INPUT,
        "\"%s\" gives %u features, which are not a query, a key and a value for each of "
        "%u heads: 3 times a multiple of heads would fit, as of a linear layer before it",
        site->in_names[0], in[1], c->heads);
  plan->out = (dg_shape){2, {in[0], in[1] / 3}};
  plan->steps.use = DG_STEPS_ATTENDED;
  plan->op = (dg_op_desc){
      .kind = DG_OP_ATTENTION,
      .attention = {
          .steps = in[0], .heads = c->heads, .width = in[1] / 3 / c->heads, .causal = c->causal}};
  return true;
}

const dg_layer_class dg_layer_attention = {
    .type = "attention",
    .help = "Multi-head self-attention: every step becomes a mean of the values of all steps, "
            "weighted by how its query fits their keys (Vaswani et al., 2017). A step of the input "
            "has its query, key and value side by side: put a linear layer of 3 times the features "
            "before it, and one after it.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_attention,
};
