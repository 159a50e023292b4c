#include "report/tested/outputs.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "report/figures/scatter.h"
#include "report/tested/pairs.h"

/* ---- pictures and sequences --------------------------------------------- */

static bool add_sheet(page *p, const shown *s, const uint32_t *chosen, uint32_t count,
                      dg_error *err) {
  const bool learned = dg_model_learns_input(s->contents->model);
  const bool input = s->input.kind == TILE_GRAY || s->input.kind == TILE_COLOUR;
  const bool colour = s->target.kind == TILE_COLOUR;
  const uint32_t channels = s->target.numbers / (s->target.height * s->target.width);
  char caption[300], first[60] = "";
  picture sheet = {0};
  if (!colour && channels > 1)
    snprintf(first, sizeof first, " (the first of %u channels)", channels);
  snprintf(caption, sizeof caption, "From the top: %sthe output%s%s. %s at %.4g and %s at %.4g.",
           input ? "the input, " : "", learned ? "" : ", the target", first,
           colour ? "Colours are dark" : "Outputs are white", s->target.low,
           colour ? "bright" : "black", s->target.high);
  if (!pairs_paint(s, chosen, count, &sheet, err)) return false;
  bool ok = page_picture(p, &sheet, REPORT_OUTPUTS, caption, err);
  picture_close(&sheet);
  return ok;
}

static bool add_lines(page *p, const shown *s, const uint32_t *chosen, uint32_t count,
                      dg_error *err) {
  drawing d = {0};
  markup_add(&p->html, "<div class=\"wide\">\n");
  bool ok = pairs_draw(s, chosen, count, &d, err) && page_drawing(p, &d, REPORT_OUTPUT_LINES, err);
  markup_add(&p->html, "</div>\n");
  drawing_free(&d);
  return ok;
}

static bool add_pairs(page *p, const shown *s, dg_error *err) {
  uint32_t chosen[MAX_PAIRS], count;
  char note[200];
  if (!pairs_choose(s, chosen, &count, err)) return false;
  snprintf(note, sizeof note,
           "%u of %u test samples with their numbers, at equal distances from that with the least "
           "squared error to that with the largest.",
           count, s->contents->tested.count);
  page_section(p, "Inputs and outputs", note);
  bool ok = (s->target.kind == TILE_LINES ? add_lines : add_sheet)(p, s, chosen, count, err);
  page_section_end(p);
  return ok;
}

/* ---- numbers ------------------------------------------------------------ */

/** Adds the figures of the target of an index. */
static bool add_target(page *p, const predictions *target, uint32_t index, dg_error *err) {
  drawing d;
  scatter_draw(target, &d);
  bool ok = page_drawing(p, &d, (report_file)(REPORT_SCATTER + index), err);
  drawing_free(&d);
  if (!ok) return false;
  errors_draw(target, &d);
  ok = page_drawing(p, &d, (report_file)(REPORT_ERRORS + index), err);
  drawing_free(&d);
  return ok;
}

/** The name of an output: a target's, or a column's if the input is learned. */
static const char *name_of(const report_contents *c, uint32_t output, char text[DG_CLASS_SIZE]) {
  if (!dg_model_learns_input(c->model)) {
    const char *name = dg_dataset_target_name(c->data, output);
    snprintf(text, DG_CLASS_SIZE, "value %u", output);
    return name ? name : text;
  }
  if (!dg_dataset_feature_name(c->data, output, text, DG_CLASS_SIZE))
    snprintf(text, DG_CLASS_SIZE, "value %u", output);
  return text;
}

static bool add_targets(page *p, const shown *s, uint32_t count, double *truth, double *predicted,
                        dg_error *err) {
  bool ok = true;
  for (uint32_t k = 0; ok && k < count; k++) {
    char text[DG_CLASS_SIZE];
    const predictions target = {name_of(s->contents, k, text), truth, predicted,
                                s->contents->tested.count};
    for (uint32_t i = 0; i < target.count; i++) {
      truth[i] = shown_target(s, i, k);
      predicted[i] = shown_output(s, i, k);
    }
    ok = add_target(p, &target, k, err);
  }
  return ok;
}

static bool add_numbers(page *p, const shown *s, dg_error *err) {
  const uint32_t all = s->contents->classes, count = all < REPORT_TARGETS ? all : REPORT_TARGETS;
  const size_t samples = s->contents->tested.count;
  double *numbers = malloc((2 * samples + 1) * sizeof *numbers);
  char note[200] = "What the network gives for the test samples, beside what is true.";
  if (!numbers) return dg_fail_memory(err, 2 * samples * sizeof *numbers);
  if (count < all)
    snprintf(note, sizeof note,
             "What the network gives for the test samples, beside what is true: the first %u of %u "
             "values.",
             count, all);
  page_section(p, "Predictions", note);
  markup_add(&p->html, "<div class=\"grid\">\n");
  bool ok = add_targets(p, s, count, numbers, numbers + samples, err);
  markup_add(&p->html, "</div>\n");
  page_section_end(p);
  free(numbers);
  return ok;
}

bool outputs_add(page *p, const shown *s, dg_error *err) {
  const report_contents *c = s->contents;
  if (!c->outputs || c->task == DG_TASK_CLASS) return true;
  if (s->target.kind != TILE_ROW) return add_pairs(p, s, err);
  return c->task == DG_TASK_LABELS || add_numbers(p, s, err);
}
