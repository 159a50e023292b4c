#include "tools/run/run_model.h"

dg_model *run_model_load(const options *o, const char *checkpoint, dg_error *err) {
  if (o->resume) return dg_model_from_weights(checkpoint, NULL, 0, err);
  if (o->model && o->calibrate) {
    dg_model *own = dg_model_from_weights(o->load, o->overrides, o->override_count, NULL);
    if (own) return own;
  }
  return o->model ? dg_model_load(o->model, o->overrides, o->override_count, err)
                  : dg_model_from_weights(o->load, o->overrides, o->override_count, err);
}
