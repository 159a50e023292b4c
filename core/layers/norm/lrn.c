#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t size;
  double alpha, beta, k;
} config;

static const config defaults = {.alpha = 1e-4, .beta = 0.75, .k = 1};

static const dg_key keys[] = {
    {.name = "size",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, size),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "channels that are summed"},
    {.name = "alpha",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, alpha),
     .high = 1e6,
     .help = "factor of the mean square of the channels"},
    {.name = "beta",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, beta),
     .high = 16,
     .help = "exponent"},
    {.name = "k",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, k),
     .low = 1e-6,
     .high = 1e6,
     .help = "added to the mean square times alpha"},
};

static bool plan_lrn(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  plan->out = site->in[0];
  plan->op = (dg_op_desc){.kind = DG_OP_LRN,
                          .lrn = {.channels = in[0],
                                  .plane = in[1] * in[2],
                                  .size = c->size,
                                  .alpha = (float)c->alpha,
                                  .beta = (float)c->beta,
                                  .k = (float)c->k}};
  return true;
}

const dg_layer_class dg_layer_lrn = {
    .type = "lrn",
    .help = "Divides every pixel of an image by a power of the mean square of the channels around "
            "its own: local response normalization (Krizhevsky et al., 2012).",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_lrn,
};
