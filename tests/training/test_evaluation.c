/* Metrics, against numbers recorded from scikit-learn 1.9 and against small ones computed by hand.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digits/metrics.h"
#include "tests/common/suite.h"

enum { N = 40 };

/** -4 to 4 in steps of 1 / 25, by a linear congruential generator. */
static void fill(float *x, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)((int)((seed >> 16) % 201) - 100) / 25;
  }
}

static void check_all(const char *what, double got, double expected) {
  ck_assert_msg(fabs(got - expected) <= 1e-7, "%s is %.12g, not %.12g", what, got, expected);
}

/** Adds N samples in batches of 7. */
static void add(dg_evaluation *e, const float *outputs, uint32_t count, const uint8_t *labels,
                const float *targets) {
  for (uint32_t s = 0; s < N; s += 7) {
    dg_error err = {0};
    uint32_t n = N - s < 7 ? N - s : 7;
    const float *y = outputs + (size_t)s * count;
    bool ok = labels ? dg_evaluation_add_classes(e, y, labels + s, n, &err)
                     : dg_evaluation_add_targets(e, y, targets + (size_t)s * count, n, &err);
    ck_assert_msg(ok, "%s", err.message);
  }
}

static dg_evaluation *begin(dg_task task, uint32_t outputs) {
  dg_error err = {0};
  dg_evaluation *e = dg_evaluation_new(task, outputs, &err);
  ck_assert_msg(e != NULL, "%s", err.message);
  return e;
}

/** Nine classes: no sample has the last two, and no answer is the last one. Recorded from
    accuracy_score, top_k_accuracy_score(k=5) and precision_score, recall_score, f1_score
    (average="macro" and None, zero_division=0). */
START_TEST(classes_as_recorded) {
  enum { C = 9 };
  static const double precision[C] = {0.25, 5.0 / 7, 0.25, 0.25, 0, 0.5, 0.6, 0, 0};
  static const double recall[C] = {0.2, 0.5, 0.25, 0.4, 0, 0.8, 0.375, 0, 0};
  static const double f1[C] = {2.0 / 9, 10.0 / 17, 0.25, 4.0 / 13, 0, 8.0 / 13, 6.0 / 13, 0, 0};
  float y[N * C];
  uint8_t labels[N];
  uint32_t seed = 5;
  fill(y, N * C, 1);
  for (int s = 0; s < N; s++) {
    seed = seed * 1664525u + 1013904223u;
    labels[s] = (uint8_t)((seed >> 16) % 7);
    y[s * C + 8] = -9;
    if (s % 2 == 0) y[s * C + labels[s]] += 3;
  }
  dg_evaluation *e = begin(DG_TASK_CLASS, C);
  add(e, y, C, labels, NULL);
  dg_metrics_of_all all;
  dg_metrics_of_output of[C + 1];
  dg_evaluation_measure(e, &all, sizeof all);
  ck_assert_uint_eq(all.samples, N);
  check_all("accuracy", all.accuracy, 0.4);
  check_all("top5_accuracy", all.top5_accuracy, 0.8);
  check_all("precision", all.precision_macro, 0.3205357142857143);
  check_all("recall", all.recall_macro, 0.315625);
  check_all("f1", all.f1_macro, 0.30563411261940676);
  dg_evaluation_measure_outputs(e, of, sizeof *of, C + 1);
  for (int c = 0; c < C; c++) {
    check_all("precision", of[c].precision, precision[c]);
    check_all("recall", of[c].recall, recall[c]);
    check_all("f1", of[c].f1, f1[c]);
  }
  ck_assert_uint_eq(of[7].actual, 0);
  ck_assert_uint_gt(of[7].predicted, 0);
  ck_assert_uint_eq(of[8].predicted, 0);
  dg_evaluation_free(e);
}
END_TEST

/** Four labels, of which no sample has the last one. Recorded from the same functions. */
START_TEST(labels_as_recorded) {
  enum { C = 4 };
  static const double precision[C] = {0.7619047619047619, 0.8, 0.85, 0};
  static const double recall[C] = {0.64, 0.8888888888888888, 0.85, 0};
  static const double f1[C] = {0.6956521739130435, 0.8421052631578947, 0.85, 0};
  float y[N * C], t[N * C];
  fill(y, N * C, 2), fill(t, N * C, 3);
  for (int i = 0; i < N * C; i++) {
    t[i] = t[i] > 0 && i % C != 3;
    if (i / C % 2 == 0) y[i] = t[i] > 0 ? fabsf(y[i]) : -fabsf(y[i]) - 0.1f;
    if (i % C == 3) y[i] = -1;
  }
  dg_evaluation *e = begin(DG_TASK_LABELS, C);
  add(e, y, C, NULL, t);
  dg_metrics_of_all all;
  dg_metrics_of_output of[C];
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("accuracy", all.accuracy, 0.625);
  check_all("precision", all.precision_macro, 0.6029761904761904);
  check_all("recall", all.recall_macro, 0.5947222222222223);
  check_all("f1", all.f1_macro, 0.5969393592677346);
  dg_evaluation_measure_outputs(e, of, sizeof *of, C);
  for (int c = 0; c < C; c++) {
    check_all("precision", of[c].precision, precision[c]);
    check_all("recall", of[c].recall, recall[c]);
    check_all("f1", of[c].f1, f1[c]);
  }
  dg_evaluation_free(e);
}
END_TEST

/** Three numbers, of which the last one is always the same. Recorded from mean_absolute_error,
    r2_score (both multioutput="raw_values", too) and mean_squared_error. */
START_TEST(values_as_recorded) {
  enum { C = 3 };
  static const double mae[C] = {0.4625000057742, 0.46825000196695327, 2.95800000987947};
  static const double rmse[C] = {0.5469415039425303, 0.523824874345566, 3.538971605347382};
  static const double r2[C] = {0.9408328290267288, 0.9270964824987372, 0};
  float y[N * C], t[N * C];
  fill(y, N * C, 4), fill(t, N * C, 6);
  for (int i = 0; i < N * C; i++) t[i] = i % C == 2 ? 2.5f : y[i] + t[i] / 4;
  dg_evaluation *e = begin(DG_TASK_VALUES, C);
  add(e, y, C, NULL, t);
  dg_metrics_of_all all;
  dg_metrics_of_output of[C];
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("mae", all.mae, 1.2962500058735411);
  check_all("rmse", all.rmse, 2.089486183345329);
  check_all("r2", all.r2, 0.622643103841822);
  ck_assert(all.accuracy == 0 && all.f1_macro == 0);
  dg_evaluation_measure_outputs(e, of, sizeof *of, C);
  for (int c = 0; c < C; c++) {
    check_all("mae", of[c].mae, mae[c]);
    check_all("rmse", of[c].rmse, rmse[c]);
    check_all("r2", of[c].r2, r2[c]);
  }
  dg_evaluation_free(e);
}
END_TEST

/** Large targets that hardly differ: their variance isn't lost. */
START_TEST(r2_far_from_zero) {
  const float t[] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3},
              y[] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 2};
  dg_evaluation *e = begin(DG_TASK_VALUES, 1);
  dg_metrics_of_all all;
  ck_assert(dg_evaluation_add_targets(e, y, t, 1, NULL));
  dg_evaluation_measure(e, &all, sizeof all);
  ck_assert(isnan(all.r2)); /* of one sample */
  ck_assert(dg_evaluation_add_targets(e, y + 1, t + 1, 3, NULL));
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("r2", all.r2, 0.8); /* 1 - 1 / 5 */
  dg_evaluation_free(e);
  e = begin(DG_TASK_VALUES, 1);
  const float same[] = {3, 3};
  ck_assert(dg_evaluation_add_targets(e, same, same, 2, NULL));
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("r2 of what is always the same", all.r2, 1);
  dg_evaluation_free(e);
}
END_TEST

/** Of equal outputs the first counts; few classes are all among the first five. */
START_TEST(ties_by_hand) {
  const float y[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}; /* two samples of six classes */
  const uint8_t labels[] = {0, 5};
  dg_evaluation *e = begin(DG_TASK_CLASS, 6);
  dg_metrics_of_all all;
  ck_assert(dg_evaluation_add_classes(e, y, labels, 2, NULL));
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("accuracy", all.accuracy, 0.5);
  check_all("top5_accuracy", all.top5_accuracy, 0.5);
  dg_evaluation_free(e);
  e = begin(DG_TASK_LABELS, 2);
  const float logits[] = {0, -0.0f}, wanted[] = {0.5f, 1};
  ck_assert(dg_evaluation_add_targets(e, logits, wanted, 1, NULL));
  dg_evaluation_measure(e, &all, sizeof all);
  check_all("accuracy", all.accuracy, 1); /* 0 and 0.5 are yes */
  dg_evaluation_free(e);
}
END_TEST

/** Nothing of a batch that is refused is added; without samples all is 0. */
START_TEST(refuses) {
  const float good[] = {1, 2, 3, 4}, bad[] = {1, 2, NAN, 4}, endless[] = {1, 2, 3, INFINITY};
  const uint8_t labels[] = {1, 0}, outside[] = {0, 2};
  dg_error err = {0};
  dg_metrics_of_all all;
  dg_evaluation *e = begin(DG_TASK_CLASS, 2), *v = begin(DG_TASK_VALUES, 2);
  ck_assert(!dg_evaluation_add_classes(e, bad, labels, 2, &err));
  ck_assert_str_eq(err.message, "output 0 of sample 1 is not a finite number");
  ck_assert(!dg_evaluation_add_classes(e, good, outside, 2, &err));
  ck_assert_str_eq(err.message, "sample 1 has the label 2, but there are 2 outputs");
  ck_assert(!dg_evaluation_add_targets(e, good, good, 2, &err));
  ck_assert(!dg_evaluation_add_classes(v, good, labels, 2, &err));
  ck_assert(!dg_evaluation_add_targets(v, good, endless, 2, &err));
  ck_assert_str_eq(err.message, "target 1 of sample 1 is not a finite number");
  ck_assert_ptr_null(dg_evaluation_new(DG_TASK_CLASS, 0, &err));
  ck_assert_ptr_null(dg_evaluation_new((dg_task)3, 1, &err));
  dg_evaluation_measure(e, &all, sizeof all);
  ck_assert(all.samples == 0 && all.accuracy == 0 && all.f1_macro == 0);
  dg_evaluation_free(e), dg_evaluation_free(v), dg_evaluation_free(NULL);
}
END_TEST

/** A program of an older version, whose struct is shorter: nothing beyond is written. */
START_TEST(sized) {
  const float y[] = {0, 1};
  const uint8_t label = 1;
  struct {
    uint64_t samples;
    double accuracy, guard;
  } old = {.guard = 7};
  dg_evaluation *e = begin(DG_TASK_CLASS, 2);
  ck_assert(dg_evaluation_add_classes(e, y, &label, 1, NULL));
  dg_evaluation_measure(e, (dg_metrics_of_all *)(void *)&old,
                        offsetof(dg_metrics_of_all, top5_accuracy));
  ck_assert(old.samples == 1 && old.accuracy == 1 && old.guard == 7);
  dg_evaluation_free(e);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("evaluation");
  tcase_add_test(tcase, classes_as_recorded);
  tcase_add_test(tcase, labels_as_recorded);
  tcase_add_test(tcase, values_as_recorded);
  tcase_add_test(tcase, r2_far_from_zero);
  tcase_add_test(tcase, ties_by_hand);
  tcase_add_test(tcase, refuses);
  tcase_add_test(tcase, sized);
  return suite_main("evaluation", tcase);
}
