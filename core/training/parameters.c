/** A look at the parameters that a trainer learns. */
#include <stdlib.h>
#include <string.h>

#include "core/training/trainer.h"

uint32_t dg_trainer_list_parameters(const dg_trainer *t, dg_parameter *out, uint32_t capacity) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(t->network, &list);
  for (uint32_t i = 0; i < count && i < capacity; i++) {
    const dg_param_spec *spec = &list[i].spec;
    out[i] = (dg_parameter){.name = list[i].name, .rank = spec->rank, .count = list[i].count};
    memcpy(out[i].dim, spec->dim, sizeof out[i].dim);
  }
  return count;
}

bool dg_trainer_get_parameter(dg_trainer *t, const char *name, float *values, dg_error *err) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(t->network, &list), i = 0;
  while (i < count && strcmp(list[i].name, name) != 0) i++;
  if (i == count) return dg_fail(err, DG_ERR_INPUT, "the network has no parameter \"%s\"", name);
  size_t bytes = dg_network_floats(t->network) * sizeof(float);
  float *all = malloc(bytes);
  if (!all) return dg_fail_memory(err, bytes);
  bool ok = dg_network_read(t->network, all, err);
  if (ok) memcpy(values, all + list[i].offset, list[i].count * sizeof *values);
  free(all);
  return ok;
}
