/** The layers of a model with their shapes: no device is needed. */
#include <stdlib.h>
#include <string.h>

#include "core/network/internal.h"

_Static_assert((int)DG_LAYER_INPUTS == (int)DG_MAX_IN, "a listed layer holds every input");

/** Can each parameter and state be counted? */
static bool params_fit(const dg_layer_plan *plan, dg_error *err) {
  for (uint32_t i = 0; i < plan->params + plan->states; i++) {
    const dg_param_spec *spec = i < plan->params ? &plan->param[i] : &plan->state[i - plan->params];
    if (!dg_size_fits(dg_size_product(spec->rank, spec->dim)))
      return dg_fail(err, DG_ERR_INPUT, "\"%s\" would have more than %d numbers", spec->suffix,
                     DG_SIZE_NUMBERS);
  }
  return true;
}

/** What the op will read and write must be what the layer reads, gives and learns. */
static bool sizes_agree(const dg_layer_site *site, const dg_layer_plan *plan, dg_error *err) {
  dg_op_sizes sizes = dg_op_sizes_of(&plan->op);
  bool agree = sizes.out[0] == dg_shape_count(&plan->out);
  for (uint32_t i = 0; i < site->inputs; i++) agree &= sizes.in[i] == dg_shape_count(&site->in[i]);
  for (uint32_t i = 0; i < plan->params; i++)
    agree &= sizes.param[i] == dg_size_product(plan->param[i].rank, plan->param[i].dim);
  for (uint32_t i = 0; i < plan->states; i++)
    agree &= sizes.state[i] == dg_size_product(plan->state[i].rank, plan->state[i].dim);
  return agree || dg_fail(err, DG_ERR_INPUT, "its sizes contradict those of its op");
}

bool dg_network_plan_layer(const dg_model *model, uint32_t index, const dg_shape *in,
                           dg_layer_plan *plan, dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  const char *names[DG_MAX_IN];
  for (uint32_t i = 0; i < layer->inputs; i++)
    names[i] = layer->in[i] == DG_MODEL_INPUT ? "input" : model->layers[layer->in[i]].name;
  dg_layer_site site = {index, in, layer->inputs, names};
  return layer->kind->plan(layer->config, &site, plan, err) && dg_shape_fits(&plan->out, err) &&
         params_fit(plan, err) && (plan->view || sizes_agree(&site, plan, err));
}

bool dg_network_name_layer(const dg_model_layer *layer, dg_error *err) {
  return dg_fail_prefix(err, "%s: layer \"%s\" (%s)", layer->place, layer->name, layer->kind->type);
}

static void put_shape(dg_listed_layer *out, const dg_shape *shape) {
  out->rank = shape->rank;
  memcpy(out->dim, shape->dim, sizeof out->dim);
}

/** Lists one layer; `shapes` are those of the input and of the layers before it, then its own. */
static bool list_layer(const dg_model *model, uint32_t index, dg_shape *shapes,
                       dg_listed_layer *out, dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  dg_shape in[DG_MAX_IN];
  dg_layer_plan plan = {0};
  *out = (dg_listed_layer){.name = layer->name, .type = layer->kind->type, .inputs = layer->inputs};
  for (uint32_t i = 0; i < layer->inputs; i++) {
    out->in[i] = (uint32_t)(layer->in[i] + 1);
    in[i] = shapes[out->in[i]];
  }
  if (!dg_network_plan_layer(model, index, in, &plan, err))
    return dg_network_name_layer(layer, err);
  for (uint32_t i = 0; i < plan.params; i++) {
    out->parameters += dg_size_product(plan.param[i].rank, plan.param[i].dim);
  }
  shapes[index + 1] = plan.out;
  put_shape(out, &plan.out);
  return true;
}

bool dg_model_layers(const dg_model *model, dg_listed_layer *out, size_t room, size_t *count,
                     dg_error *err) {
  *count = (size_t)model->layer_count + 1;
  dg_shape *shapes = calloc(*count, sizeof *shapes);
  if (!shapes) return dg_fail_memory(err, *count * sizeof *shapes);
  shapes[0] = model->input;
  dg_listed_layer layer = {.name = "input", .type = "input"};
  put_shape(&layer, &model->input);
  if (room > 0) out[0] = layer;
  bool right = true;
  for (uint32_t i = 0; right && i < model->layer_count; i++) {
    right = list_layer(model, i, shapes, &layer, err);
    if (right && i + 1 < room) out[i + 1] = layer;
  }
  free(shapes);
  return right;
}
