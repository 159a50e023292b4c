/** Checks that the numbers of parameters are valid. */
#include "core/base/numbers.h"
#include "core/exec/internal.h"

/** Index of the first invalid (negative) variance; `count`: there is none. */
static size_t first_negative(const dg_param *param, const float *values) {
  size_t i = 0;
  while (i < param->count && values[i] + param->spec.eps > 0) i++;
  return i;
}

bool dg_param_check(const dg_param *param, const char *name, const float *values, dg_error *err) {
  uint64_t dim[4];
  char index[100];
  size_t at = dg_first_nonfinite(values, param->count);
  bool finite = at == param->count;
  if (finite && param->spec.eps > 0) at = first_negative(param, values);
  if (at == param->count) return true;
  for (uint32_t i = 0; i < param->spec.rank; i++) dim[i] = param->spec.dim[i];
  dg_index_text(param->spec.rank, dim, at, index, sizeof index);
  return dg_fail(err, DG_ERR_RUNTIME, "\"%s\" %s: it is %g at %s", name,
                 finite ? "is a variance and can't be negative" : "is not finite",
                 (double)values[at], index);
}

bool dg_network_fail_nonfinite(uint32_t image, dg_error *err) {
  return dg_fail(err, DG_ERR_RUNTIME,
                 "sample %u (the first is 0) gives numbers that are not finite: the network's "
                 "weights are too large for it",
                 image);
}

bool dg_network_check_logits(const dg_network *network, const float *logits, uint32_t count,
                             dg_error *err) {
  size_t outputs = dg_network_outputs(network), numbers = count * outputs;
  size_t at = dg_first_nonfinite(logits, numbers);
  return at == numbers || dg_network_fail_nonfinite((uint32_t)(at / outputs), err);
}

bool dg_network_check_words(const dg_network *network, const dg_sample_kind *kind,
                            const void *inputs, const uint32_t *lengths, uint32_t n,
                            dg_error *err) {
  const dg_graph *graph = &network->graph;
  const size_t steps = (size_t)dg_shape_count(&kind->shape);
  if (graph->words == 0) return true;
  if (kind->type != DG_NUMBERS_FLOATS)
    return dg_fail(err, DG_ERR_INPUT,
                   "layer \"%s\" (embedding) takes whole numbers, given as floats, not bytes",
                   graph->words_layer->name);
  for (size_t s = 0; s < n; s++) {
    const float *numbers = (const float *)inputs + s * steps;
    const size_t there = lengths && lengths[s] < steps ? lengths[s] : steps;
    for (size_t i = 0; i < there; i++)
      if (!(numbers[i] >= 0 && numbers[i] < (float)graph->words) ||
          numbers[i] != (float)(uint32_t)numbers[i])
        return dg_fail(err, DG_ERR_INPUT,
                       "sample %zu (the first is 0) has %g at [%zu], but layer \"%s\" (embedding) "
                       "takes whole numbers from 0 to %u",
                       s, (double)numbers[i], i, graph->words_layer->name, graph->words - 1);
  }
  return true;
}

bool dg_params_check(const dg_network *network, const float *values, dg_error *err) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list);
  for (uint32_t i = 0; i < count; i++)
    if (!dg_param_check(&list[i], list[i].name, values + list[i].offset, err)) return false;
  return true;
}
