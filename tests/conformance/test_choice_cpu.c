/* Which implementations the cpu backend takes for what: a table of descriptions, and that every
   case of conformance finds some, with each instruction set that the processor has. */
#include "backends/cpu/instruction_sets.h"
#include "backends/cpu/runtime/prepared.h"
#include "tests/common/suite.h"
#include "tests/unit/choice.h"

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

#define DEPTHWISE(stride, ...)                                                                     \
  {                                                                                                \
    .kind = DG_OP_GROUPED_CONV2D, .grouped_conv2d = {                                              \
      .channels = 32,                                                                              \
      .height = 14,                                                                                \
      .width = 14,                                                                                 \
      .filters = 32,                                                                               \
      .groups = 32,                                                                                \
      .kernel_h = 3,                                                                               \
      .kernel_w = 3,                                                                               \
      .stride_h = stride,                                                                          \
      .stride_w = stride,                                                                          \
      .dilation_h = 1,                                                                             \
      .dilation_w = 1,                                                                             \
      __VA_ARGS__                                                                                  \
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
    {120, TRAIN, "few_taps", "direct", CONV2D(1, 28, 32, 3, 0, 1, .statistics = true)},
    {120, TRAIN, "winograd", "winograd", CONV2D(32, 26, 48, 3, 0, 1, .statistics = true)},
    {120, TRAIN, "winograd", "col2im", CONV2D(64, 22, 96, 7, 0, 1, .statistics = true)},
    {120, TEST, "winograd", NULL, CONV2D(64, 22, 96, 7, 0, 1, .bias = false)},
    /* few taps with another pooling */
    {64, TRAIN, "few_taps", "direct", CONV2D(1, 28, 16, 3, 1, 1, .bias = true, .pool = 3)},
    /* winograd: no sigmoid or tanh, no stride, whole vectors, kernels it knows, tiles well used
     */
    {8, TRAIN, "winograd", "winograd",
     CONV2D(32, 13, 32, 3, 1, 1, .bias = true, .act = {DG_ACT_RELU, 0})},
    {8, TRAIN, "direct", "direct",
     CONV2D(32, 13, 32, 3, 1, 1, .bias = true, .act = {DG_ACT_TANH, 0})},
    {8, TRAIN, "direct", "col2im", CONV2D(32, 26, 32, 3, 1, 2, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(33, 13, 32, 3, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(32, 13, 33, 3, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "direct", CONV2D(32, 14, 32, 4, 1, 1, .bias = false)},
    {8, TRAIN, "direct", "col2im", CONV2D(32, 3, 32, 3, 0, 1, .bias = false)},
    /* depthwise: rows of the output as long as a phase's */
    {8, TRAIN, "depthwise", "depthwise",
     DEPTHWISE(1, .pad_h = 1, .pad_w = 1, .end_h = 1, .end_w = 1)},
    {8, TEST, "depthwise", NULL, DEPTHWISE(2, .pad_h = 1, .pad_w = 1, .end_h = 1, .end_w = 1)},
    {8, TRAIN, "planes", "planes", DEPTHWISE(1, .bias = true)},
    /* others */
    {64, TRAIN, "groups", "groups", RECURRENT(DG_CELL_GRU)},
    {64, TEST, "kept_weights", NULL, RECURRENT(DG_CELL_GRU)},
    {1, TEST, "kept_weights", NULL, RECURRENT(DG_CELL_LSTM)},
    {64, TRAIN, "product", "product", LINEAR},
    {1, TEST, "product", NULL, LINEAR},
    {8, TRAIN, "rows", "rows", {.kind = DG_OP_LINEAR, .linear = {64, 256, true, .rows = 49}}},
    {8, TEST, "rows", NULL, {.kind = DG_OP_LINEAR, .linear = {64, 256, true, .rows = 49}}},
    {64, TRAIN, "samples", NULL, {.kind = DG_OP_LOSS, .loss = {.outputs = 10}}},
};

static bool supports(const void *device, const dg_op_desc *desc) {
  return ((const dg_cpu_device *)device)->ops->family[desc->kind]->supports(desc);
}

static choice choose(const void *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  const dg_cpu_choice by = dg_cpu_choose(device, desc, max_n, train);
  return (choice){by.forward ? by.forward->name : NULL, by.backward ? by.backward->name : NULL};
}

/** Calls `expect` with a device of each instruction set that the processor has. */
static void on_each(void (*expect)(const chooser *c, int number), int number) {
  for (const char *const *set = dg_cpu_instruction_sets; *set; set++) {
    dg_error err = {0};
    const dg_cpu_device device = {.threads = 2, .ops = dg_cpu_ops_for(*set, &err)};
    if (device.ops) expect(&(chooser){*set, &device, supports, choose}, number);
  }
}

static void expect_row(const chooser *c, int number) {
  expect_choice(c, number, &choices[number].desc, choices[number].max_n, choices[number].train,
                (choice){choices[number].forward, choices[number].backward});
}

START_TEST(test_table) {
  on_each(expect_row, _i);
}
END_TEST

static void expect_kind(const chooser *c, int kind) {
  ck_assert_double_eq(expect_all(c, (dg_op_kind)kind), 1);
}

START_TEST(test_all) {
  on_each(expect_kind, _i);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("choice");
  tcase_add_loop_test(tests, test_table, 0, sizeof choices / sizeof *choices);
  tcase_add_loop_test(tests, test_all, DG_OP_LINEAR, DG_OP_GATHER);
  return suite_main("choice_cpu", tests);
}
