/** What the tests share of which implementations a backend takes. No op is run. */
#ifndef DG_TESTS_CHOICE_H
#define DG_TESTS_CHOICE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/cases/cases.h"

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

/** Names of the implementations that are taken; NULL: none. */
typedef struct {
  const char *forward, *backward;
} choice;

/** A device that chooses, but never runs anything. */
typedef struct {
  const char *name; /**< for people */
  const void *device;
  bool (*supports)(const void *device, const dg_op_desc *desc);
  choice (*choose)(const void *device, const dg_op_desc *desc, uint32_t max_n, bool train);
} chooser;

static inline const char *choice_name(const char *name) {
  return name ? name : "none";
}

static inline void expect_choice(const chooser *c, int number, const dg_op_desc *desc,
                                 uint32_t max_n, bool train, choice expected) {
  ck_assert_msg(c->supports(c->device, desc), "%s, choice %d is not supported", c->name, number);
  const choice found = c->choose(c->device, desc, max_n, train);
  ck_assert_msg(strcmp(choice_name(found.forward), choice_name(expected.forward)) == 0 &&
                    strcmp(choice_name(found.backward), choice_name(expected.backward)) == 0,
                "%s, choice %d: %s and %s, not %s and %s", c->name, number,
                choice_name(found.forward), choice_name(found.backward),
                choice_name(expected.forward), choice_name(expected.backward));
}

/** Something is taken for a case, however many samples there are. */
static inline void expect_some(const chooser *c, const layer_case *of) {
  const uint32_t samples[] = {1, of->max_n, 4096};
  char text[256];
  layer_case_text(of, text, sizeof text);
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const choice test = c->choose(c->device, &of->desc, samples[i], false),
                 train = c->choose(c->device, &of->desc, samples[i], true);
    ck_assert_msg(test.forward && !test.backward, "%s: %s, tested", c->name, text);
    ck_assert_msg(train.forward && train.backward, "%s: %s, trained", c->name, text);
  }
}

/** So it is for every case of conformance that is supported; returns the share that is. */
static inline double expect_all(const chooser *c, dg_op_kind kind) {
  const size_t count = layer_cases(kind, NULL);
  size_t supported = 0;
  layer_case *cases = calloc(count, sizeof *cases);
  ck_assert_ptr_nonnull(cases);
  layer_cases(kind, cases);
  for (size_t i = 0; i < count; i++) {
    if (!c->supports(c->device, &cases[i].desc)) continue;
    expect_some(c, &cases[i]);
    supported++;
  }
  free(cases);
  return (double)supported / (double)count;
}

#endif
