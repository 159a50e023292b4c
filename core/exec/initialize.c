/** Initial parameters. They are drawn on the host, so every backend starts with the same
    numbers. */
#include <math.h>
#include <stdlib.h>

#include "core/base/philox.h"
#include "core/exec/internal.h"

static void draw_uniform(dg_random *random, float limit, float *out, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) out[i] = (2.0f * dg_random_uniform(random) - 1.0f) * limit;
}

static void draw(const dg_param_spec *spec, dg_random *random, float *out, uint32_t count) {
  float fan_in = (float)spec->fan_in, fan_out = (float)spec->fan_out;
  switch (spec->init) {
  case DG_INIT_PYTORCH:
    draw_uniform(random, 1.0f / sqrtf(fan_in), out, count);
    return;
  case DG_INIT_GLOROT:
    if (!spec->bias) draw_uniform(random, sqrtf(6.0f / (fan_in + fan_out)), out, count);
    return;
  case DG_INIT_ZERO:
    return;
  case DG_INIT_ONE:
    for (uint32_t i = 0; i < count; i++) out[i] = 1;
    return;
  case DG_INIT_CONSTANT:
    for (uint32_t i = 0; i < count; i++) out[i] = spec->value;
    return;
  case DG_INIT_HE:
    for (uint32_t i = 0; i < count && !spec->bias; i++)
      out[i] = dg_random_normal(random) * sqrtf(2.0f / fan_in);
    return;
  case DG_INIT_NORMAL:
    for (uint32_t i = 0; i < count; i++) out[i] = dg_random_normal(random) * spec->deviation;
    return;
  }
}

bool dg_network_initialize(dg_network *network, uint32_t seed, dg_error *err) {
  size_t bytes = network->floats * sizeof(float);
  float *values = calloc(1, bytes);
  if (!values) return dg_fail_memory(err, bytes);
  for (uint32_t i = 0; i < dg_network_params(network); i++) {
    const dg_param *param = &network->graph.params[i];
    dg_random random = dg_random_start(seed, dg_stream(DG_STREAM_INIT, i), 0, 0);
    draw(&param->spec, &random, values + param->offset, param->count);
  }
  bool ok = dg_network_write(network, values, err);
  free(values);
  return ok;
}
