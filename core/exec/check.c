/** Checks that the numbers of parameters are valid. */
#include "core/base/numbers.h"
#include "core/exec/network.h"

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

bool dg_params_check(const dg_network *network, const float *values, dg_error *err) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(network, &list);
  for (uint32_t i = 0; i < count; i++)
    if (!dg_param_check(&list[i], list[i].name, values + list[i].offset, err)) return false;
  return true;
}
