#include "tools/common/reading.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

bool reading_take(reading *r, int which, const char *value) {
  const char **words[] = {&r->label, &r->targets, &r->missing, &r->arrays};
  if (which < READING_LABEL || which > READING_TRANSPOSE) return false;
  if (which == READING_COMMA)
    r->decimal_comma = true;
  else if (which == READING_TRANSPOSE)
    r->transpose = true;
  else
    *words[which - READING_LABEL] = value;
  return true;
}

/** Takes the shape of the model's output; a model that has none is told of when it runs. */
static bool take_output(const dg_model *model, dg_dataset_options *options, dg_error *err) {
  size_t count;
  if (!dg_model_layers(model, NULL, sizeof(dg_layer_info), 0, &count, NULL)) return true;
  dg_layer_info *layers = calloc(count, sizeof *layers);
  if (!layers) return dg_fail_memory(err, count * sizeof *layers);
  if (dg_model_layers(model, layers, sizeof *layers, count, &count, NULL)) {
    options->output_rank = layers[count - 1].rank;
    memcpy(options->output_dim, layers[count - 1].dim, sizeof options->output_dim);
  }
  free(layers);
  return true;
}

bool reading_fill(const reading *r, const dg_model *model, dg_dataset_options *options,
                  dg_error *err) {
  const bool mean = r->missing && strcmp(r->missing, "mean") == 0;
  if (r->missing && !mean && strcmp(r->missing, "error") != 0)
    return dg_fail(err, DG_ERR_INPUT, "--missing must be mean or error, not \"%s\"", r->missing);
  if (r->label && r->targets)
    return dg_fail(err, DG_ERR_INPUT, "--label doesn't go with --targets: leave out one");
  options->label = r->label;
  options->targets = r->targets;
  options->missing = mean ? DG_MISSING_MEAN : DG_MISSING_ERROR;
  options->arrays = r->arrays;
  options->decimal_comma = r->decimal_comma;
  options->transpose = r->transpose;
  if (model) options->rank = dg_model_input(model, options->dim);
  return !model || take_output(model, options, err);
}
