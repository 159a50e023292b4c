#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t words, width;
} config;

static const config defaults = {.words = 0};

static const dg_key keys[] = {
    {.name = "words",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, words),
     .low = 1,
     .high = DG_WORDS_MOST,
     .required = true,
     .help = "how many there are, PyTorch's num_embeddings: inputs are 0 to words - 1"},
    {.name = "width",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, width),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "features of a word, PyTorch's embedding_dim"},
};

static bool plan_embedding(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  char shape[64];
  if (in->rank > 2 || (in->rank == 2 && in->dim[1] != 1))
    return dg_fail(err, DG_ERR_INPUT, "needs [steps] or [steps, 1], but \"%s\" gives %s",
                   site->in_names[0], dg_shape_text(in, shape, sizeof shape));
  plan->out = (dg_shape){2, {in->dim[0], c->width}};
  plan->steps.use = DG_STEPS_APART;
  plan->op = (dg_op_desc){.kind = DG_OP_EMBEDDING,
                          .embedding = {.steps = in->dim[0], .words = c->words, .width = c->width}};
  plan->params = 1;
  plan->param[0] = (dg_param_spec){.suffix = "weight",
                                   .rank = 2,
                                   .dim = {c->words, c->width},
                                   .init = DG_INIT_NORMAL,
                                   .deviation = 1};
  return true;
}

const dg_layer_class dg_layer_embedding = {
    .type = "embedding",
    .help = "Makes features of whole numbers: number k becomes row k of a table that it learns. It "
            "reads the network's input.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_embedding,
};
