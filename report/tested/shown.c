#include "report/tested/shown.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

enum { LEAST = 16, WHITE = 255 }; /* numbers of the smallest target that is taken for a picture */

/* ---- shapes ------------------------------------------------------------- */

/** The shape before the flattens at the end of a list of layers. */
static const dg_layer_info *before_flatten(const dg_layer_info *layers, size_t count) {
  size_t at = count - 1;
  while (at > 0 && strcmp(layers[at].type, "flatten") == 0) at = layers[at].in[0];
  return &layers[at];
}

static bool find_shape(const dg_model *model, dg_layer_info *end, dg_error *err) {
  size_t count;
  if (!dg_model_layers(model, NULL, sizeof(dg_layer_info), 0, &count, err)) return false;
  dg_layer_info *layers = calloc(count, sizeof *layers);
  if (!layers) return dg_fail_memory(err, count * sizeof *layers);
  bool ok = dg_model_layers(model, layers, sizeof *layers, count, &count, err);
  if (ok) *end = *before_flatten(layers, count);
  free(layers);
  return ok;
}

/** The form of `numbers` numbers over the pixels or steps of the input. */
static tile_form form_over(const dg_part_view *part, uint32_t numbers) {
  const uint32_t across = part->rank == 3 ? part->dim[1] * part->dim[2] : part->dim[0];
  if (part->rank == 1 || across < LEAST || numbers % across)
    return tile_form_of(1, (const uint32_t[3]){numbers});
  const uint32_t planes[3] = {numbers / across, part->dim[1], part->dim[2]};
  const uint32_t sequence[3] = {part->dim[0], numbers / across};
  return tile_form_of(part->rank, part->rank == 3 ? planes : sequence);
}

/** Floats of all targets, or all outputs, are between these. */
static void measure_targets(shown *s) {
  const report_contents *c = s->contents;
  double low = 0, high = 1;
  for (uint32_t i = 0; i < c->tested.count; i++)
    for (uint32_t k = 0; k < c->classes; k++) {
      low = fmin(low, shown_target(s, i, k));
      high = fmax(high, shown_target(s, i, k));
    }
  s->target.low = low;
  s->target.high = high;
}

bool shown_open(shown *s, const report_contents *c, dg_error *err) {
  const dg_part_view *part = &c->tested;
  dg_layer_info end;
  *s = (shown){.contents = c, .input = tile_form_of(part->rank, part->dim)};
  tile_measure(&s->input, (tile_array){part->type, part->inputs}, part->count);
  if (!c->outputs || c->task == DG_TASK_CLASS) return true;
  if (!find_shape(c->model, &end, err)) return false;
  if (dg_model_learns_input(c->model))
    s->target = s->input;
  else
    s->target = end.rank > 1 ? tile_form_of(end.rank, end.dim) : form_over(part, c->classes);
  measure_targets(s);
  return true;
}

/* ---- numbers ------------------------------------------------------------ */

tile_array shown_input(const shown *s, uint32_t sample) {
  const dg_part_view *part = &s->contents->tested;
  return tile_of(&s->input, (tile_array){part->type, part->inputs}, sample);
}

double shown_target(const shown *s, uint32_t sample, uint32_t k) {
  const report_contents *c = s->contents;
  const dg_part_view *part = &c->tested;
  const size_t at = (size_t)sample * c->classes + k;
  if (!dg_model_learns_input(c->model)) {
    const double target = tile_number((tile_array){part->targets_type, part->target_numbers}, at);
    return c->task == DG_TASK_LABELS ? fmax(0, fmin(1, target)) : target;
  }
  return tile_number((tile_array){part->type, part->inputs}, at) /
         (part->type == DG_NUMBERS_BYTES ? WHITE : 1);
}

double shown_output(const shown *s, uint32_t sample, uint32_t k) {
  const report_contents *c = s->contents;
  const double output = (double)c->outputs[(size_t)sample * c->classes + k];
  return c->task == DG_TASK_LABELS ? 1 / (1 + exp(-output)) : output;
}
