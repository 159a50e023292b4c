/** Access to a trainer's parameters. */
#include <stdlib.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/training/trainer.h"

uint32_t dg_trainer_list_parameters(const dg_trainer *t, dg_parameter *out, size_t size,
                                    uint32_t capacity) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(t->network, &list);
  for (uint32_t i = 0; i < count && i < capacity; i++) {
    const dg_param_spec *spec = &list[i].spec;
    dg_parameter parameter = {.name = list[i].name, .rank = spec->rank, .count = list[i].count};
    memcpy(parameter.dim, spec->dim, sizeof parameter.dim);
    dg_sized_give(out, size, i, &parameter, sizeof parameter);
  }
  return count;
}

static const dg_param *find(const dg_trainer *t, const char *name, dg_error *err) {
  const dg_param *list;
  uint32_t count = dg_network_param_list(t->network, &list);
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0) return &list[i];
  dg_fail(err, DG_ERR_INPUT, "the network has no parameter \"%s\"", name);
  return NULL;
}

/** All numbers of the network in new memory, which the caller frees; NULL on failure. */
static float *read_all(dg_trainer *t, dg_error *err) {
  size_t bytes = dg_network_floats(t->network) * sizeof(float);
  float *all = malloc(bytes);
  if (!all) return dg_fail_memory(err, bytes), NULL;
  if (dg_network_read(t->network, all, err)) return all;
  free(all);
  return NULL;
}

bool dg_trainer_get_parameter(dg_trainer *t, const char *name, float *values, dg_error *err) {
  const dg_param *param = find(t, name, err);
  float *all = param ? read_all(t, err) : NULL;
  if (all) memcpy(values, all + param->offset, param->count * sizeof *values);
  free(all);
  return all != NULL;
}

bool dg_trainer_set_parameter(dg_trainer *t, const char *name, const float *values, dg_error *err) {
  const dg_param *param = find(t, name, err);
  if (!param || !dg_param_check(param, name, values, err)) return false;
  float *all = read_all(t, err);
  if (all) memcpy(all + param->offset, values, param->count * sizeof *values);
  bool written = all && dg_network_write(t->network, all, err);
  if (written) t->temperature = 0;
  free(all);
  return written;
}
