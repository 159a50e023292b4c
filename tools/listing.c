#include "tools/listing.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_DEVICES = 64, MOST_MODELS = 256 };

bool list_devices(dg_error *err) {
  dg_listed_device devices[MOST_DEVICES];
  size_t count;
  if (!dg_list_devices(devices, MOST_DEVICES, &count, err)) return false;
  for (size_t i = 0; i < count && i < MOST_DEVICES; i++) {
    const dg_listed_device *d = &devices[i];
    printf("%s %u: %s\n", d->backend, d->number, d->name);
    if (d->platform[0]) printf("    platform       %s\n", d->platform);
    if (d->version[0]) printf("    version        %s\n", d->version);
    if (d->driver[0]) printf("    driver         %s\n", d->driver);
    printf("    compute units  %u%s\n", d->compute_units, d->gpu ? " (GPU)" : "");
    printf("    memory         %.1f GiB\n", (double)d->memory / (1 << 30));
    if (d->tuned[0]) printf("    tuned          %s\n", d->tuned);
  }
  return true;
}

bool list_models(dg_error *err) {
  dg_listed_model models[MOST_MODELS];
  size_t count;
  dg_device *device = dg_open("cpu", NULL, 1, err);
  bool right = device && dg_list_models(device, models, MOST_MODELS, &count, err);
  dg_close(device);
  for (size_t i = 0; right && i < count && i < MOST_MODELS; i++) {
    const dg_listed_model *m = &models[i];
    printf("%-14s %10llu  %s\n", m->name, (unsigned long long)m->parameters, m->description);
  }
  return right;
}

bool help_layers(dg_error *err) {
  size_t length = dg_layers_help(NULL, 0);
  char *text = malloc(length + 1);
  if (!text) return dg_fail_memory(err, length + 1);
  dg_layers_help(text, length + 1);
  fputs(text, stdout);
  free(text);
  return true;
}
