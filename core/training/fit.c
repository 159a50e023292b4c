/** Checks that a data set fits a trainer's model and classes. */
#include <string.h>

#include "core/data/classes.h"
#include "core/training/trainer.h"

/** The layer whose units are the network's outputs. */
static const char *output_name(const dg_model *model) {
  for (uint32_t i = model->layer_count; i-- > 0;)
    if (strcmp(model->layers[i].kind->type, "linear") == 0) return model->layers[i].name;
  return "LAYER";
}

bool dg_trainer_fits(const dg_trainer *t, const dg_samples *samples, uint32_t classes,
                     dg_error *err) {
  const dg_model *model = t->model;
  const dg_shape *in = &model->input;
  uint32_t h = samples->height, w = samples->width, outputs = dg_network_outputs(t->network);
  bool ok = dg_shape_count(in) == (uint64_t)h * w;
  if (in->rank == 3) ok = in->dim[0] == 1 && in->dim[1] == h && in->dim[2] == w;
  char text[64];
  if (!ok)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the input is %s, but the images are of %ux%u: input=[1,%u,%u] would fit",
                   model->path, dg_shape_text(in, text, sizeof text), h, w, h, w) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  return classes <= outputs ||
         dg_fail(
             err, DG_ERR_INPUT,
             "%s: the last layer has %u outputs, but the labels go to %u: %s.units=%u would fit",
             model->path, outputs, classes - 1, output_name(model), classes) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

bool dg_trainer_same_classes(const dg_classes *learned, const dg_dataset *data, const char *where,
                             dg_error *err) {
  const dg_classes *names = &data->names;
  uint32_t label = dg_classes_differ(learned, names);
  if (label >= learned->count || label >= names->count) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%.300s: class %u is \"%s\", but \"%s\" in %.300s; a test needs the classes "
                 "that were learned",
                 where, label, learned->name[label], names->name[label], data->source);
}
