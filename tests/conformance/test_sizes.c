/* Sizes: no backend prepares what wraps, and what is described needs no memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/exec/network.h"
#include "core/graph/lower.h"
#include "tests/common/rig.h"
#include "tests/common/suite.h"

static const uint32_t no_ends[] = {16, 48}, falling_ends[] = {32, 16, 32};

/** A description that is not to be prepared for so many samples. */
static const struct {
  const char *what;
  uint32_t max_n;
  dg_op_desc desc;
  const char *says; /**< NULL: whatever the backend says of what it can't run */
} wrong[] = {
    {"8 x 536 870 928 numbers wrap to 128",
     1,
     {.kind = DG_OP_CONCAT,
      .concat = {1,
                 8,
                 {536870928, 536870928, 536870928, 536870928, 536870928, 536870928, 536870928,
                  536870928}}},
     "its output would have more than 2147483647 numbers a sample"},
    {"rows x count wraps",
     1,
     {.kind = DG_OP_CONCAT, .concat = {65536, 2, {65536, 65536}}},
     "its input would have more than"},
    {"33 inputs",
     1,
     {.kind = DG_OP_CONCAT, .concat = {1, DG_MAX_IN + 1, {1, 1, 1, 1, 1, 1, 1, 1}}},
     "contradicts itself"},
    {"33 inputs", 1, {.kind = DG_OP_ADD, .add = {4, DG_MAX_IN + 1}}, "contradicts itself"},
    {"one input", 1, {.kind = DG_OP_ADD, .add = {4, 1}}, "contradicts itself"},
    {"2 against 3",
     1,
     {.kind = DG_OP_BINARY, .binary = {DG_BINARY_ADD, {{1, 2, 4}, {1, 3, 4}}}},
     "contradicts itself"},
    {"a dimension of 0",
     1,
     {.kind = DG_OP_BINARY, .binary = {DG_BINARY_MULTIPLY, {{0, 1, 4}, {1, 1, 4}}}},
     "contradicts itself"},
    {"no such function",
     1,
     {.kind = DG_OP_BINARY, .binary = {DG_BINARY_KINDS, {{1, 1, 4}, {1, 1, 4}}}},
     "contradicts itself"},
    {"a repeated product wraps",
     1,
     {.kind = DG_OP_BINARY, .binary = {DG_BINARY_MULTIPLY, {{65536, 1, 1}, {1, 65536, 1}}}},
     "its output would have more than"},
    {"weights wrap",
     1,
     {.kind = DG_OP_LINEAR, .linear = {.in = 65536, .out = 65537}},
     "a parameter would have more than"},
    {"rows x features wrap",
     1,
     {.kind = DG_OP_LINEAR, .linear = {.in = 65536, .out = 1, .rows = 65537}},
     "its input would have more than"},
    {"six dimensions",
     1,
     {.kind = DG_OP_PERMUTE, .permute = {6, {1, 1, 1, 1, 1}, {0, 1, 2, 3, 4}}},
     "contradicts itself"},
    {"a dimension twice",
     1,
     {.kind = DG_OP_PERMUTE, .permute = {3, {2, 3, 4}, {0, 1, 1}}},
     "contradicts itself"},
    {"a dimension that isn't there",
     1,
     {.kind = DG_OP_PERMUTE, .permute = {2, {2, 3}, {0, 40}}},
     "contradicts itself"},
    {"dimensions wrap",
     1,
     {.kind = DG_OP_PERMUTE, .permute = {2, {65536, 65537}, {1, 0}}},
     "its input would have more than"},
    {"a slice beyond the end", 1, {.kind = DG_OP_SLICE, .slice = {1, 8, 3, 6, 3}}, "contradicts"},
    {"a slice of nothing", 1, {.kind = DG_OP_SLICE, .slice = {1, 8, 3, 2, 0}}, "contradicts"},
    {"first + length wraps",
     1,
     {.kind = DG_OP_SLICE, .slice = {1, 8, 3, 7, UINT32_MAX}},
     "contradicts itself"},
    {"softmax of no numbers",
     1,
     {.kind = DG_OP_SOFTMAX, .softmax = {4, 0, 1, false}},
     "no numbers"},
    {"a mean of nothing",
     1,
     {.kind = DG_OP_REDUCE, .reduce = {4, 0, 1, DG_REDUCE_MEAN}},
     "contradicts itself"},
    {"an unknown reduction",
     1,
     {.kind = DG_OP_REDUCE, .reduce = {4, 2, 1, 7}},
     "contradicts itself"},
    {"planes wrap",
     1,
     {.kind = DG_OP_PRELU, .prelu = {65536, 2, 65536}},
     "its input would have more than"},
    {"halves wrap",
     1,
     {.kind = DG_OP_GLU, .glu = {65536, 32768}},
     "its input would have more than"},
    {"weights wrap 64 bits",
     1,
     {.kind = DG_OP_CONV2D,
      .conv2d = {.channels = 1u << 31,
                 .height = 1,
                 .width = 1,
                 .filters = 1u << 31,
                 .kernel_h = 1u << 31,
                 .kernel_w = 1u << 31,
                 .stride_h = 1,
                 .stride_w = 1,
                 .pad_h = 1u << 31,
                 .pad_w = 1u << 31}},
     "would have more than"},
    {"no stride",
     1,
     {.kind = DG_OP_CONV2D,
      .conv2d =
          {.channels = 1, .height = 3, .width = 3, .filters = 1, .kernel_h = 1, .kernel_w = 1}},
     "contradicts itself"},
    {"a kernel that doesn't fit",
     1,
     {.kind = DG_OP_CONV2D,
      .conv2d = {.channels = 1,
                 .height = 3,
                 .width = 3,
                 .filters = 1,
                 .kernel_h = 5,
                 .kernel_w = 5,
                 .stride_h = 1,
                 .stride_w = 1}},
     "its output would have no numbers"},
    {"padding without end",
     1,
     {.kind = DG_OP_CONV2D,
      .conv2d = {.channels = 1,
                 .height = 3,
                 .width = 3,
                 .filters = 1,
                 .kernel_h = 3,
                 .kernel_w = 3,
                 .stride_h = 1u << 31,
                 .stride_w = 1u << 31,
                 .pad_h = UINT32_MAX,
                 .pad_w = UINT32_MAX}},
     "on the way is too large"},
    {"no stride",
     1,
     {.kind = DG_OP_MAXPOOL2D,
      .pool2d = {.channels = 1, .height = 4, .width = 4, .kernel_h = 2, .kernel_w = 2}},
     "contradicts itself"},
    {"groups that don't divide the channels",
     1,
     {.kind = DG_OP_GROUPED_CONV2D,
      .grouped_conv2d = {.channels = 3,
                         .height = 4,
                         .width = 4,
                         .filters = 4,
                         .groups = 2,
                         .kernel_h = 1,
                         .kernel_w = 1,
                         .stride_h = 1,
                         .stride_w = 1,
                         .dilation_h = 1,
                         .dilation_w = 1}},
     "contradicts itself"},
    {"dilation x kernel wraps",
     1,
     {.kind = DG_OP_GROUPED_CONV2D,
      .grouped_conv2d = {.channels = 1,
                         .height = 4,
                         .width = 4,
                         .filters = 1,
                         .groups = 1,
                         .kernel_h = 65537,
                         .kernel_w = 1,
                         .stride_h = 1,
                         .stride_w = 1,
                         .dilation_h = 65536,
                         .dilation_w = 1,
                         .pad_h = UINT32_MAX,
                         .end_h = UINT32_MAX}},
     "its output would have no numbers"},
    {"no rows but the padding's",
     1,
     {.kind = DG_OP_GROUPED_CONV2D,
      .grouped_conv2d = {2, 0, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, false, {0}}},
     "contradicts itself"},
    {"groups that don't divide the filters, transposed",
     1,
     {.kind = DG_OP_CONV_TRANSPOSE2D,
      .grouped_conv2d = {2, 4, 4, 3, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, {0}}},
     "contradicts itself"},
    {"a kernel larger than the output",
     1,
     {.kind = DG_OP_CONV_TRANSPOSE2D,
      .grouped_conv2d = {2, 4, 4, 2, 1, 5, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, {0}}},
     "can't run this conv_transpose2d"},
    {"channels x height x width wraps, transposed",
     1,
     {.kind = DG_OP_CONV_TRANSPOSE2D,
      .grouped_conv2d = {1 << 16, 1 << 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, {0}}},
     "its output would have more than"},
    {"no dilation of steps",
     1,
     {.kind = DG_OP_GROUPED_CONV1D, .grouped_conv1d = {4, 2, 2, 1, 1, 1, 0, 0, 0, false, {0}}},
     "contradicts itself"},
    {"dilation x kernel of steps wraps",
     1,
     {.kind = DG_OP_GROUPED_CONV1D,
      .grouped_conv1d = {4, 1, 1, 1, 65537, 1, 65536, UINT32_MAX, UINT32_MAX, false, {0}}},
     "its output would have no numbers"},
    {"no groups of steps, transposed",
     1,
     {.kind = DG_OP_CONV_TRANSPOSE1D, .grouped_conv1d = {4, 2, 2, 0, 1, 1, 1, 0, 0, false, {0}}},
     "contradicts itself"},
    {"steps x channels wraps, transposed",
     1,
     {.kind = DG_OP_CONV_TRANSPOSE1D,
      .grouped_conv1d = {1 << 16, 1 << 16, 1, 1, 1, 1, 1, 0, 0, false, {0}}},
     "its output would have more than"},
    {"a mirror of all rows",
     1,
     {.kind = DG_OP_PAD, .pad = {1, 3, 3, 1, 3, 0, 0, 0, DG_PAD_REFLECT}},
     "contradicts itself"},
    {"a padding that there isn't",
     1,
     {.kind = DG_OP_PAD, .pad = {1, 3, 3, 1, 1, 1, 1, 1, DG_PAD_MODES}},
     "contradicts itself"},
    {"top + height + bottom wraps",
     1,
     {.kind = DG_OP_PAD, .pad = {1, 3, 3, 1, UINT32_MAX, 0, UINT32_MAX, 0, DG_PAD_ZEROS}},
     "its output would have more than"},
    {"scale 0, bilinear",
     1,
     {.kind = DG_OP_UPSAMPLE_BILINEAR2D, .upsample2d = {1, 4, 4, 0}},
     "contradicts itself"},
    {"scale x scale wraps, bilinear",
     1,
     {.kind = DG_OP_UPSAMPLE_BILINEAR2D, .upsample2d = {1, 1, 1, 65536}},
     "its output would have more than"},
    {"scale 0", 1, {.kind = DG_OP_UPSAMPLE2D, .upsample2d = {1, 4, 4, 0}}, "contradicts itself"},
    {"groups that don't divide the channels",
     1,
     {.kind = DG_OP_GROUP_NORM,
      .group_norm = {.rows = 1, .channels = 3, .plane = 4, .groups = 2, .eps = 1e-5f}},
     "contradicts itself"},
    {"rows of planes",
     1,
     {.kind = DG_OP_GROUP_NORM,
      .group_norm = {.rows = 2, .channels = 2, .plane = 4, .groups = 2, .eps = 1e-5f}},
     "contradicts itself"},
    {"channels x plane wraps",
     1,
     {.kind = DG_OP_GROUP_NORM,
      .group_norm = {.rows = 1, .channels = 65536, .plane = 65536, .groups = 1, .eps = 1e-5f}},
     "its input would have more than"},
    {"rows x count wraps",
     1,
     {.kind = DG_OP_RMS_NORM, .layer_norm = {.rows = 65536, .count = 65536, .eps = 1e-5f}},
     "its input would have more than"},
    {"over no channels",
     1,
     {.kind = DG_OP_LRN, .lrn = {.channels = 3, .plane = 4, .size = 0, .alpha = 1, .k = 1}},
     "contradicts itself"},
    {"powers of 0",
     1,
     {.kind = DG_OP_LRN, .lrn = {.channels = 3, .plane = 4, .size = 3, .alpha = 1, .beta = 1}},
     "contradicts itself"},
    {"an exponent that is not a number",
     1,
     {.kind = DG_OP_LRN, .lrn = {3, 4, 3, 1, NAN, 1}},
     "contradicts itself"},
    {"windows beyond the end",
     1,
     {.kind = DG_OP_WINDOW_MAXPOOL2D,
      .window_pool2d = {1, {4, 3, 2, 2, 1, 0, 0}, {4, 2, 2, 2, 1, 0, 0}, false}},
     "contradicts itself"},
    {"windows of padding alone",
     1,
     {.kind = DG_OP_WINDOW_AVGPOOL2D,
      .window_pool2d = {1, {4, 4, 2, 1, 1, 2, 0}, {4, 2, 2, 2, 1, 0, 0}, false}},
     "contradicts itself"},
    {"means over dilated windows",
     1,
     {.kind = DG_OP_WINDOW_AVGPOOL2D,
      .window_pool2d = {1, {4, 2, 2, 1, 2, 0, 0}, {4, 2, 2, 2, 1, 0, 0}, false}},
     "contradicts itself"},
    {"adaptive with a stride",
     1,
     {.kind = DG_OP_WINDOW_MAXPOOL2D,
      .window_pool2d = {1, {4, 2, 0, 2, 0, 0, 0}, {4, 2, 0, 0, 0, 0, 0}, false}},
     "contradicts itself"},
    {"rows x columns wraps",
     1,
     {.kind = DG_OP_WINDOW_AVGPOOL2D,
      .window_pool2d = {1, {4, 65536, 0, 0, 0, 0, 0}, {4, 65536, 0, 0, 0, 0, 0}, false}},
     "its output would have more than"},
    {"dilation x kernel wraps 64 bits",
     1,
     {.kind = DG_OP_WINDOW_MAXPOOL2D,
      .window_pool2d = {1,
                        {4, 1, UINT32_MAX, 1, UINT32_MAX, 0, 0},
                        {4, 1, UINT32_MAX, 1, UINT32_MAX, 0, UINT32_MAX},
                        false}},
     "contradicts itself"},
    {"alpha 0 of elu",
     1,
     {.kind = DG_OP_ELTWISE, .eltwise = {4, DG_ELTWISE_ELU, 0, 1, 1}},
     "contradicts itself"},
    {"low above high",
     1,
     {.kind = DG_OP_ELTWISE, .eltwise = {4, DG_ELTWISE_CLIP, 2, 1, 0}},
     "contradicts itself"},
    {"no such function",
     1,
     {.kind = DG_OP_ELTWISE, .eltwise = {4, DG_ELTWISE_KINDS, 0, 0, 0}},
     "contradicts itself"},
    {"scale x scale wraps",
     1,
     {.kind = DG_OP_UPSAMPLE2D, .upsample2d = {1, 1, 1, 65536}},
     "its output would have more than"},
    {"scale x scale x height x width wraps 64 bits",
     1,
     {.kind = DG_OP_UPSAMPLE2D, .upsample2d = {1, 1u << 30, 1, UINT32_MAX}},
     "its output would have more than"},
    {"no stride",
     1,
     {.kind = DG_OP_CONV1D, .conv1d = {.steps = 4, .in = 1, .filters = 1, .kernel = 1}},
     "contradicts itself"},
    {"steps x in wraps",
     1,
     {.kind = DG_OP_CONV1D,
      .conv1d = {.steps = 65536, .in = 65537, .filters = 1, .kernel = 1, .stride = 1}},
     "its input would have more than"},
    {"gates x hidden wraps",
     1,
     {.kind = DG_OP_RECURRENT,
      .recurrent = {.cell = DG_CELL_LSTM, .steps = 1, .in = 1, .hidden = 1u << 30}},
     "a parameter would have more than"},
    {"three biases",
     1,
     {.kind = DG_OP_RECURRENT,
      .recurrent = {.cell = DG_CELL_GRU, .steps = 1, .in = 1, .hidden = 1, .biases = 3}},
     "contradicts itself"},
    {"channels x rows x plane wraps",
     1,
     {.kind = DG_OP_BATCH_NORM,
      .batch_norm = {.rows = 1u << 16, .channels = 1u << 16, .plane = 1, .eps = 1e-5f}},
     "its input would have more than"},
    {"height x width wraps",
     1,
     {.kind = DG_OP_GATHER, .gather = {.channels = 1, .height = 65536, .width = 65536, .std = 1}},
     "its output would have more than"},
    {"no deviation",
     1,
     {.kind = DG_OP_GATHER, .gather = {.channels = 1, .height = 4, .width = 4, .std = 0}},
     "contradicts itself"},
    {"a deviation that is not a number",
     1,
     {.kind = DG_OP_GATHER, .gather = {.channels = 1, .height = 4, .width = 4, .std = NAN}},
     "contradicts itself"},
    {"a deviation without end",
     1,
     {.kind = DG_OP_GATHER, .gather = {.channels = 1, .height = 4, .width = 4, .std = INFINITY}},
     "contradicts itself"},
    {"a kind of numbers that there isn't",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .type = (dg_numbers_type)2}},
     "contradicts itself"},
    {"a size of nothing",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.scale = 1}}},
     "contradicts itself"},
    {"a gain of nothing",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.gain = 1}}},
     "contradicts itself"},
    {"a square without a middle",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.cutout = 4}}},
     "contradicts itself"},
    {"flips more often than always",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.flip = 1.5f}}},
     "contradicts itself"},
    {"noise that is not a number",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.noise = NAN}}},
     "contradicts itself"},
    {"a crop without end",
     1,
     {.kind = DG_OP_GATHER,
      .gather =
          {.channels = 1, .height = 4, .width = 4, .std = 1, .augment = {.crop = UINT32_MAX}}},
     "contradicts itself"},
    {"bright floats",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1,
                 .height = 4,
                 .width = 4,
                 .std = 1,
                 .type = DG_NUMBERS_FLOATS,
                 .augment = {.brightness = 0.1f}}},
     "contradicts itself"},
    {"contrast of floats",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1,
                 .height = 4,
                 .width = 4,
                 .std = 1,
                 .type = DG_NUMBERS_FLOATS,
                 .augment = {.contrast = 0.1f}}},
     "contradicts itself"},
    {"a warp of more places than floats hold",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 1, .width = 1 << 24, .std = 1, .augment = {.flip = 1}}},
     "contradicts itself"},
    {"no channels",
     1,
     {.kind = DG_OP_GATHER, .gather = {.channels = 0, .height = 4, .width = 4, .std = 1}},
     "its output would have no numbers"},
    {"no samples",
     0,
     {.kind = DG_OP_ACTIVATION, .activation = {4, {DG_ACT_RELU, 0}}},
     "for no samples"},
    {"pictures with lengths",
     1,
     {.kind = DG_OP_GATHER,
      .gather = {.channels = 1, .height = 4, .width = 4, .std = 1, .lengths = true}},
     "contradicts itself"},
    {"more steps than floats count",
     1,
     {.kind = DG_OP_MASK_STEPS, .mask_steps = {.steps = (1 << 24) + 1, .features = 1}},
     "contradicts itself"},
    {"steps x features wraps",
     1,
     {.kind = DG_OP_MASK_STEPS, .mask_steps = {.steps = 1 << 24, .features = 1 << 24}},
     "its input would have more than"},
    {"a reduction that there isn't",
     1,
     {.kind = DG_OP_REDUCE_STEPS, .reduce_steps = {.kind = 2, .steps = 1, .features = 1}},
     "contradicts itself"},
    {"windows without a stride",
     1,
     {.kind = DG_OP_WINDOW_LENGTHS, .window_lengths = {.offset = 1}},
     "contradicts itself"},
    {"windows far beyond the end",
     1,
     {.kind = DG_OP_WINDOW_LENGTHS, .window_lengths = {INT32_MIN, 1}},
     "contradicts itself"},
    {"attention over more steps than floats count",
     1,
     {.kind = DG_OP_ATTENTION, .attention = {.steps = (1 << 24) + 1, .heads = 1, .width = 1}},
     "contradicts itself"},
    {"steps x heads x width wraps",
     1,
     {.kind = DG_OP_ATTENTION, .attention = {.steps = 1 << 16, .heads = 1 << 16, .width = 1}},
     "its input would have more than"},
    {"no heads",
     1,
     {.kind = DG_OP_ATTENTION, .attention = {.steps = 4, .width = 4}},
     "its output would have no numbers"},
    {"no words",
     1,
     {.kind = DG_OP_EMBEDDING, .embedding = {.steps = 1, .width = 1}},
     "contradicts itself"},
    {"more words than floats count",
     1,
     {.kind = DG_OP_EMBEDDING, .embedding = {.steps = 1, .words = (1 << 24) + 1, .width = 1}},
     "contradicts itself"},
    {"words x width wraps",
     1,
     {.kind = DG_OP_EMBEDDING, .embedding = {.steps = 1, .words = 1 << 16, .width = 1 << 16}},
     "a parameter would have more than"},
    {"positions x width wraps",
     1,
     {.kind = DG_OP_POSITIONS, .positions = {.steps = 1 << 16, .width = 1 << 16}},
     "its input would have more than"},
    {"an op that there isn't", 1, {.kind = DG_OP_KINDS}, "contradicts itself"},
    {"parts that end elsewhere",
     1,
     {.kind = DG_OP_UPDATE, .update = {.count = 32, .param_ends = no_ends, .params = 2}},
     "contradicts itself"},
    {"parts that end before they begin",
     1,
     {.kind = DG_OP_UPDATE, .update = {.count = 32, .param_ends = falling_ends, .params = 3}},
     "contradicts itself"},
};

static void none_is_prepared(const rig_target *target, int number) {
  (void)number;
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    dg_error err = {0}, again = {0};
    dg_op_needs needs;
    dg_op *op = device->calls->prepare(device, &wrong[i].desc, wrong[i].max_n, true, &err);
    ck_assert_msg(op == NULL, "%s: prepared: %s", target->label, wrong[i].what);
    ck_assert_msg(strstr(err.message, wrong[i].says) != NULL, "%s: %s: expected \"%s\" in: %s",
                  target->label, wrong[i].what, wrong[i].says, err.message);
    ck_assert(!device->calls->needs(device, &wrong[i].desc, wrong[i].max_n, true, &needs, &again));
    ck_assert_str_eq(again.message, err.message);
  }
  device->calls->close(device);
}

/** Samples and numbers whose product no kernel's index holds, or that no memory does. */
static void batches_have_limits(const rig_target *target, int number) {
  (void)number;
  static const dg_op_desc large[] = {
      {.kind = DG_OP_ACTIVATION, .activation = {1u << 30, {DG_ACT_RELU, 0}}},
      {.kind = DG_OP_ADD, .add = {1u << 30, 2}},
      {.kind = DG_OP_CONCAT, .concat = {1, 2, {1u << 29, 1u << 29}}},
      {.kind = DG_OP_BINARY, .binary = {DG_BINARY_ADD, {{1u << 30, 1, 1}, {1, 1, 1}}}},
      {.kind = DG_OP_DROPOUT, .dropout = {1u << 30, 0.5f, 1}},
      {.kind = DG_OP_LOSS, .loss = {.outputs = 1u << 30}},
  };
  dg_device *device = rig_open(target);
  bool counts_32_bits = strcmp(target->backend->name, "opencl") == 0;
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    dg_error err = {0};
    dg_op_needs needs;
    bool taken = device->calls->needs(device, &large[i], 4, true, &needs, &err);
    ck_assert_msg(taken != counts_32_bits, "%s: op %zu: %s", target->label, i, err.message);
    ck_assert(!device->calls->needs(device, &large[i], UINT32_MAX, true, &needs, &err));
    ck_assert_int_eq(err.kind, DG_ERR_MEMORY);
  }
  device->calls->close(device);
}

/** What a maximum keeps, whose samples x channels pass 32 bits, is counted in full. */
static void needs_are_counted_in_full(const rig_target *target, int number) {
  (void)number;
  const dg_op_desc pool = {.kind = DG_OP_MAXPOOL2D,
                           .pool2d = {.channels = 1u << 17,
                                      .height = 2,
                                      .width = 2,
                                      .kernel_h = 2,
                                      .kernel_w = 2,
                                      .stride_h = 2,
                                      .stride_w = 2}};
  const dg_op_desc rows = {.kind = DG_OP_MAXPOOL2D,
                           .pool2d = {.channels = 1,
                                      .height = 600000,
                                      .width = 1,
                                      .kernel_h = 1,
                                      .kernel_w = 1,
                                      .stride_h = 1,
                                      .stride_w = 4096}};
  if (strcmp(target->backend->name, "cpu") != 0) return; /* the other refuses so many numbers */
  dg_device *device = rig_open(target);
  dg_error err = {0};
  dg_op_needs needs;
  ck_assert_msg(device->calls->needs(device, &pool, 1u << 16, true, &needs, &err), "%s",
                err.message);
  ck_assert_uint_ge(needs.saved, ((size_t)1 << 33) * sizeof(int32_t));
  ck_assert(!device->calls->needs(device, &rows, 1, true, &needs, &err));
  ck_assert_int_eq(err.kind, DG_ERR_UNSUPPORTED);
  device->calls->close(device);
}

/** A depthwise convolution whose padded plane, or whose kernel x width, passes 32 bits. */
static void depthwise_planes_are_counted_in_full(const rig_target *target, int number) {
  (void)number;
  const uint32_t far = 1u << 27, wide = 1u << 25;
  const dg_op_desc dilated = {
      .kind = DG_OP_GROUPED_CONV2D,
      .grouped_conv2d = {1, 1, 64, 1, 1, 3, 1, 1, 1, far, 1, far, 0, far, 0, false, {0}}};
  const dg_op_desc masks = {
      .kind = DG_OP_GROUPED_CONV2D,
      .grouped_conv2d = {1, 1, wide, 1, 1, 1, 64, 1, 1, 1, 1, 0, 31, 0, 32, false, {0}}};
  if (strcmp(target->backend->name, "cpu") != 0) return; /* the other refuses such planes */
  dg_device *device = rig_open(target);
  dg_error err = {0};
  dg_op_needs needs;
  ck_assert_msg(device->calls->needs(device, &dilated, 1, true, &needs, &err), "%s", err.message);
  ck_assert_uint_ge(needs.forward_workspace, ((size_t)1 << 34) * sizeof(float));
  ck_assert_msg(device->calls->needs(device, &masks, 1, true, &needs, &err), "%s", err.message);
  device->calls->close(device);
}

/* ---- describing --------------------------------------------------------- */

static const char large_model[] =
    "name = \"large\"; input = [16, 1024, 1024]; layers = (\n"
    " { type = \"conv2d\"; filters = 32; kernel = 3; padding = 1; }, { type = \"batch_norm\"; },\n"
    " { type = \"relu\"; }, { type = \"global_avgpool\"; },\n"
    " { type = \"linear\"; units = 20000; }, { type = \"linear\"; units = 10000; },\n"
    " { type = \"linear\"; units = 10; } ); train = { batch = 4; };";

static size_t buffers;

static dg_buffer *count_buffer(dg_device *device, size_t bytes, dg_error *err) {
  (void)device, (void)bytes;
  buffers++;
  dg_fail(err, DG_ERR_MEMORY, "no memory is to be asked for");
  return NULL;
}

/** A network of gigabytes is described, and its parameters are counted, without a buffer. */
static void describing_takes_no_memory(const rig_target *target, int number) {
  (void)number;
  dg_device *device = rig_open(target);
  dg_device_calls calls = *device->calls;
  const dg_device_calls *plain = device->calls;
  calls.buffer_new = count_buffer;
  device->calls = &calls;
  char text[4096];
  size_t length;
  dg_error err = {0};
  dg_model *model = dg_model_parse(large_model, "large", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  ck_assert_msg(dg_model_describe(model, device, text, sizeof text, &length, &err), "%s: %s",
                target->label, err.message);
  ck_assert_uint_lt(length, sizeof text);
  ck_assert_msg(strstr(text, "200774714") != NULL, "%s", text);
  ck_assert_uint_eq(buffers, 0);
  ck_assert_ptr_null(dg_network_build(model, device, 4, true, &err));
  ck_assert_uint_eq(buffers, 1);
  buffers = 0;
  dg_model_free(model);
  device->calls = plain;
  device->calls->close(device);
}

/** As many parameters as can be counted are one network's, but for the gaps that views need. */
static void gaps_are_counted(const rig_target *target, int number) {
  (void)number;
  static const char full_model[] = "name = \"full\"; input = [1, 28, 28];\nlayers = (\n"
                                   "{ type = \"flatten\"; },\n"
                                   "{ type = \"linear\"; units = 2725233; },\n"
                                   "{ type = \"linear\"; units = 3; },\n"
                                   "{ type = \"linear\"; units = 10; }\n);\n";
  static const char says[] =
      "the network would have more than 2147483647 parameters, with the gaps between them";
  dg_device *device = rig_open(target);
  dg_error err = {0};
  dg_graph graph;
  size_t length;
  dg_model *model = dg_model_parse(full_model, "full", NULL, 0, &err);
  ck_assert_msg(model && dg_graph_lower(&graph, model, NULL, &err), "%s", err.message);
  ck_assert_uint_eq(dg_graph_parameters(&graph), DG_SIZE_NUMBERS);
  ck_assert(!dg_model_describe(model, device, NULL, 0, &length, &err));
  ck_assert_msg(strstr(err.message, "full:") == err.message && strstr(err.message, says), "%s: %s",
                target->label, err.message);
  dg_graph_free(&graph);
  dg_model_free(model);
  device->calls->close(device);
}

int main(void) {
  static const rig_group groups[] = {
      {"none_is_prepared", none_is_prepared, 0},
      {"batches_have_limits", batches_have_limits, 0},
      {"needs_are_counted_in_full", needs_are_counted_in_full, 0},
      {"depthwise_planes_are_counted_in_full", depthwise_planes_are_counted_in_full, 0},
      {"describing_takes_no_memory", describing_takes_no_memory, 0},
      {"gaps_are_counted", gaps_are_counted, 0},
  };
  return rig_main("sizes", groups, sizeof groups / sizeof *groups);
}
