#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_padding padding;
  int mode;
} config;

static const config defaults = {.mode = DG_PAD_ZEROS};
static const char *const modes[] = {"zeros", "reflect", "replicate", NULL};

/** Both layers' keys, with another type of padding. */
#define KEYS(padding_type, what)                                                                   \
  {                                                                                                \
    {.name = "padding",                                                                            \
     .type = padding_type,                                                                         \
     .offset = offsetof(config, padding),                                                          \
     .high = 4096,                                                                                 \
     .required = true,                                                                             \
     .help = what},                                                                                \
        {.name = "mode",                                                                           \
         .type = DG_KEY_CHOICE,                                                                    \
         .offset = offsetof(config, mode),                                                         \
         .choices = modes,                                                                         \
         .help = "what is added: zeros, the mirror image, or the number at the edge"},             \
  }

static const dg_key keys_of_images[] = KEYS(DG_KEY_SIDES, "rows and columns to add"),
                    keys_of_steps[] = KEYS(DG_KEY_STEP_SIDES, "steps to add");

/** Plans what the description says, for an output of `rank`. */
static bool plan_pad(const dg_pad_desc *d, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  char shape[64];
  if (!dg_pad_agrees(d))
    return dg_fail(
        err, DG_ERR_INPUT,
        "mode = \"reflect\" mirrors less than the whole input, but \"%s\" gives %s; make "
        "the padding smaller",
        site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape));
  plan->op = (dg_op_desc){.kind = DG_OP_PAD, .pad = *d};
  return true;
}

static bool plan_pad2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                       dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim, *begin = c->padding.begin, *end = c->padding.end;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  const dg_pad_desc d = {.outer = in[0],
                         .height = in[1],
                         .width = in[2],
                         .inner = 1,
                         .top = begin[0],
                         .left = begin[1],
                         .bottom = end[0],
                         .right = end[1],
                         .mode = (dg_pad_mode)c->mode};
  plan->out = (dg_shape){3, {in[0], begin[0] + in[1] + end[0], begin[1] + in[2] + end[1]}};
  return plan_pad(&d, site, plan, err);
}

static bool plan_pad1d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                       dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  const dg_pad_desc d = {.outer = 1,
                         .height = in[0],
                         .width = 1,
                         .inner = in[1],
                         .top = c->padding.begin[0],
                         .bottom = c->padding.end[0],
                         .mode = (dg_pad_mode)c->mode};
  plan->out = (dg_shape){2, {c->padding.begin[0] + in[0] + c->padding.end[0], in[1]}};
  return plan_pad(&d, site, plan, err);
}

const dg_layer_class dg_layer_pad2d = {
    .type = "pad2d",
    .help = "Adds rows and columns around an image.",
    .keys = keys_of_images,
    .key_count = sizeof keys_of_images / sizeof *keys_of_images,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_pad2d,
};

const dg_layer_class dg_layer_pad1d = {
    .type = "pad1d",
    .help = "Adds steps at the ends of a sequence.",
    .keys = keys_of_steps,
    .key_count = sizeof keys_of_steps / sizeof *keys_of_steps,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_pad1d,
};
