/** Lists the layers of a model with their shapes; needs no device. */
#include <stdlib.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/graph/plan_layer.h"

_Static_assert((int)DG_LAYER_INPUTS == (int)DG_MAX_IN, "a listed layer holds every input");

static void put_shape(dg_layer_info *out, const dg_shape *shape) {
  out->rank = shape->rank;
  memcpy(out->dim, shape->dim, sizeof out->dim);
}

/** Lists one layer; `shapes` has those of the input and of the layers before, and gets its own. */
static bool list_layer(const dg_model *model, uint32_t index, dg_shape *shapes, dg_layer_info *out,
                       dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  dg_shape in[DG_MAX_IN];
  dg_layer_plan plan = {0};
  *out = (dg_layer_info){.name = layer->name, .type = layer->kind->type, .inputs = layer->inputs};
  for (uint32_t i = 0; i < layer->inputs; i++) {
    out->in[i] = (uint32_t)(layer->in[i] + 1);
    in[i] = shapes[out->in[i]];
  }
  if (!dg_plan_layer(model, index, in, &plan, err)) return dg_name_layer(layer, err);
  for (uint32_t i = 0; i < plan.params; i++) {
    out->parameters += dg_size_product(plan.param[i].rank, plan.param[i].dim);
  }
  shapes[index + 1] = plan.out;
  put_shape(out, &plan.out);
  return true;
}

bool dg_model_layers(const dg_model *model, dg_layer_info *out, size_t size, size_t capacity,
                     size_t *count, dg_error *err) {
  *count = (size_t)model->layer_count + 1;
  dg_shape *shapes = calloc(*count, sizeof *shapes);
  if (!shapes) return dg_fail_memory(err, *count * sizeof *shapes);
  shapes[0] = model->input;
  dg_layer_info layer = {.name = "input", .type = "input"};
  put_shape(&layer, &model->input);
  if (capacity > 0) dg_sized_give(out, size, 0, &layer, sizeof layer);
  bool ok = true;
  for (uint32_t i = 0; ok && i < model->layer_count; i++) {
    ok = list_layer(model, i, shapes, &layer, err);
    if (ok && i + 1 < capacity) dg_sized_give(out, size, i + 1, &layer, sizeof layer);
  }
  free(shapes);
  return ok;
}
