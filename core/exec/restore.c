#include "core/exec/restore.h"

/** By what an output is scaled back. */
typedef struct {
  double mean, std;
} output_scale;

bool dg_scales_targets(const dg_model *model) {
  return model->data.target_mean.count || model->data.target_std.count;
}

static bool check(const dg_model *model, const char *key, const dg_number_list *numbers,
                  uint32_t outputs, dg_error *err) {
  return numbers->count <= 1 || numbers->count == outputs ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: data.%s has %u numbers, but the network has %u outputs: one for all, or one "
                 "for each",
                 model->path, key, numbers->count, outputs);
}

bool dg_restore_check(const dg_model *model, uint32_t outputs, dg_error *err) {
  return check(model, "target_mean", &model->data.target_mean, outputs, err) &&
         check(model, "target_std", &model->data.target_std, outputs, err);
}

static output_scale scale_of(const dg_model *model, const dg_gather_desc *layout, uint32_t output) {
  const dg_data_recipe *data = &model->data;
  if (model->target == DG_TARGET_GIVEN)
    return (output_scale){dg_number_of(&data->target_mean, output, 0),
                          dg_number_of(&data->target_std, output, 1)};
  const uint32_t plane = layout->channels_last ? 1 : layout->height * layout->width;
  const uint32_t channel = output / plane % layout->channels;
  return (output_scale){dg_number_of(&data->mean, channel, 0),
                        dg_number_of(&data->std, channel, 1)};
}

void dg_restore(const dg_model *model, const dg_gather_desc *layout, uint32_t count, uint32_t n,
                float *outputs) {
  if (model->target == DG_TARGET_GIVEN && !dg_scales_targets(model)) return;
  for (uint32_t k = 0; k < count; k++) {
    const output_scale scale = scale_of(model, layout, k);
    for (size_t s = 0; s < n; s++)
      outputs[s * count + k] = (float)(outputs[s * count + k] * scale.std + scale.mean);
  }
}
