#include "core/graph/plan_layer.h"

/** Checks the size of each parameter and running statistic for overflow. */
static bool params_fit(const dg_layer_plan *plan, dg_error *err) {
  for (uint32_t i = 0; i < plan->params + plan->running_count; i++) {
    const dg_param_spec *spec =
        i < plan->params ? &plan->param[i] : &plan->running[i - plan->params];
    if (!dg_size_fits(dg_size_product(spec->rank, spec->dim)))
      return dg_fail(err, DG_ERR_INPUT, "\"%s\" would have more than %d numbers", spec->suffix,
                     DG_SIZE_NUMBERS);
  }
  return true;
}

/** Checks that the op's sizes match the layer's inputs, output and parameters. */
static bool sizes_agree(const dg_layer_site *site, const dg_layer_plan *plan, dg_error *err) {
  dg_op_sizes sizes = dg_op_sizes_of(&plan->op);
  bool agree = sizes.out[0] == dg_shape_count(&plan->out);
  for (uint32_t i = 0; i < site->inputs; i++) agree &= sizes.in[i] == dg_shape_count(&site->in[i]);
  for (uint32_t i = 0; i < plan->params; i++)
    agree &= sizes.param[i] == dg_size_product(plan->param[i].rank, plan->param[i].dim);
  for (uint32_t i = 0; i < plan->running_count; i++)
    agree &= sizes.running[i] == dg_size_product(plan->running[i].rank, plan->running[i].dim);
  return agree || dg_fail(err, DG_ERR_INPUT, "its sizes contradict those of its op");
}

bool dg_plan_layer(const dg_model *model, uint32_t index, const dg_shape *in, dg_layer_plan *plan,
                   dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  const char *names[DG_MAX_IN];
  for (uint32_t i = 0; i < layer->inputs; i++)
    names[i] = layer->in[i] == DG_MODEL_INPUT ? "input" : model->layers[layer->in[i]].name;
  dg_layer_site site = {index, in, layer->inputs, names};
  return layer->kind->plan(layer->config, &site, plan, err) && dg_shape_fits(&plan->out, err) &&
         params_fit(plan, err) && (plan->view || sizes_agree(&site, plan, err));
}

bool dg_name_layer(const dg_model_layer *layer, dg_error *err) {
  return dg_fail_prefix(err, "%s: layer \"%s\" (%s)", layer->location, layer->name,
                        layer->kind->type);
}
