/** The built-in digits: the same for everyone, and shaped as they are said to be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "core/data/drawn/glyphs.h"
#include "tests/common/suite.h"

enum { TRAIN = 400, TEST = 100, SIDE = DG_DIGIT_SIDE, PIXELS = DG_DIGIT_PIXELS };

static dg_dataset *draw(uint32_t train, uint32_t test, uint32_t seed, unsigned threads) {
  dg_error err = {0};
  dg_dataset *set = dg_dataset_draw(train, test, seed, threads, &err);
  ck_assert_msg(set, "%s", err.message);
  return set;
}

static bool same_start(const dg_samples *a, const dg_samples *b, uint32_t count) {
  return memcmp(a->inputs, b->inputs, (size_t)count * PIXELS) == 0 &&
         memcmp(a->labels, b->labels, count) == 0;
}

START_TEST(the_form_is_that_of_mnist) {
  dg_dataset *set = draw(TRAIN, TEST, DG_DIGITS_SEED, 0);
  ck_assert_uint_eq(set->train.count, TRAIN);
  ck_assert_uint_eq(set->test.count, TEST);
  ck_assert_uint_eq(set->train.kind.shape.dim[1], 28);
  ck_assert_uint_eq(set->train.kind.shape.dim[2], 28);
  ck_assert_uint_eq(set->classes, 10);
  ck_assert_str_eq(set->source, "built-in digits");
  dg_dataset_close(set);
}
END_TEST

START_TEST(threads_and_repetition_change_nothing) {
  dg_dataset *one = draw(TRAIN, TEST, 7, 1), *two = draw(TRAIN, TEST, 7, 2);
  dg_dataset *again = draw(TRAIN, TEST, 7, 0);
  ck_assert(same_start(&one->train, &two->train, TRAIN));
  ck_assert(same_start(&one->test, &two->test, TEST));
  ck_assert(same_start(&one->train, &again->train, TRAIN));
  dg_dataset_close(one), dg_dataset_close(two), dg_dataset_close(again);
}
END_TEST

START_TEST(a_smaller_set_is_the_start_of_a_larger_one) {
  dg_dataset *small = draw(123, 45, 7, 2), *large = draw(TRAIN, TEST, 7, 2);
  ck_assert(same_start(&small->train, &large->train, 123));
  ck_assert(same_start(&small->test, &large->test, 45));
  dg_dataset_close(small), dg_dataset_close(large);
}
END_TEST

/** Every compiler and machine draws these; a change of the drawing changes the number. */
START_TEST(the_bytes_are_the_recorded_ones) {
  dg_dataset *set = draw(TRAIN, TEST, DG_DIGITS_SEED, 2);
  uLong sum = crc32(0, set->train.inputs, TRAIN * PIXELS);
  sum = crc32(sum, set->train.labels, TRAIN);
  ck_assert_uint_eq(crc32(sum, set->test.inputs, TEST * PIXELS), 0xfac5ed24);
  dg_dataset_close(set);
}
END_TEST

/** So many that every form of every glyph is among them. */
START_TEST(every_hand_draws_the_recorded_bytes) {
  enum { MANY = 10000 };
  dg_dataset *set = draw(MANY, 1, DG_DIGITS_SEED, 2);
  uLong sum = crc32(0, set->train.inputs, MANY * PIXELS);
  ck_assert_uint_eq(crc32(sum, set->train.labels, MANY), 0x797faf0f);
  dg_dataset_close(set);
}
END_TEST

START_TEST(seeds_and_parts_differ) {
  dg_dataset *a = draw(TEST, TEST, 1, 2), *b = draw(TEST, TEST, 2, 2);
  ck_assert(memcmp(a->train.labels, b->train.labels, TEST) != 0);
  for (uint32_t i = 0; i < TEST; i++) {
    const uint8_t *image = a->train.inputs + (size_t)i * PIXELS;
    ck_assert(memcmp(image, b->train.inputs + (size_t)i * PIXELS, PIXELS) != 0);
    for (uint32_t j = 0; j < TEST; j++)
      ck_assert(memcmp(image, a->test.inputs + (size_t)j * PIXELS, PIXELS) != 0);
  }
  dg_dataset_close(a), dg_dataset_close(b);
}
END_TEST

START_TEST(each_ten_hold_every_digit_in_changing_order) {
  dg_dataset *set = draw(TRAIN, TEST, 3, 2);
  unsigned repeated = 0;
  for (uint32_t i = 0; i < TRAIN; i += 10) {
    unsigned seen = 0;
    for (uint32_t k = i; k < i + 10; k++) seen |= 1u << set->train.labels[k];
    ck_assert_uint_eq(seen, 0x3ff);
    repeated += i > 0 && memcmp(set->train.labels + i - 10, set->train.labels + i, 10) == 0;
  }
  ck_assert_uint_lt(repeated, 2);
  dg_dataset_close(set);
}
END_TEST

/** Ink fills a box of 20 pixels one way, with a pixel's tolerance, and keeps to the paper. */
static void check_box(const uint8_t image[PIXELS]) {
  int left = SIDE, right = -1, top = SIDE, bottom = -1;
  for (int i = 0; i < PIXELS; i++) {
    if (image[i] < 16) continue;
    int x = i % SIDE, y = i / SIDE;
    left = x < left ? x : left, right = x > right ? x : right;
    top = y < top ? y : top, bottom = y > bottom ? y : bottom;
  }
  int width = right - left + 1, height = bottom - top + 1;
  ck_assert_int_le(width, 22);
  ck_assert_int_le(height, 22);
  ck_assert_int_ge(width > height ? width : height, 18);
}

static void check_centre(const uint8_t image[PIXELS]) {
  double mass = 0, x = 0, y = 0;
  for (int i = 0; i < PIXELS; i++) {
    mass += image[i];
    x += image[i] * (i % SIDE + 0.5);
    y += image[i] * (i / SIDE + 0.5);
  }
  ck_assert_double_gt(mass, 20 * 255);
  ck_assert_double_lt(mass, 0.7 * 20 * 20 * 255);
  ck_assert_double_eq_tol(x / mass, SIDE / 2.0, 1);
  ck_assert_double_eq_tol(y / mass, SIDE / 2.0, 1);
}

START_TEST(ink_is_boxed_and_centred) {
  dg_dataset *set = draw(10 * TRAIN, TEST, 5, 2);
  for (uint32_t i = 0; i < set->train.count; i++) {
    check_box(set->train.inputs + (size_t)i * PIXELS);
    check_centre(set->train.inputs + (size_t)i * PIXELS);
  }
  dg_dataset_close(set);
}
END_TEST

START_TEST(every_hand_says_how_the_pen_passes_each_knot) {
  for (unsigned digit = 0; digit < DG_DIGIT_CLASSES; digit++) {
    unsigned glyphs;
    const dg_glyph *glyph = dg_glyphs_of(digit, &glyphs);
    for (; glyphs--; glyph++) {
      ck_assert_uint_gt(glyph->weight, 0);
      ck_assert_uint_le(glyph->count, DG_GLYPH_MAX_KNOTS);
      ck_assert_uint_eq(strlen(glyph->pen), glyph->count);
      ck_assert_uint_eq(strspn(glyph->pen, "~^."), glyph->count);
      ck_assert_ptr_null(strstr(glyph->pen, "..")); // a stroke has two knots at least
      ck_assert_int_eq(glyph->pen[glyph->count - 1], DG_PEN_LIFT);
    }
  }
}
END_TEST

START_TEST(an_empty_set_is_refused) {
  dg_error err = {0};
  ck_assert_ptr_null(dg_dataset_draw(0, TEST, 1, 1, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(err.message, "training"));
  ck_assert_ptr_null(dg_dataset_draw(TRAIN, 0, 1, 1, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "test image"));
}
END_TEST

int main(void) {
  TCase *cases = tcase_create("digits");
  tcase_add_test(cases, the_form_is_that_of_mnist);
  tcase_add_test(cases, threads_and_repetition_change_nothing);
  tcase_add_test(cases, a_smaller_set_is_the_start_of_a_larger_one);
  tcase_add_test(cases, the_bytes_are_the_recorded_ones);
  tcase_add_test(cases, every_hand_draws_the_recorded_bytes);
  tcase_add_test(cases, seeds_and_parts_differ);
  tcase_add_test(cases, each_ten_hold_every_digit_in_changing_order);
  tcase_add_test(cases, ink_is_boxed_and_centred);
  tcase_add_test(cases, every_hand_says_how_the_pen_passes_each_knot);
  tcase_add_test(cases, an_empty_set_is_refused);
  return suite_main("digits", cases);
}
