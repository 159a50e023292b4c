/** channel_shuffle, pixel_shuffle and pixel_unshuffle: permutations of images. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t count;
} config;

static const config defaults = {0};

static void set_permutation(dg_layer_plan *plan, const dg_permute_desc *d, const dg_shape *out) {
  plan->op = (dg_op_desc){.kind = DG_OP_PERMUTE, .permute = *d};
  plan->out = *out;
}

/* ---- channel_shuffle ---------------------------------------------------- */

static const dg_key group_keys[] = {
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, count),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "groups that the channels come in; the result has one of each in turn"},
};

/** [groups, channels / groups, pixels] becomes [channels / groups, groups, pixels]. */
static bool plan_channel_shuffle(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                 dg_error *err) {
  const uint32_t groups = ((const config *)given)->count, *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  if (in[0] % groups)
    return dg_fail(err, DG_ERR_INPUT, "%u groups don't divide the %u channels of \"%s\"", groups,
                   in[0], site->in_names[0]);
  const dg_permute_desc d = {3, {groups, in[0] / groups, in[1] * in[2]}, {1, 0, 2}};
  set_permutation(plan, &d, &site->in[0]);
  return true;
}

/* ---- pixel_shuffle ------------------------------------------------------ */

static const dg_key scale_keys[] = {
    {.name = "scale",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, count),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "factor of the height and the width"},
};

/** [c, s, s, h, w] becomes [c, h, s, w, s] (Shi et al., arXiv:1609.05158). */
static bool plan_pixel_shuffle(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                               dg_error *err) {
  const uint32_t scale = ((const config *)given)->count, *in = site->in[0].dim;
  const uint32_t area = scale * scale;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  if (in[0] % area)
    return dg_fail(err, DG_ERR_INPUT,
                   "a scale of %u needs a multiple of %u channels, but \"%s\" gives %u", scale,
                   area, site->in_names[0], in[0]);
  const dg_permute_desc d = {5, {in[0] / area, scale, scale, in[1], in[2]}, {0, 3, 1, 4, 2}};
  set_permutation(plan, &d, &(dg_shape){3, {in[0] / area, scale * in[1], scale * in[2]}});
  return true;
}

/** [c, h, s, w, s] becomes [c, s, s, h, w]. */
static bool plan_pixel_unshuffle(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                 dg_error *err) {
  const uint32_t scale = ((const config *)given)->count, *in = site->in[0].dim;
  char shape[64];
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  if (in[1] % scale || in[2] % scale)
    return dg_fail(
        err, DG_ERR_INPUT,
        "a scale of %u doesn't divide the height and the width of \"%s\", which gives %s", scale,
        site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape));
  const dg_permute_desc d = {
      5, {in[0], in[1] / scale, scale, in[2] / scale, scale}, {0, 2, 4, 1, 3}};
  set_permutation(plan, &d, &(dg_shape){3, {in[0] * scale * scale, in[1] / scale, in[2] / scale}});
  return true;
}

#define SHUFFLE(name, list, text)                                                                  \
  const dg_layer_class dg_layer_##name = {                                                         \
      .type = #name,                                                                               \
      .help = text,                                                                                \
      .keys = list,                                                                                \
      .key_count = sizeof list / sizeof *list,                                                     \
      .defaults = &defaults,                                                                       \
      .config_size = sizeof(config),                                                               \
      .min_inputs = 1,                                                                             \
      .max_inputs = 1,                                                                             \
      .plan = plan_##name,                                                                         \
  }

SHUFFLE(channel_shuffle, group_keys,
        "Mixes the channels of an image that come in groups (Zhang et al., arXiv:1707.01083).");
SHUFFLE(pixel_shuffle, scale_keys,
        "Makes a larger image of fewer channels: `scale` x `scale` of them become a square of "
        "pixels (Shi et al., arXiv:1609.05158).");
SHUFFLE(pixel_unshuffle, scale_keys,
        "Makes a smaller image of more channels: the opposite of pixel_shuffle.");
