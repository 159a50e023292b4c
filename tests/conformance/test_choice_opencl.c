/* Which implementations the opencl backend takes for what: a table of descriptions, and that every
   case of conformance finds some. No device is needed. */
#include "backends/opencl/ops.h"
#include "tests/common/suite.h"
#include "tests/unit/choice.h"

typedef struct {
  const char *name;
  dg_cl_form form;
  dg_cl_blast_use blast;
} place;

static const place tile = {"tile", DG_CL_TILE, DG_CL_BLAST_NEVER};
static const place group = {"group", DG_CL_GROUP, DG_CL_BLAST_NEVER};
static const place large = {"large", DG_CL_GROUP, DG_CL_BLAST_LARGE};
static const place blast = {"blast", DG_CL_TILE, DG_CL_BLAST_ALWAYS};

#define LINEAR(from, to)                                                                           \
  {                                                                                                \
    .kind = DG_OP_LINEAR, .linear = {.in = from, .out = to, .bias = true }                         \
  }

/* Of square images and windows, with a bias. */
#define CONV(...) CONV2D(__VA_ARGS__, .bias = true)

#define MAXPOOL(side, window, stride, mode)                                                        \
  {                                                                                                \
    .kind = DG_OP_MAXPOOL2D, .d_in = {mode}, .pool2d = {                                           \
      1,                                                                                           \
      side,                                                                                        \
      side,                                                                                        \
      window,                                                                                      \
      window,                                                                                      \
      stride,                                                                                      \
      stride,                                                                                      \
      0,                                                                                           \
      0                                                                                            \
    }                                                                                              \
  }

#define LOSS(count)                                                                                \
  {                                                                                                \
    .kind = DG_OP_LOSS, .loss = {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = count }                 \
  }

/** What is chosen; backward NULL: none. */
static const struct {
  const place *on;
  uint32_t max_n;
  bool train;
  const char *forward, *backward;
  dg_op_desc desc;
} choices[] = {
    {&tile, 64, TRAIN, "inner", "outer", LINEAR(784, 512)},
    {&tile, 64, TEST, "packed", NULL, LINEAR(784, 512)},
    {&tile, 1, TEST, "packed", NULL, LINEAR(1, 1)},
    {&group, 64, TRAIN, "inner", "outer", LINEAR(784, 512)},
    {&group, 64, TEST, "inner", NULL, LINEAR(784, 512)},
    {&large, 64, TRAIN, "clblast", "clblast", LINEAR(256, 256)},
    {&large, 64, TEST, "clblast", NULL, LINEAR(256, 256)},
    {&large, 64, TRAIN, "inner", "outer", LINEAR(256, 255)},
    {&blast, 1, TRAIN, "clblast", "clblast", LINEAR(3, 2)},
    {&blast, 1, TEST, "clblast", NULL, LINEAR(3, 2)},

    /* by rows: few channels, a stride of 1 */
    {&tile, 64, TRAIN, "rows", "planes", CONV(1, 28, 16, 3, 1, 1)},
    {&tile, 64, TEST, "rows", NULL, CONV(1, 28, 16, 3, 1, 1)},
    {&tile, 64, TRAIN, "rows", "planes", CONV(16, 14, 32, 3, 1, 1)},
    {&tile, 64, TRAIN, "rows", "planes", CONV(1, 28, 16, 3, 1, 1, .pool = 2)},
    {&tile, 1, TRAIN, "rows", "planes", CONV(1, 28, 8, 11, 5, 1)},
    {&tile, 64, TRAIN, "planes", "planes", CONV(1, 28, 7, 3, 1, 1)},
    {&tile, 64, TRAIN, "planes", "planes", CONV(1, 28, 8, 12, 5, 1)},
    {&tile, 64, TRAIN, "rows", "planes", CONV(1, 112, 8, 3, 1, 1)},
    {&tile, 64, TRAIN, "planes", "planes", CONV(1, 113, 8, 3, 1, 1)},
    {&tile, 64, TRAIN, "planes", "planes", CONV(1, 28, 16, 3, 1, 2)},
    {&group, 64, TRAIN, "planes", "planes", CONV(1, 28, 16, 3, 1, 1)},
    {&group, 64, TEST, "planes", NULL, CONV(32, 28, 64, 3, 1, 1)},

    /* by Winograd: windows of 3 or 5, whole vectors of channels, many of their pairs */
    {&tile, 8, TRAIN, "winograd", "winograd", CONV(32, 26, 48, 3, 0, 1)},
    {&tile, 8, TEST, "winograd", NULL, CONV(32, 26, 48, 3, 0, 1)},
    {&tile, 8, TRAIN, "winograd", "winograd", CONV(32, 14, 32, 5, 2, 1)},
    {&tile, 7, TRAIN, "rows", "planes", CONV(32, 26, 48, 3, 0, 1)},
    {&tile, 64, TRAIN, "winograd", "winograd", CONV(16, 28, 64, 3, 1, 1)},
    {&tile, 64, TRAIN, "rows", "planes", CONV(16, 28, 48, 3, 1, 1)},

    /* pixel by pixel: many channels otherwise */
    {&tile, 8, TRAIN, "pixels", "pixels", CONV(32, 14, 33, 3, 1, 1)},
    {&tile, 8, TEST, "pixels", NULL, CONV(96, 10, 144, 7, 0, 1)},
    {&tile, 8, TRAIN, "pixels", "pixels", CONV(32, 14, 32, 3, 1, 2)},
    {&tile, 8, TRAIN, "pixels", "pixels", CONV(32, 3, 32, 3, 0, 1)},
    {&tile, 7, TRAIN, "rows", "planes", CONV(32, 14, 33, 3, 1, 1)},
    {&group, 64, TRAIN, "planes", "planes", CONV(96, 10, 144, 7, 0, 1)},

    {&tile, 64, TRAIN, "maximum", "2x2", MAXPOOL(28, 2, 2, DG_GRAD_WRITE)},
    {&tile, 64, TEST, "maximum", NULL, MAXPOOL(28, 2, 2, DG_GRAD_WRITE)},
    {&tile, 64, TRAIN, "maximum", "windows", MAXPOOL(28, 2, 2, DG_GRAD_ADD)},
    {&tile, 64, TRAIN, "maximum", "windows", MAXPOOL(27, 2, 2, DG_GRAD_WRITE)},
    {&tile, 64, TRAIN, "maximum", "windows", MAXPOOL(6, 2, 2, DG_GRAD_WRITE)},
    {&tile, 64, TRAIN, "maximum", "windows", MAXPOOL(28, 3, 2, DG_GRAD_WRITE)},
    {&group, 64, TRAIN, "maximum", "windows", MAXPOOL(28, 2, 2, DG_GRAD_WRITE)},

    {&tile, 1638, TRAIN, "at once", NULL, LOSS(10)},
    {&tile, 1639, TRAIN, "samples", NULL, LOSS(10)},
    {&group, 1, TRAIN, "samples", NULL, LOSS(10)},
};

static dg_cl_device device_of(const place *p) {
  return (dg_cl_device){.form = p->form, .blast = p->blast, .tiles = {{1, 1, 0}}};
}

static bool supports(const void *device, const dg_op_desc *desc) {
  return dg_cl_ops_supports(device, desc);
}

static choice choose(const void *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  const dg_cl_choice by = dg_cl_ops_choose(device, desc, max_n, train);
  return (choice){by.forward ? by.forward->name : NULL, by.backward ? by.backward->name : NULL};
}

START_TEST(test_table) {
  const dg_cl_device device = device_of(choices[_i].on);
  const chooser c = {choices[_i].on->name, &device, supports, choose};
  expect_choice(&c, _i, &choices[_i].desc, choices[_i].max_n, choices[_i].train,
                (choice){choices[_i].forward, choices[_i].backward});
}
END_TEST

/** What can be fused to an op, or not, since another implementation is the better one. */
static const struct {
  const place *on;
  bool is;
  dg_op_desc desc;
} fused[] = {
    {&tile, true, CONV(1, 28, 16, 3, 1, 1, .pool = 2)},
    {&tile, true, CONV(1, 28, 16, 3, 1, 1, .act = {DG_ACT_RELU, 0}, .pool = 2, .drop = {0.5f, 1})},
    {&tile, false, CONV(1, 28, 16, 3, 1, 1, .act = {DG_ACT_RELU, 0}, .drop = {0.5f, 1})},
    {&tile, false, CONV(1, 28, 16, 3, 1, 1, .act = {DG_ACT_TANH, 0})},
    {&tile, false, CONV(1, 28, 16, 3, 1, 1, .statistics = true)},
    {&tile, false, CONV(1, 28, 16, 3, 1, 2, .pool = 2)},
    {&tile, true, CONV(32, 26, 48, 3, 0, 1)},
    {&tile, false, CONV(32, 26, 48, 3, 0, 1, .pool = 2)},
    {&tile, false, CONV(32, 26, 48, 3, 0, 1, .statistics = true)},
    {&tile, false, CONV(32, 14, 33, 3, 1, 1, .pool = 2)},
    {&group, true, CONV(32, 14, 33, 3, 1, 1, .pool = 2)},
    {&tile, true, {.kind = DG_OP_LINEAR, .linear = {784, 512, true, {DG_ACT_RELU, 0}, {0, 0}}}},
    {&large, false, {.kind = DG_OP_LINEAR, .linear = {784, 512, true, {DG_ACT_RELU, 0}, {0, 0}}}},
    {&large, true, {.kind = DG_OP_LINEAR, .linear = {784, 10, true, {DG_ACT_RELU, 0}, {0, 0}}}},
    {&blast, false, {.kind = DG_OP_LINEAR, .linear = {784, 10, true, {DG_ACT_RELU, 0}, {0, 0}}}},
};

START_TEST(test_fused) {
  const dg_cl_device device = device_of(fused[_i].on);
  ck_assert_msg(dg_cl_ops_supports(&device.base, &fused[_i].desc) == fused[_i].is, "fused %d", _i);
}
END_TEST

START_TEST(test_all) {
  static const place *const places[] = {&tile, &group, &large, &blast};
  for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
    const dg_cl_device device = device_of(places[p]);
    const chooser c = {places[p]->name, &device, supports, choose};
    const double share = expect_all(&c, (dg_op_kind)_i);
    ck_assert_msg(share > 0.1, "%s: %.2f of the cases of kind %d are supported", c.name, share, _i);
  }
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("choice");
  tcase_add_loop_test(tests, test_table, 0, sizeof choices / sizeof *choices);
  tcase_add_loop_test(tests, test_fused, 0, sizeof fused / sizeof *fused);
  tcase_add_loop_test(tests, test_all, DG_OP_LINEAR, DG_OP_GATHER);
  return suite_main("choice_opencl", tests);
}
