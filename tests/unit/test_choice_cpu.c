/* Which implementations the cpu backend takes for what: a table of descriptions, and that every
   case of conformance finds some, with each instruction set that the processor has. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/instruction_sets.h"
#include "backends/cpu/runtime/prepared.h"
#include "tests/common/cases/cases.h"
#include "tests/common/suite.h"

enum { TRAIN = true, TEST = false };

/* Of square images and windows. */
#define CONV2D(from, side, to, window, padding, stride, ...)                                       \
  {                                                                                                \
    .kind = DG_OP_CONV2D, .conv2d = {                                                              \
      .channels = from,                                                                            \
      .height = side,                                                                              \
      .width = side,                                                                               \
      .filters = to,                                                                               \
      .kernel_h = window,                                                                          \
      .kernel_w = window,                                                                          \
      .stride_h = stride,                                                                          \
      .stride_w = stride,                                                                          \
      .pad_h = padding,                                                                            \
      .pad_w = padding,                                                                            \
      __VA_ARGS__                                                                                  \
    }                                                                                              \
  }

#define RECURRENT(what)                                                                            \
  {                                                                                                \
    .kind = DG_OP_RECURRENT, .recurrent = {                                                        \
      .cell = what,                                                                                \
      .steps = 28,                                                                                 \
      .in = 28,                                                                                    \
      .hidden = 128,                                                                               \
      .biases = 2                                                                                  \
    }                                                                                              \
  }

#define LINEAR                                                                                     \
  {                                                                                                \
    .kind = DG_OP_LINEAR, .linear = {.in = 784, .out = 10 }                                        \
  }

/** What is chosen; NULL: none. */
static const struct {
  uint32_t max_n;
  bool train;
  const char *forward, *backward;
  dg_op_desc desc;
} choices[] = {
    /* the zoo's */
    {64, TRAIN, "pooled", "direct", CONV2D(1, 28, 16, 3, 1, 1, .bias = true, .pool = 2)},
    {64, TEST, "pooled", NULL, CONV2D(1, 28, 16, 3, 1, 1, .bias = true, .pool = 2)},
    {64, TRAIN, "winograd", "winograd", CONV2D(16, 14, 32, 3, 1, 1, .bias = true, .pool = 2)},
    {1, TEST, "winograd", NULL, CONV2D(16, 14, 32, 3, 1, 1, .bias = true, .pool = 2)},
    {100, TRAIN, "pooled", "direct", CONV2D(1, 28, 32, 5, 2, 1, .bias = true, .pool = 2)},
    {100, TRAIN, "winograd", "winograd", CONV2D(32, 14, 32, 5, 2, 1, .bias = true, .pool = 2)},
    {120, TRAIN, "few_taps", "direct", CONV2D(1, 28, 32, 3, 0, 1, .moments = true)},
    {120, TRAIN, "winograd", "winograd", CONV2D(32, 26, 48, 3, 0, 1, .moments = true)},
    {120, TRAIN, "winograd", "scatter", CONV2D(64, 22, 96, 7, 0, 1, .moments = true)},
    {120, TEST, "winograd", NULL, CONV2D(64, 22, 96, 7, 0, 1, .bias = false)},
    /* few taps with another pooling */
    {64, TRAIN, "few_taps", "direct", CONV2D(1, 28, 16, 3, 1, 1, .bias = true, .pool = 3)},
    /* winograd: no ending that bends, no stride, whole vectors, kernels it knows, tiles well used
     */
    {8, TRAIN, "winograd", "winograd",
     CONV2D(32, 13, 32, 3, 1, 1, .bias = true, .act = {DG_ACT_RELU, 0})},
    {8, TRAIN, "direct", "direct",
     CONV2D(32, 13, 32, 3, 1, 1, .bias = true, .act = {DG_ACT_TANH, 0})},
    {8, TRAIN, "direct", "scatter", CONV2D(32, 26, 32, 3, 1, 2, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(33, 13, 32, 3, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(32, 13, 33, 3, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(32, 14, 32, 4, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "scatter", CONV2D(32, 3, 32, 3, 0, 1, .bias = false)},
    /* others */
    {64, TRAIN, "groups", "groups", RECURRENT(DG_CELL_GRU)},
    {64, TEST, "kept_weights", NULL, RECURRENT(DG_CELL_GRU)},
    {1, TEST, "kept_weights", NULL, RECURRENT(DG_CELL_LSTM)},
    {64, TRAIN, "product", "product", LINEAR},
    {1, TEST, "product", NULL, LINEAR},
    {64, TRAIN, "samples", NULL, {.kind = DG_OP_LOSS, .loss = {.classes = 10}}},
};

/** Calls `expect` with a device of each instruction set that the processor has. */
static void on_each(void (*expect)(const dg_cpu_device *device, const char *set, int number),
                    int number) {
  for (const char *const *set = dg_cpu_instruction_sets; *set; set++) {
    dg_error err = {0};
    const dg_cpu_device device = {.threads = 2, .ops = dg_cpu_ops_for(*set, &err)};
    if (device.ops) expect(&device, *set, number);
  }
}

static bool same(const dg_cpu_implementation *found, const char *expected) {
  return found ? expected && strcmp(found->name, expected) == 0 : !expected;
}

static void expect_choice(const dg_cpu_device *device, const char *set, int number) {
  const dg_op_desc *desc = &choices[number].desc;
  uint32_t max_n = choices[number].max_n;
  ck_assert_msg(device->ops->family[desc->kind]->supports(desc), "%s, choice %d", set, number);
  const dg_cpu_choice found = dg_cpu_choose(device, desc, max_n, choices[number].train);
  ck_assert_msg(same(found.forward, choices[number].forward), "%s, choice %d: forward by %s", set,
                number, found.forward ? found.forward->name : "none");
  ck_assert_msg(same(found.backward, choices[number].backward), "%s, choice %d: backward by %s",
                set, number, found.backward ? found.backward->name : "none");
}

START_TEST(test_table) {
  on_each(expect_choice, _i);
}
END_TEST

static void expect_some(const dg_cpu_device *device, const layer_case *c, uint32_t max_n) {
  char text[256];
  layer_case_text(c, text, sizeof text);
  const dg_cpu_choice test = dg_cpu_choose(device, &c->desc, max_n, false),
                      train = dg_cpu_choose(device, &c->desc, max_n, true);
  ck_assert_msg(test.forward && !test.backward, "%s, tested", text);
  ck_assert_msg(train.forward && train.backward, "%s, trained", text);
}

static void expect_all(const dg_cpu_device *device, const char *set, int kind) {
  const size_t count = layer_cases((dg_op_kind)kind, NULL);
  layer_case *cases = calloc(count, sizeof *cases);
  ck_assert_ptr_nonnull(cases);
  layer_cases((dg_op_kind)kind, cases);
  for (size_t i = 0; i < count; i++) {
    ck_assert_msg(device->ops->family[kind]->supports(&cases[i].desc), "%s, case %zu", set, i);
    expect_some(device, &cases[i], cases[i].max_n);
    expect_some(device, &cases[i], 1);
    expect_some(device, &cases[i], 4096);
  }
  free(cases);
}

START_TEST(test_all) {
  on_each(expect_all, _i);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("choice");
  tcase_add_loop_test(tests, test_table, 0, sizeof choices / sizeof *choices);
  tcase_add_loop_test(tests, test_all, DG_OP_LINEAR, DG_OP_GATHER);
  return suite_main("choice_cpu", tests);
}
