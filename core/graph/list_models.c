/** Lists the models that can be loaded by name. */
#include <stdio.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/base/text.h"
#include "core/graph/lower.h"
#include "core/model/catalog.h"

/** Counts the parameters of a model's network. */
static bool count_parameters(const dg_model *model, uint64_t *count, dg_error *err) {
  dg_graph graph;
  if (!dg_graph_lower(&graph, model, NULL, err)) return false;
  *count = dg_graph_parameters(&graph);
  dg_graph_free(&graph);
  return true;
}

/** Fills in one model; an invalid file is listed with the reason. */
static void look_at(const dg_catalog *catalog, const char *name, dg_model_info *out) {
  char path[DG_PATH_SIZE];
  dg_error err = {0};
  *out = (dg_model_info){0};
  snprintf(out->name, sizeof out->name, "%s", name);
  dg_model *model =
      dg_catalog_path(catalog, name, path, &err) ? dg_model_load(path, NULL, 0, &err) : NULL;
  bool ok = model && count_parameters(model, &out->parameters, &err);
  const char *description = ok ? model->description : err.message;
  dg_visible(out->description, sizeof out->description, description, strlen(description));
  dg_model_free(model);
}

bool dg_model_list(dg_model_info *out, size_t size, size_t capacity, size_t *count, dg_error *err) {
  dg_catalog catalog;
  bool ok = dg_catalog_read(&catalog, DG_CATALOG_MODELS, err);
  *count = ok ? catalog.count : 0;
  for (size_t i = 0; i < *count && i < capacity; i++) {
    dg_model_info info;
    look_at(&catalog, catalog.names[i], &info);
    dg_sized_give(out, size, i, &info, sizeof info);
  }
  dg_catalog_free(&catalog);
  return ok;
}
