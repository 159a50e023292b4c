#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t scale;
  int mode;
} config;

enum { NEAREST, BILINEAR };
static const char *const modes[] = {"nearest", "bilinear", NULL};

static const config defaults = {.scale = 0};

static const dg_key keys[] = {
    {.name = "scale",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, scale),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "factor of the height and the width"},
    {.name = "mode",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, mode),
     .choices = modes,
     .help = "nearest: squares of equal pixels; bilinear: means of the pixels around, by nearness"},
};

static bool plan_upsample2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                            dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  char shape[64];
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  plan->op = (dg_op_desc){
      .kind = c->mode == BILINEAR ? DG_OP_UPSAMPLE_BILINEAR2D : DG_OP_UPSAMPLE2D,
      .upsample2d = {.channels = in[0], .height = in[1], .width = in[2], .scale = c->scale}};
  if (!dg_size_fits(dg_op_sizes_of(&plan->op).out[0]))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s of \"%s\", scaled by %u, would have more than %d numbers; make the scale "
                   "smaller",
                   dg_shape_text(&site->in[0], shape, sizeof shape), site->in_names[0], c->scale,
                   DG_SIZE_NUMBERS);
  plan->out = (dg_shape){3, {in[0], c->scale * in[1], c->scale * in[2]}};
  return true;
}

const dg_layer_class dg_layer_upsample2d = {
    .type = "upsample2d",
    .help = "Enlarges an image.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_upsample2d,
};
