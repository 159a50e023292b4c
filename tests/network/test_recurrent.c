/* Recurrent layers in a network: PyTorch's names, shapes and initial numbers. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/exec/network.h"
#include "core/model/model.h"
#include "tests/common/suite.h"

#define MODEL(layers)                                                                              \
  "name = \"t\"; input = [2, 5, 3]; layers = (" layers ", { type = \"flatten\"; }, "               \
  "{ type = \"linear\"; name = \"out\"; units = 10; });"

/** A network on the cpu backend, with the numbers it starts from. */
typedef struct {
  dg_device *device;
  dg_model *model;
  dg_network *network;
  const dg_param *params;
  uint32_t count;
  float *values;
} subject;

static subject subject_new(const char *text) {
  subject s = {0};
  dg_error err = {0};
  const dg_backend *const *backend = dg_backends();
  while (strcmp((*backend)->name, "cpu") != 0) backend++;
  s.device = (*backend)->open(&(dg_open_options){.threads = 1}, &err);
  s.model = s.device ? dg_model_parse(text, "test", NULL, 0, &err) : NULL;
  s.network = s.model ? dg_network_build(s.model, s.device, 2, false, &err) : NULL;
  ck_assert_msg(s.network && dg_network_initialize(s.network, 1, &err), "%s", err.message);
  s.count = dg_network_param_list(s.network, &s.params);
  s.values = calloc(dg_network_floats(s.network), sizeof *s.values);
  ck_assert_msg(dg_network_read(s.network, s.values, &err), "%s", err.message);
  return s;
}

static void subject_free(subject *s) {
  free(s->values);
  dg_network_free(s->network);
  dg_model_free(s->model);
  s->device->calls->close(s->device);
}

/** A parameter must be there, of this shape, its largest number a little below `limit`. */
static void check(const subject *s, const char *name, uint32_t rows, uint32_t columns,
                  double limit) {
  for (uint32_t p = 0; p < s->count; p++) {
    if (strcmp(s->params[p].name, name) != 0) continue;
    const dg_param_spec *spec = &s->params[p].spec;
    ck_assert_uint_eq(spec->rank, columns ? 2 : 1);
    ck_assert_uint_eq(spec->dim[0], rows);
    if (columns) ck_assert_uint_eq(spec->dim[1], columns);
    double most = 0;
    for (uint32_t i = 0; i < s->params[p].count; i++)
      most = fmax(most, fabsf(s->values[s->params[p].offset + i]));
    ck_assert_msg(most <= limit && most >= 0.8 * limit, "%s: the largest is %g of %g", name, most,
                  limit);
    return;
  }
  ck_abort_msg("no parameter %s", name);
}

START_TEST(pytorchs_parameters) {
  subject s = subject_new(MODEL("{ type = \"rows\"; },"
                                "{ type = \"lstm\"; name = \"a\"; units = 16; biases = 1;"
                                "  bidirectional = true; output = \"sequence\"; },"
                                "{ type = \"gru\"; name = \"b\"; units = 9; }"));
  ck_assert_uint_eq(s.count, 3 + 3 + 4 + 2);
  check(&s, "a.weight_ih_l0", 64, 6, 0.25);
  check(&s, "a.weight_hh_l0", 64, 16, 0.25);
  check(&s, "a.bias_ih_l0", 64, 0, 0.25);
  check(&s, "a.weight_ih_l0_reverse", 64, 6, 0.25);
  check(&s, "a.weight_hh_l0_reverse", 64, 16, 0.25);
  check(&s, "a.bias_ih_l0_reverse", 64, 0, 0.25);
  check(&s, "b.weight_ih_l0", 27, 32, 1.0 / 3);
  check(&s, "b.weight_hh_l0", 27, 9, 1.0 / 3);
  check(&s, "b.bias_ih_l0", 27, 0, 1.0 / 3);
  check(&s, "b.bias_hh_l0", 27, 0, 1.0 / 3);
  check(&s, "out.weight", 10, 9, 1.0 / 3);
  subject_free(&s);
}
END_TEST

/** Glorot's range is that of one gate; columns are [width, channels height]. */
START_TEST(glorot_counts_one_gate) {
  subject s = subject_new(MODEL("{ type = \"columns\"; },"
                                "{ type = \"rnn\"; name = \"a\"; units = 7; init = \"glorot\";"
                                "  output = \"sequence\"; },"
                                "{ type = \"gru\"; name = \"b\"; units = 11; init = \"glorot\";"
                                "  biases = 0; output = \"sequence\"; }"));
  check(&s, "a.weight_ih_l0", 7, 10, sqrt(6.0 / (10 + 7)));
  check(&s, "a.weight_hh_l0", 7, 7, sqrt(6.0 / (7 + 7)));
  check(&s, "a.bias_hh_l0", 7, 0, 0);
  check(&s, "b.weight_ih_l0", 33, 7, sqrt(6.0 / (7 + 11)));
  check(&s, "b.weight_hh_l0", 33, 11, sqrt(6.0 / (11 + 11)));
  check(&s, "out.weight", 10, 3 * 11, 1 / sqrt(33));
  ck_assert_uint_eq(s.count, 4 + 2 + 2);
  subject_free(&s);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("recurrent");
  tcase_add_test(tests, pytorchs_parameters);
  tcase_add_test(tests, glorot_counts_one_gate);
  return suite_main("recurrent", tests);
}
