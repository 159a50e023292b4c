#include "tools/serve/networks.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "tools/common/likeliest.h"

void networks_open(networks *n, dg_device *device, double min_probability) {
  *n = (networks){.device = device, .min_probability = min_probability};
  pthread_mutex_init(&n->lock, NULL);
}

/** The name of a file, without folder and .safetensors, as text that JSON and a page can hold. */
static void name_of(const char *path, char *name, size_t capacity) {
  const char *slash = strrchr(path, '/'), *suffix = ".safetensors";
  const char *file = slash ? slash + 1 : path;
  size_t length = strlen(file), end = strlen(suffix);
  if (length > end && strcmp(file + length - end, suffix) == 0) length -= end;
  dg_visible(name, capacity, file, length);
}

bool networks_add(networks *n, const char *weights, dg_error *err) {
  char path[DG_PATH_SIZE];
  if (!dg_weights_find(weights, path, err)) return false;
  network *all = realloc(n->all, (n->count + 1) * sizeof *all);
  if (!all) return dg_fail_memory(err, (n->count + 1) * sizeof *all);
  n->all = all;
  network *one = &n->all[n->count];
  *one = (network){.model = dg_model_from_weights(path, NULL, 0, err)};
  name_of(path, one->name, sizeof one->name);
  if (one->model)
    one->predictor = dg_predictor_new(one->model, n->device,
                                      &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                              .weights = path,
                                                              .batch = NETWORKS_BATCH},
                                      err);
  if (!one->predictor || !dg_classes_from_weights(&one->names, path, err)) {
    dg_predictor_free(one->predictor);
    dg_model_free(one->model);
    return false;
  }
  const bool classifies = dg_predictor_task(one->predictor) == DG_TASK_CLASS;
  one->pictures = classifies && dg_predictor_check_pictures(one->predictor, NULL);
  if (classifies)
    likeliest_warn("digits-serve", path, n->min_probability,
                   dg_predictor_temperature(one->predictor));
  n->count++;
  return true;
}

void networks_close(networks *n) {
  for (uint32_t i = 0; i < n->count; i++) {
    dg_predictor_free(n->all[i].predictor);
    dg_model_free(n->all[i].model);
  }
  free(n->all);
  dg_close(n->device);
  pthread_mutex_destroy(&n->lock);
}
