#include "report/tested/answers.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "digits/calibration.h"

/** A misclassified image, for sorting. */
typedef struct {
  uint32_t image;
  double of_label, of_guess; /**< probabilities */
} ranked;

static int compare(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->of_label != b->of_label) return a->of_label < b->of_label ? -1 : 1;
  if (a->of_guess != b->of_guess) return a->of_guess > b->of_guess ? -1 : 1;
  return a->image < b->image ? -1 : 1;
}

static bool rank_mistakes(answers *a, const uint8_t *labels, dg_error *err) {
  ranked *list = malloc(((size_t)a->count + 1) * sizeof *list);
  if (!list) return dg_fail_memory(err, a->count * sizeof *list);
  for (uint32_t i = 0; i < a->count; i++)
    if (a->guess[i] != labels[i])
      list[a->mistakes++] = (ranked){i, answers_of(a, i, labels[i]), answers_of(a, i, a->guess[i])};
  qsort(list, a->mistakes, sizeof *list, compare);
  for (uint32_t i = 0; i < a->mistakes; i++) a->mistake[i] = list[i].image;
  free(list);
  return true;
}

bool answers_read(answers *a, const report_contents *c, const float *outputs, uint32_t count,
                  dg_error *err) {
  size_t all = (size_t)count * c->classes;
  *a = (answers){.count = count, .classes = c->classes};
  a->probability = malloc((all + 1) * sizeof *a->probability);
  a->guess = malloc(((size_t)count + 1) * sizeof *a->guess);
  a->mistake = malloc(((size_t)count + 1) * sizeof *a->mistake);
  bool ok = a->probability && a->guess && a->mistake;
  if (!ok) dg_fail_memory(err, all * sizeof *a->probability);
  if (ok) dg_probabilities(c->model, c->temperature, outputs, count, c->classes, a->probability);
  for (uint32_t i = 0; ok && i < count; i++)
    a->guess[i] = dg_argmax(outputs + (size_t)i * c->classes, c->classes);
  ok = ok && rank_mistakes(a, c->tested.labels, err);
  if (!ok) answers_free(a);
  return ok;
}

void answers_free(answers *a) {
  free(a->probability);
  free(a->guess);
  free(a->mistake);
  *a = (answers){0};
}
