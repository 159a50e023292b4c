#include "tools/run/listing.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "digits/device.h"
#include "digits/model.h"
#include "tools/common/say.h"

enum { MAX_DEVICES = 64, MAX_MODELS = 256 };

bool list_devices(dg_error *err) {
  dg_device_info devices[MAX_DEVICES];
  size_t count;
  if (!dg_device_list(devices, sizeof(dg_device_info), MAX_DEVICES, &count, err)) return false;
  for (size_t i = 0; i < count && i < MAX_DEVICES; i++) {
    const dg_device_info *d = &devices[i];
    say("%s %u: %s\n", d->backend, d->number, d->name);
    if (d->platform[0]) say("    platform       %s\n", d->platform);
    if (d->version[0]) say("    version        %s\n", d->version);
    if (d->driver[0]) say("    driver         %s\n", d->driver);
    if (d->fault[0]) {
      say("    can't be used  %s\n", d->fault);
      continue;
    }
    say("    compute units  %u%s\n", d->compute_units, d->gpu ? " (GPU)" : "");
    say("    memory         %.1f GiB\n", (double)d->memory / (1 << 30));
    if (d->tuned[0]) say("    tuned          %s\n", d->tuned);
  }
  return true;
}

bool list_models(dg_error *err) {
  dg_model_info models[MAX_MODELS];
  size_t count;
  bool ok = dg_model_list(models, sizeof(dg_model_info), MAX_MODELS, &count, err);
  for (size_t i = 0; ok && i < count && i < MAX_MODELS; i++) {
    const dg_model_info *m = &models[i];
    say("%-14s %10llu  %s\n", m->name, (unsigned long long)m->parameters, m->description);
  }
  return ok;
}

bool help_layers(dg_error *err) {
  size_t length = dg_layer_help(NULL, 0);
  char *text = malloc(length + 1);
  if (!text) return dg_fail_memory(err, length + 1);
  dg_layer_help(text, length + 1);
  say_lines(text);
  free(text);
  return true;
}
