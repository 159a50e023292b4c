/** The group `augment` of `data`: how training samples are changed, and which inputs it suits. */
#include <libconfig.h>
#include <stddef.h>

#include "core/model/model.h"

#define KEY(field, kind, ...)                                                                      \
  {                                                                                                \
    .name = #field, .type = DG_KEY_##kind, .offset = offsetof(dg_augment_recipe, field),           \
    __VA_ARGS__                                                                                    \
  }

static const dg_key keys[] = {
    KEY(rotate, NUMBER, .high = 180, .help = "largest rotation, in degrees"),
    KEY(shear, NUMBER, .high = 90, .below_high = true, .help = "largest slant, in degrees"),
    KEY(shift, NUMBER, .high = 1, .help = "largest shift each way, as a share of the size"),
    KEY(scale, NUMBER, .high = 1, .below_high = true,
        .help = "1 - scale to 1 + scale times the size"),
    KEY(flip, NUMBER, .high = 1, .help = "share of the pictures that are mirrored, left and right"),
    KEY(crop, COUNT, .high = DG_AUGMENT_CROP,
        .help = "largest shift each way in whole pixels or steps, as a crop after padding"),
    KEY(cutout, COUNT, .high = DG_AUGMENT_CROP,
        .help = "side of a square of zeros, or steps of zeros: an odd number; 0: none"),
    KEY(brightness, NUMBER, .high = 1, .help = "largest change, as a share of white"),
    KEY(contrast, NUMBER, .high = 1, .below_high = true,
        .help = "1 - contrast to 1 + contrast times the distance from gray"),
    KEY(gain, NUMBER, .high = 1, .below_high = true,
        .help = "1 - gain to 1 + gain times every number, after mean and std"),
    KEY(noise, NUMBER, .high = 1000,
        .help = "standard deviation of what is added to every number, after mean and std"),
};
static const dg_augment_recipe defaults = {0};
static const dg_key_table table = DG_KEY_TABLE("augment", keys, defaults);

/** Which inputs have no use for a key, by their rank: numbers have no order, a sequence no second
    dimension and no white. */
static const struct {
  const char *key;
  uint32_t least_rank;
} ranks[] = {{"rotate", 3}, {"shear", 3}, {"flip", 3}, {"brightness", 3}, {"contrast", 3},
             {"shift", 2},  {"scale", 2}, {"crop", 2}, {"cutout", 2}};

static bool is_zero(const config_setting_t *setting) {
  return config_setting_type(setting) == CONFIG_TYPE_FLOAT ? config_setting_get_float(setting) == 0
                                                           : config_setting_get_int64(setting) == 0;
}

/** Refuses keys that do nothing, or nothing sensible, to an input of this shape. */
static bool check_ranks(const config_setting_t *group, const dg_shape *input, dg_error *err) {
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
    const config_setting_t *setting = config_setting_get_member(group, ranks[i].key);
    if (!setting || is_zero(setting) || input->rank >= ranks[i].least_rank) continue;
    if (ranks[i].least_rank == 3)
      return dg_fail_at(
          err, setting, "%s changes pictures, whose input is [channels, height, width]; %s",
          ranks[i].key,
          input->rank == 2 ? "for a sequence there are shift, scale, crop, cutout, gain and noise"
                           : "for a row of numbers there are gain and noise");
    return dg_fail_at(err, setting,
                      "%s changes pictures and sequences; for a row of numbers there are gain and "
                      "noise",
                      ranks[i].key);
  }
  return true;
}

bool dg_read_augment(const config_setting_t *group, const dg_shape *input, dg_augment_recipe *out,
                     dg_error *err) {
  if (!dg_keys_read(group, &table, NULL, 0, out, err)) return false;
  if (out->cutout && out->cutout % 2 == 0)
    return dg_fail_at(err, config_setting_get_member(group, "cutout"),
                      "cutout must be odd, so that its square has a middle: %u or %u",
                      out->cutout - 1, out->cutout + 1);
  return check_ranks(group, input, err);
}
