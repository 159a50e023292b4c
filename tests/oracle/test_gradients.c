/* The oracle's gradients against finite differences of its own forward, in double precision. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle/oracle.h"
#include "tests/common/cases/cases.h"
#include "tests/common/rig.h"
#include "tests/common/suite.h"

/** Half the distance of two points of a central difference. */
static const double half_step = 1e-6;

static double *random_doubles(size_t count, uint32_t seed) {
  float *x = rig_alloc(count, sizeof *x);
  rig_random(x, count, seed);
  double *y = rig_doubles(x, count);
  free(x);
  return y;
}

/** A layer op with random tensors; what is differentiated is the sum of out * d_out. */
typedef struct {
  const dg_op_desc *desc;
  dg_step step;
  oracle_sizes sizes;
  oracle_tensors t;
} layer;

static layer layer_new(const dg_op_desc *desc, uint32_t n) {
  layer l = {.desc = desc,
             .step = {.n = n, .train = true, .seed = 3, .step = 4},
             .sizes = oracle_sizes_of(desc)};
  for (uint32_t k = 0; k < l.sizes.inputs; k++) {
    double *in = random_doubles(n * l.sizes.in[k], k);
    const uint32_t steps = layer_case_steps(desc, k);
    for (size_t i = 0; steps && i < n * l.sizes.in[k]; i++)
      in[i] = (double)layer_case_length(in[i], steps);
    l.t.in[k] = in;
    l.t.d_in[k] = random_doubles(n * l.sizes.in[k], 10 + k);
  }
  for (uint32_t k = 0; k < l.sizes.params; k++) {
    double *param = random_doubles(l.sizes.param[k], 20 + k);
    for (size_t i = 0; i < l.sizes.param[k]; i++) param[i] *= layer_case_scale(desc, k);
    l.t.param[k] = param;
    l.t.d_param[k] = random_doubles(l.sizes.param[k], 30 + k);
  }
  l.t.out = rig_alloc(n * l.sizes.out, sizeof(double));
  l.t.d_out = random_doubles(n * l.sizes.out, 40);
  return l;
}

static void layer_free(layer *l) {
  for (size_t k = 0; k < DG_MAX_IN; k++) free((void *)l->t.in[k]), free(l->t.d_in[k]);
  for (size_t k = 0; k < DG_MAX_PARAM; k++) free((void *)l->t.param[k]), free(l->t.d_param[k]);
  free(l->t.out), free((void *)l->t.d_out);
}

/** Clears d_out where something bends between the two points of a difference. */
static void avoid_kinks(layer *l) {
  bool *kinks = oracle_kinks(l->desc, &l->t, &l->step);
  for (size_t i = 0; i < l->step.n * l->sizes.out; i++)
    if (kinks[i]) ((double *)l->t.d_out)[i] = 0;
  free(kinks);
}

static double objective(const layer *l) {
  double sum = 0;
  oracle_forward(l->desc, &l->t, &l->step);
  for (size_t i = 0; i < l->step.n * l->sizes.out; i++) sum += l->t.out[i] * l->t.d_out[i];
  return sum;
}

static double difference(const layer *l, double *x) {
  double before = *x;
  *x = before + half_step;
  double above = objective(l);
  *x = before - half_step;
  double below = objective(l);
  *x = before;
  return (above - below) / (2 * half_step);
}

static double largest(const double *x, size_t count) {
  double most = 0;
  for (size_t i = 0; i < count; i++) most = fmax(most, fabs(x[i]));
  return most;
}

/** Compares some elements of a gradient, spread over all of it. */
static void check_tensor(const layer *l, const char *text, const char *name, const double *x,
                         const double *dx, size_t count) {
  enum { CHECKED = 61 };
  double tolerance = 1e-7 * (1 + largest(dx, count));
  for (size_t i = 0; i < count; i += 1 + count / CHECKED) {
    double expected = difference(l, (double *)x + i);
    ck_assert_msg(fabs(dx[i] - expected) <= tolerance,
                  "%s: %s[%zu] is %.12g, its finite difference %.12g", text, name, i, dx[i],
                  expected);
  }
}

static void check_layer(const layer_case *c, uint32_t n) {
  char text[256];
  layer_case_text(c, text, sizeof text);
  layer l = layer_new(&c->desc, n);
  avoid_kinks(&l);
  double *prior[DG_MAX_IN] = {0};
  for (uint32_t k = 0; k < l.sizes.inputs; k++) {
    prior[k] = rig_alloc(n * l.sizes.in[k], sizeof(double));
    for (size_t i = 0; i < n * l.sizes.in[k]; i++)
      prior[k][i] = c->desc.d_in[k] == DG_GRAD_WRITE ? 0 : l.t.d_in[k][i];
  }
  oracle_backward(&c->desc, &l.t, &l.step);
  for (uint32_t k = 0; k < l.sizes.inputs; k++) {
    for (size_t i = 0; i < n * l.sizes.in[k]; i++) l.t.d_in[k][i] -= prior[k][i];
    if (c->desc.d_in[k] == DG_GRAD_NONE)
      ck_assert_msg(largest(l.t.d_in[k], n * l.sizes.in[k]) == 0, "%s: d_in[%u] written", text, k);
    else
      check_tensor(&l, text, "d_in", l.t.in[k], l.t.d_in[k], n * l.sizes.in[k]);
    free(prior[k]);
  }
  for (uint32_t k = 0; k < l.sizes.params; k++)
    check_tensor(&l, text, "d_param", l.t.param[k], l.t.d_param[k], l.sizes.param[k]);
  layer_free(&l);
}

START_TEST(layer_gradients) {
  dg_op_kind kind = (dg_op_kind)_i;
  size_t count = layer_cases(kind, NULL), checked = 0;
  layer_case *cases = rig_alloc(count, sizeof *cases);
  layer_cases(kind, cases);
  for (size_t i = 0; i < count; i++) {
    oracle_sizes z = oracle_sizes_of(&cases[i].desc);
    bool small = z.in[0] + z.out + z.param[0] < 3000;
    if (!small || cases[i].fill != FILL_RANDOM) continue;
    check_layer(&cases[i], 1 + i % 2);
    checked++;
  }
  ck_assert_uint_gt(checked, 3);
  free(cases);
}
END_TEST

enum { N = 7, CLASSES = 10 };

static const dg_loss_desc losses[] = {
    {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = CLASSES},
    {DG_LOSS_CROSS_ENTROPY, CLASSES, .smoothing = 0.1f},
    {DG_LOSS_CROSS_ENTROPY, CLASSES, .smoothing = 0.1f, .weighted = true},
    {.kind = DG_LOSS_MSE, .outputs = CLASSES},
    {DG_LOSS_MSE, CLASSES, .weighted = true},
    {DG_LOSS_MSE, CLASSES, .targets = true},
    {.kind = DG_LOSS_MAE, .outputs = CLASSES},
    {DG_LOSS_MAE, CLASSES, .targets = true},
    {DG_LOSS_HUBER, CLASSES, .delta = 0.5f},
    {DG_LOSS_HUBER, CLASSES, .delta = 0.5f, .targets = true},
    {DG_LOSS_BCE, CLASSES, .weighted = true},
    {DG_LOSS_BCE, CLASSES, .targets = true},
};

/** Moves y away from where a loss bends. */
static double away_from_kinks(const dg_loss_desc *d, double y, double wanted) {
  double size = fabs(y - wanted), near = 10 * half_step;
  return size < near || fabs(size - (double)d->delta) < near ? y + 2 * near : y;
}

START_TEST(loss_gradient) {
  const dg_loss_desc *d = &losses[_i];
  const dg_step step = {.n = N, .whole = 2 * N};
  const uint32_t labels[N] = {3, 0, 9, 9, 1, 5, 2};
  double *y = random_doubles(N * CLASSES, 1), *targets = random_doubles(N * CLASSES, 2);
  double *weights = random_doubles(CLASSES, 3), d_y[N * CLASSES], above, below;
  uint32_t correct;
  const oracle_wanted wanted = {labels, targets, weights};
  for (size_t i = 0; i < N * CLASSES; i++)
    y[i] = away_from_kinks(d, y[i], d->targets ? targets[i] : i % CLASSES == labels[i / CLASSES]);
  oracle_loss(d, y, &wanted, &step, d_y, &above, &correct);
  for (size_t i = 0; i < N * CLASSES; i++) {
    double before = y[i];
    y[i] = before + half_step;
    oracle_loss(d, y, &wanted, &step, NULL, &above, &correct);
    y[i] = before - half_step;
    oracle_loss(d, y, &wanted, &step, NULL, &below, &correct);
    y[i] = before;
    ck_assert_double_eq_tol(d_y[i], (above - below) / (2 * half_step), 1e-8);
  }
  free(y), free(targets), free(weights);
}
END_TEST

START_TEST(loss_by_hand) {
  /* log(e^1 + e^2 + e^3) = 3.4076059644443806 */
  double logits[] = {1, 2, 3, 3, 1, 3}, loss;
  uint32_t labels[] = {2, 2}, correct;
  const oracle_wanted wanted = {.labels = labels};
  oracle_loss(&(dg_loss_desc){DG_LOSS_CROSS_ENTROPY, 3, .smoothing = 0}, logits, &wanted,
              &(dg_step){.n = 1}, NULL, &loss, &correct);
  ck_assert_double_eq_tol(loss, 0.4076059644443806, 1e-15);
  ck_assert_uint_eq(correct, 1);
  oracle_loss(&(dg_loss_desc){DG_LOSS_MSE, 3, .smoothing = 0}, logits, &wanted, &(dg_step){.n = 2},
              NULL, &loss, &correct);
  ck_assert_double_eq_tol(loss, (1 + 4 + 4 + 9 + 1 + 4) / 6.0, 1e-15);
  ck_assert_uint_eq(correct, 1); /* of two largest logits the first counts */
}
END_TEST

/**
 * Losses of y, and their derivatives by y[0] and y[1], recorded from PyTorch 2 in double precision:
 * y = tensor([[1, -2, 0.5], [3, 0.25, -4]]), t = tensor([[0, 1, 0.75], [1, 0, 0.5]]), l =
 * tensor([1, 0]), w = tensor([0.5, 2, 3]), then f.backward() where f is
 */
static const struct {
  dg_loss_desc desc;
  double loss, slopes[2];
  uint32_t correct;
} recorded[] = {
    /* (cross_entropy(y, l, reduction="none") * w[l]).mean() */
    {{DG_LOSS_CROSS_ENTROPY, 3, .weighted = true},
     3.520302980328325,
     {0.6037488961486258, -0.969941112430426},
     1},
    /* mse_loss(y, t) */
    {{DG_LOSS_MSE, 3, .targets = true}, 5.729166666666667, {0.3333333333333333, -1}, 0},
    /* l1_loss(y, t) */
    {{DG_LOSS_MAE, 3, .targets = true}, 1.8333333333333333, {1.0 / 6, -1.0 / 6}, 0},
    /* huber_loss(y, t, delta=0.5), and with delta=2.5 */
    {{DG_LOSS_HUBER, 3, .targets = true, .delta = 0.5f},
     0.8020833333333334,
     {0.08333333333333333, -0.08333333333333333},
     0},
    {{DG_LOSS_HUBER, 3, .targets = true, .delta = 2.5f},
     2.5104166666666665,
     {0.16666666666666666, -0.41666666666666663},
     0},
    /* binary_cross_entropy_with_logits(y, t) */
    {{DG_LOSS_BCE, 3, .targets = true},
     1.1553238970186162,
     {0.12184309643833414, -0.14679951299631375},
     0},
    /* (binary_cross_entropy_with_logits(y, one_hot(l, 3), reduction="none").mean(1) * w[l]).mean()
     */
    {{DG_LOSS_BCE, 3, .weighted = true},
     1.545811952527967,
     {0.2436861928766683, -0.29359902599262744},
     1},
};

START_TEST(loss_as_recorded) {
  const double y[] = {1, -2, 0.5, 3, 0.25, -4}, t[] = {0, 1, 0.75, 1, 0, 0.5}, w[] = {0.5, 2, 3};
  const uint32_t labels[] = {1, 0};
  double slopes[6], loss;
  uint32_t correct;
  oracle_loss(&recorded[_i].desc, y, &(oracle_wanted){labels, t, w}, &(dg_step){.n = 2}, slopes,
              &loss, &correct);
  ck_assert_double_eq_tol(loss, recorded[_i].loss, 1e-14);
  for (int i = 0; i < 2; i++) ck_assert_double_eq_tol(slopes[i], recorded[_i].slopes[i], 1e-14);
  ck_assert_uint_eq(correct, recorded[_i].correct);
}
END_TEST

/** Yes/no labels: a sample is correct if all its outputs are on the right side; 0 and 0.5 are yes.
 */
START_TEST(correct_of_several_labels) {
  const double y[] = {0, -1, 2, 0, 1, -1, -3, -1}, t[] = {0.5, 0.4, 1, 0, 1, 0.5, 0, 0};
  double loss;
  uint32_t correct;
  oracle_loss(&(dg_loss_desc){DG_LOSS_BCE, 2, .targets = true}, y, &(oracle_wanted){.targets = t},
              &(dg_step){.n = 4}, NULL, &loss, &correct);
  ck_assert_uint_eq(correct, 2);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("oracle");
#define DG_LAYER_OP(KIND, name, desc)                                                              \
  tcase_add_loop_test(tcase, layer_gradients, DG_OP_##KIND, DG_OP_##KIND + 1);
#include "core/op/list.h"
  tcase_add_loop_test(tcase, loss_gradient, 0, sizeof losses / sizeof *losses);
  tcase_add_test(tcase, loss_by_hand);
  tcase_add_loop_test(tcase, loss_as_recorded, 0, sizeof recorded / sizeof *recorded);
  tcase_add_test(tcase, correct_of_several_labels);
  return suite_main("gradients", tcase);
}
