#include "tools/predict/findings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "tools/common/json_ended.h"
#include "tools/common/likeliest.h"
#include "tools/common/say.h"

static const float *of_digit(const findings *a, uint32_t digit) {
  return a->probabilities + (size_t)digit * a->classes;
}

uint32_t findings_label(const findings *a, uint32_t digit) {
  return likeliest_class(of_digit(a, digit), a->classes, 0);
}

bool findings_unsure(const findings *a, uint32_t digit) {
  return likeliest_unsure(of_digit(a, digit), a->classes, a->least);
}

/** How the first line shows a digit. */
static const char *shown(const findings *a, uint32_t digit, char number[DG_CLASS_SIZE]) {
  return findings_unsure(a, digit) ? UNSURE
                                   : dg_class_name(a->names, findings_label(a, digit), number);
}

/** Prints the most probable classes of a digit. */
static void print_likeliest(const findings *a, uint32_t digit, uint32_t top) {
  const float *p = of_digit(a, digit);
  char number[DG_CLASS_SIZE];
  if (top < 2 && findings_unsure(a, digit)) top = 2;
  for (uint32_t rank = 0; rank < top && rank < a->classes; rank++) {
    uint32_t c = likeliest_class(p, a->classes, rank);
    say("  %s %6.2f %%", dg_class_name(a->names, c, number), 100 * (double)p[c]);
  }
  putchar('\n');
}

void findings_print(const findings *a, uint32_t top) {
  const char *between = a->classes > 10 || a->names->count ? " " : "";
  char number[DG_CLASS_SIZE];
  say("%s: ", a->name);
  for (uint32_t i = 0; i < a->digits->count; i++)
    say("%s%s", i ? between : "", shown(a, i, number));
  putchar('\n');
  for (uint32_t i = 0; i < a->digits->count; i++) print_likeliest(a, i, top);
}

/* ---- JSON --------------------------------------------------------------- */

/** Prints an object and frees it. */
static bool print_object(json_t *object, const char *name, dg_error *err) {
  char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
  json_decref(object);
  bool whole = text != NULL;
  if (whole) say("%s\n", text); /* its escapes within JSON are also JSON's escapes */
  free(text);
  if (!whole && !dg_utf8_fault(name)) return dg_fail_memory(err, sizeof(json_t));
  return whole || dg_fail(err, DG_ERR_INPUT,
                          "%s: can't be written as JSON, which takes names in UTF-8 alone", name);
}

static json_t *digit_object(const findings *a, uint32_t digit) {
  const dg_box *box = &a->digits->boxes[digit];
  const float *p = of_digit(a, digit);
  uint32_t label = findings_label(a, digit);
  json_t *all = json_array();
  bool ok = all != NULL;
  for (uint32_t c = 0; c < a->classes; c++) json_add(all, json_real((double)p[c]), &ok);
  json_t *object =
      json_pack("{si sf s{si si si si} so}", "label", (int)label, "probability", (double)p[label],
                "box", "left", (int)box->left, "top", (int)box->top, "width", (int)box->width,
                "height", (int)box->height, "probabilities", json_ended(all, ok));
  if (label < a->names->count) json_put(object, "name", json_string(a->names->name[label]), &ok);
  if (a->least > 0) likeliest_mark(object, p, a->classes, a->names, a->least, &ok);
  return json_ended(object, ok);
}

bool findings_print_json(const findings *a, dg_error *err) {
  json_t *digits = json_array();
  bool ok = digits != NULL;
  for (uint32_t i = 0; i < a->digits->count; i++) json_add(digits, digit_object(a, i), &ok);
  return print_object(json_pack("{ss si si so}", "file", a->name, "width", (int)a->width, "height",
                                (int)a->height, "digits", json_ended(digits, ok)),
                      a->name, err);
}

bool findings_print_json_error(const char *name, const char *message, dg_error *err) {
  return print_object(json_pack("{ss ss}", "file", name, "error", message), name, err);
}
