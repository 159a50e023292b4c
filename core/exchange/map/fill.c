/** Copies the numbers of the mapped tensors. */
#include <string.h>

#include "core/base/numbers.h"
#include "core/exchange/map/steps.h"

/** Copies one parameter, whose numbers must be finite. */
static bool take_numbers(const dg_mapping *m, const dg_source *source, float *out) {
  const dg_array *from = source->from;
  char index[200];
  size_t at = from ? dg_first_nonfinite(from->data, from->count) : 0;
  if (from && at < from->count)
    return dg_fail(m->err, DG_ERR_RUNTIME,
                   "%s: \"%s\" is not finite, or too large for float32: it is %g at %s",
                   m->arrays->path, from->name, (double)from->data[at],
                   dg_index_text(from->rank, from->dim, at, index, sizeof index));
  dg_layout_take(source, out);
  return true;
}

/** A negative variance shows that something else was mapped to it. */
static bool check_variance(const dg_mapping *m, const dg_param *param, const dg_array *array) {
  bool ok = true;
  if (strcmp(param->spec.suffix, "running_var") == 0)
    for (uint64_t i = 0; i < array->count; i++) ok &= !(array->data[i] < 0);
  return ok ||
         dg_fail(m->err, DG_ERR_INPUT,
                 "%s: what would be \"%s\" has numbers below 0, which no variance has: it "
                 "has to be said which tensor is which",
                 m->arrays->path, param->name) ||
         dg_advise(m->err, DG_REMEDY_NAMES);
}

bool dg_map_fill(const dg_mapping *m, dg_arrays *ours) {
  for (uint32_t p = 0; p < m->graph->param_count; p++) {
    const dg_param *param = &m->graph->params[p];
    const dg_source *source = NULL;
    uint64_t dims[DG_TENSOR_RANK] = {0};
    for (uint32_t i = 0; i < param->spec.rank; i++) dims[i] = param->spec.dim[i];
    dg_array *array = dg_arrays_add(ours, param->name, param->spec.rank, dims, false, m->err);
    if (!array) return false;
    for (uint32_t l = 0; l < m->layer_count; l++)
      for (uint32_t i = 0; i < m->layers[l].node->params + m->layers[l].node->running_count; i++)
        if (m->layers[l].sources[i].param == param) source = &m->layers[l].sources[i];
    if (source && !take_numbers(m, source, array->data)) return false;
    if (source && source->from) {
      array->origin = source->from->origin;
      array->told = source->from->told;
    }
    if (!check_variance(m, param, array)) return false;
  }
  return true;
}
