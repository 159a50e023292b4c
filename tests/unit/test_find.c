/* The digits of a picture: how they are found, joined of parts, sorted and cut out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/picture/find.h"
#include "digits/data.h"
#include "digits/picture.h"
#include "tests/common/canvas.h"
#include "tests/common/suite.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE };

static const canvas_light black_on_white = {255, 255, 0, 0, 0};

/** Finds the digits of a canvas in a light; ends the test where that fails. */
static dg_digits find(const canvas *c, const canvas_light *light) {
  dg_picture p = canvas_picture(c, light);
  dg_digits digits;
  dg_error err = {0};
  ck_assert_msg(dg_digits_find(&p, "canvas", SIDE, SIDE, &digits, &err), "%s", err.message);
  dg_picture_free(&p);
  return digits;
}

/** Mean distance of two images. */
static double distance(const uint8_t *a, const uint8_t *b) {
  double sum = 0;
  for (int i = 0; i < PIXELS; i++) sum += abs(a[i] - b[i]);
  return sum / PIXELS;
}

/** Which of the images is nearest to one. */
static uint32_t nearest(const dg_part_view *part, const uint8_t *image) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < part->count; i++)
    if (distance(image, part->images + (size_t)i * PIXELS) <
        distance(image, part->images + (size_t)best * PIXELS))
      best = i;
  return best;
}

/** Paints digits into squares of 80 pixels, so many in a line. */
static canvas paint_lines(const dg_part_view *part, uint32_t count, uint32_t columns) {
  canvas c = canvas_new(40 + 100 * ((count + columns - 1) / columns), 40 + 80 * columns);
  for (uint32_t i = 0; i < count; i++)
    canvas_paint(&c, part->images + (size_t)i * PIXELS, SIDE, 80.0 / SIDE, 0,
                 20 + 100 * (i / columns) + i % 3 * 8, 20 + 80 * (i % columns));
  return c;
}

START_TEST(digits_are_read_line_by_line) {
  static const canvas_light lights[] = {
      {255, 255, 0, 0, 0}, {20, 20, 240, 240, 0}, {120, 230, 30, 60, 6}, {100, 10, 250, 250, 4}};
  enum { COUNT = 14, COLUMNS = 7 };
  dg_error err = {0};
  dg_dataset *data = dg_dataset_draw(COUNT, 1, 5, 1, &err);
  dg_part_view part = dg_dataset_part(data, DG_PART_TRAIN);
  canvas c = paint_lines(&part, COUNT, COLUMNS);
  for (int i = 0; i < 4; i++) {
    dg_digits digits = find(&c, &lights[i]);
    ck_assert_uint_eq(digits.count, COUNT);
    for (uint32_t d = 0; d < COUNT; d++) {
      const dg_box *box = &digits.boxes[d];
      ck_assert_uint_eq(nearest(&part, digits.images + d * PIXELS), d);
      ck_assert_uint_ge(box->left, 20 + 80 * (d % COLUMNS));
      ck_assert_uint_le(box->left + box->width, 100 + 80 * (d % COLUMNS));
      ck_assert_uint_ge(box->top, 20 + 100 * (d / COLUMNS));
    }
    dg_digits_free(&digits);
  }
  canvas_free(&c);
  dg_dataset_close(data);
}
END_TEST

/** A 5 of bars whose upper one does not touch the rest, `gap` away from it. */
static void paint_broken_five(canvas *c, uint32_t top, uint32_t left, uint32_t gap) {
  canvas_fill(c, top, left + 10, 8, 40); /* the bar */
  canvas_fill(c, top + 8 + gap, left, 30, 8);
  canvas_fill(c, top + 38 + gap, left, 8, 40);
  canvas_fill(c, top + 46 + gap, left + 32, 30, 8);
  canvas_fill(c, top + 76 + gap, left, 8, 40);
}

START_TEST(parts_are_joined_and_specks_left_out) {
  canvas c = canvas_new(200, 400);
  paint_broken_five(&c, 50, 40, 5);
  canvas_fill(&c, 50, 150, 84, 9); /* two of 1 side by side */
  canvas_fill(&c, 50, 170, 84, 9);
  paint_broken_five(&c, 40, 250, 8);
  canvas_fill(&c, 20, 350, 4, 4);   /* specks: alone, */
  canvas_fill(&c, 100, 130, 3, 3);  /* beside a digit */
  canvas_fill(&c, 150, 30, 10, 10); /* and larger */
  dg_digits digits = find(&c, &black_on_white);
  ck_assert_uint_eq(digits.count, 4);
  ck_assert_uint_eq(digits.boxes[0].height, 89);
  ck_assert_uint_eq(digits.boxes[0].left, 40);
  ck_assert_uint_eq(digits.boxes[0].width, 50);
  ck_assert_uint_eq(digits.boxes[1].left, 150);
  ck_assert_uint_eq(digits.boxes[2].left, 170);
  ck_assert_uint_eq(digits.boxes[3].height, 92);
  dg_digits_free(&digits);
  canvas_free(&c);
}
END_TEST

START_TEST(digits_are_cut_out_as_in_mnist) {
  canvas c = canvas_new(300, 300);
  canvas_fill(&c, 50, 60, 160, 20); /* an L */
  canvas_fill(&c, 190, 80, 20, 60);
  dg_digits digits = find(&c, &(canvas_light){200, 200, 90, 90, 0});
  ck_assert_uint_eq(digits.count, 1);
  uint32_t top = SIDE, bottom = 0;
  uint8_t most = 0;
  double mass = 0, row = 0, column = 0;
  for (uint32_t i = 0; i < PIXELS; i++) {
    mass += digits.images[i];
    row += digits.images[i] * (i / SIDE);
    column += digits.images[i] * (i % SIDE);
    if (digits.images[i] > most) most = digits.images[i];
    if (digits.images[i] < 100) continue;
    if (i / SIDE < top) top = i / SIDE;
    bottom = i / SIDE;
  }
  ck_assert_uint_eq(bottom + 1 - top, 20);
  ck_assert_uint_eq(most, 255);
  ck_assert_double_eq_tol(row / mass, 14, 0.6);
  ck_assert_double_eq_tol(column / mass, 14, 0.6);
  dg_digits_free(&digits);
  canvas_free(&c);
}
END_TEST

/* ---- what is no digit --------------------------------------------------- */

/** Two digits, each 80 pixels high: a bar at column 150 and an L at 250. */
static canvas paint_two(void) {
  canvas c = canvas_new(300, 450);
  canvas_fill(&c, 100, 150, 80, 10);
  canvas_fill(&c, 100, 250, 80, 10);
  canvas_fill(&c, 170, 250, 10, 40);
  return c;
}

/** Checks that the two digits are found and nothing else, within some pixels. */
static void check_two(canvas *c, const canvas_light *light, int within) {
  dg_digits digits = find(c, light);
  ck_assert_uint_eq(digits.count, 2);
  for (uint32_t d = 0; d < 2; d++) {
    ck_assert_int_le(abs((int)digits.boxes[d].top - 100), within);
    ck_assert_int_le(abs((int)digits.boxes[d].height - 80), within);
    ck_assert_int_le(abs((int)digits.boxes[d].left - (d ? 250 : 150)), within);
    ck_assert_int_le(abs((int)digits.boxes[d].width - (d ? 40 : 10)), within);
    ck_assert_float_eq(digits.certainty[d], 1);
  }
  dg_digits_free(&digits);
  canvas_free(c);
}

static const canvas_light chalk = {30, 30, 220, 220, 0}, uneven = {120, 230, 20, 40, 3};

START_TEST(ruled_paper_is_no_digit) {
  for (uint32_t thick = 1; thick <= 4; thick++) {
    canvas c = paint_two();
    for (uint32_t y = 20; y < 290; y += 47) canvas_fill(&c, y, 0, thick, 450);
    check_two(&c, thick % 2 ? &black_on_white : &chalk, 4);
    c = paint_two();
    for (uint32_t y = 20; y < 290; y += 60) canvas_fill(&c, y, 0, thick, 450);
    for (uint32_t x = 20; x < 440; x += 60) canvas_fill(&c, 0, x, 300, thick);
    check_two(&c, &uneven, 4);
  }
}
END_TEST

/** Paints a rectangle of four lines. */
static void paint_box(canvas *c, uint32_t top, uint32_t left, uint32_t height, uint32_t width) {
  canvas_fill(c, top, left, 3, width);
  canvas_fill(c, top + height - 3, left, 3, width);
  canvas_fill(c, top, left, height, 3);
  canvas_fill(c, top, left + width - 3, height, 3);
}

START_TEST(boxes_and_underlines_are_no_digits) {
  canvas c = paint_two();
  paint_box(&c, 80, 120, 120, 200); /* around the number */
  check_two(&c, &black_on_white, 0);
  c = paint_two();
  paint_box(&c, 85, 130, 110, 50); /* around each digit */
  paint_box(&c, 85, 235, 110, 70);
  check_two(&c, &chalk, 0);
  c = paint_two();
  canvas_fill(&c, 190, 120, 3, 200); /* an underline, */
  check_two(&c, &uneven, 4);
  c = paint_two();
  canvas_fill(&c, 180, 120, 3, 200); /* that touches */
  check_two(&c, &black_on_white, 4);
}
END_TEST

START_TEST(a_strip_of_paper_is_a_page) {
  enum { COUNT = 5 };
  dg_error err = {0};
  dg_dataset *data = dg_dataset_draw(COUNT, 1, 5, 1, &err);
  dg_part_view part = dg_dataset_part(data, DG_PART_TRAIN);
  canvas c = canvas_new(120, 1600);
  canvas_fill(&c, 0, 0, 30, 1600); /* the table around it */
  canvas_fill(&c, 90, 0, 30, 1600);
  canvas_fill(&c, 0, 0, 120, 100);
  canvas_fill(&c, 0, 1500, 120, 100);
  for (uint32_t i = 0; i < COUNT; i++)
    canvas_paint(&c, part.images + (size_t)i * PIXELS, SIDE, 48.0 / SIDE, 0, 36, 300 + 200 * i);
  dg_digits digits = find(&c, &(canvas_light){230, 230, 60, 60, 0});
  ck_assert_uint_eq(digits.count, COUNT);
  for (uint32_t d = 0; d < COUNT; d++)
    ck_assert_uint_eq(nearest(&part, digits.images + d * PIXELS), d);
  dg_digits_free(&digits);
  canvas_free(&c);
  dg_dataset_close(data);
}
END_TEST

START_TEST(what_touches_the_edge_is_no_digit) {
  canvas c = paint_two();
  canvas_fill(&c, 0, 0, 300, 40); /* a dark edge */
  check_two(&c, &black_on_white, 0);
  c = paint_two();
  canvas_fill(&c, 0, 0, 60, 60); /* a corner, and a blot at the bottom */
  canvas_fill(&c, 280, 300, 20, 20);
  check_two(&c, &uneven, 4);
  c = paint_two();
  canvas_fill(&c, 0, 0, 50, 450); /* a table around the page */
  canvas_fill(&c, 250, 0, 50, 450);
  canvas_fill(&c, 0, 0, 300, 70);
  canvas_fill(&c, 0, 380, 300, 70);
  check_two(&c, &black_on_white, 0);
}
END_TEST

START_TEST(lines_alone_are_no_digits) {
  canvas c = canvas_new(300, 450);
  for (uint32_t y = 20; y < 290; y += 47) canvas_fill(&c, y, 0, 3, 450);
  canvas_fill(&c, 0, 0, 300, 30);
  dg_picture p = canvas_picture(&c, &black_on_white);
  dg_digits digits;
  dg_error err = {0};
  ck_assert(!dg_digits_find(&p, "canvas", SIDE, SIDE, &digits, &err));
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strstr(err.message, "canvas: no digit was found"), "%s", err.message);
  dg_picture_free(&p);
  canvas_free(&c);
}
END_TEST

/* ---- doubt -------------------------------------------------------------- */

/** Checks how certain digits are that are 100 pixels high and `height` pixels in the middle. */
static void check_certainty(uint32_t height, float certainty) {
  canvas c = canvas_new(400, 400);
  canvas_fill(&c, 50, 60, 100, 12);
  canvas_fill(&c, 150 - height, 120, height, 12);
  canvas_fill(&c, 50, 180, 100, 12);
  canvas_fill(&c, 250, 60, 60, 12); /* another line, whose digits are lower */
  canvas_fill(&c, 250, 180, 60, 12);
  dg_digits digits = find(&c, &black_on_white);
  ck_assert_uint_eq(digits.count, 5);
  for (uint32_t i = 0; i < digits.count; i++)
    ck_assert_float_eq(digits.certainty[i], i == 1 ? certainty : 1);
  dg_digits_free(&digits);
  canvas_free(&c);
}

START_TEST(a_lower_digit_is_doubtful) {
  check_certainty(64, 0.5f);
  check_certainty(66, 1);
}
END_TEST

/** Is sure of images whose ink is higher than wide. */
static bool sure_of_narrow(void *user, const uint8_t *images, uint32_t count, float *sure,
                           dg_error *err) {
  (void)user, (void)err;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t left = SIDE, right = 0;
    for (uint32_t k = 0; k < PIXELS; k++) {
      if (images[i * PIXELS + k] < 100) continue;
      if (k % SIDE < left) left = k % SIDE;
      if (k % SIDE > right) right = k % SIDE;
    }
    sure[i] = right - left < 18 ? 0.999f : 0.2f;
  }
  return true;
}

/** Checks how certain two rings are that a bar of so many pixels joins; their strokes have 12. */
static void check_bridge(uint32_t thick, float certainty) {
  canvas c = canvas_new(300, 400);
  for (uint32_t left = 80; left <= 180; left += 100) {
    canvas_fill(&c, 100, left, 100, 12);
    canvas_fill(&c, 100, left + 58, 100, 12);
    canvas_fill(&c, 100, left, 12, 70);
    canvas_fill(&c, 188, left, 12, 70);
  }
  canvas_fill(&c, 140, 150, thick, 30);
  dg_picture p = canvas_picture(&c, &black_on_white);
  dg_digits digits;
  dg_error err = {0};
  dg_judge judge = {NULL, sure_of_narrow};
  ck_assert_msg(dg_digits_find_judged(&p, "canvas", SIDE, SIDE, &judge, &digits, &err), "%s",
                err.message);
  ck_assert_uint_eq(digits.count, 2);
  for (uint32_t i = 0; i < 2; i++) ck_assert_float_eq(digits.certainty[i], certainty);
  dg_digits_free(&digits);
  dg_picture_free(&p);
  canvas_free(&c);
}

START_TEST(a_digit_cut_through_much_ink_is_doubtful) {
  check_bridge(0, 1);
  check_bridge(2, 1);
  check_bridge(8, 0.5f);
}
END_TEST

/** sure_of_narrow, which counts the images. */
static bool count_narrow(void *user, const uint8_t *images, uint32_t count, float *sure,
                         dg_error *err) {
  *(uint32_t *)user += count;
  return sure_of_narrow(NULL, images, count, sure, err);
}

enum { BAR = 5, PITCH = 20, TALL = 40 };

/** Finds digits in rows of so many bars, which thin lines join to one component; returns how many
    images were judged. */
static uint32_t find_chains(uint32_t rows, uint32_t bars, dg_digits *digits) {
  canvas c = canvas_new(40 + rows * 2 * TALL, 40 + bars * PITCH);
  for (uint32_t row = 0; row < rows; row++)
    for (uint32_t i = 0, top = 30 + row * 2 * TALL; i < bars; i++) {
      canvas_fill(&c, top, 20 + i * PITCH, TALL, BAR);
      canvas_fill(&c, top + i % 2 * (TALL - BAR), 20 + i * PITCH, BAR, i + 1 < bars ? PITCH : BAR);
    }
  dg_picture p = canvas_picture(&c, &black_on_white);
  dg_error err = {0};
  uint32_t judged = 0;
  dg_judge judge = {&judged, count_narrow};
  ck_assert_msg(dg_digits_find_judged(&p, "canvas", SIDE, SIDE, &judge, digits, &err), "%s",
                err.message);
  dg_picture_free(&p);
  canvas_free(&c);
  return judged;
}

START_TEST(a_long_number_is_taken_apart) {
  dg_digits digits;
  find_chains(1, 23, &digits);
  ck_assert_uint_ge(digits.count, 12);
  for (uint32_t i = 0; i < digits.count; i++)
    ck_assert_uint_le(digits.boxes[i].width, digits.boxes[i].height);
  dg_digits_free(&digits);
}
END_TEST

START_TEST(what_is_several_digits_is_doubtful) {
  dg_digits digits;
  find_chains(1, 26, &digits); /* too long to be taken apart */
  ck_assert_uint_eq(digits.count, 1);
  ck_assert_float_eq(digits.certainty[0], 0.1f);
  dg_digits_free(&digits);
}
END_TEST

START_TEST(few_images_are_judged_in_a_picture_of_many) {
  dg_digits digits;
  ck_assert_uint_le(find_chains(20, 23, &digits), 6000);
  ck_assert_uint_ge(digits.count, 20);
  ck_assert_float_eq(digits.certainty[digits.count - 1], 0.1f);
  dg_digits_free(&digits);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("find");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, digits_are_read_line_by_line);
  tcase_add_test(tests, parts_are_joined_and_specks_left_out);
  tcase_add_test(tests, digits_are_cut_out_as_in_mnist);
  tcase_add_test(tests, ruled_paper_is_no_digit);
  tcase_add_test(tests, boxes_and_underlines_are_no_digits);
  tcase_add_test(tests, a_strip_of_paper_is_a_page);
  tcase_add_test(tests, what_touches_the_edge_is_no_digit);
  tcase_add_test(tests, lines_alone_are_no_digits);
  tcase_add_test(tests, a_lower_digit_is_doubtful);
  tcase_add_test(tests, a_digit_cut_through_much_ink_is_doubtful);
  tcase_add_test(tests, a_long_number_is_taken_apart);
  tcase_add_test(tests, what_is_several_digits_is_doubtful);
  tcase_add_test(tests, few_images_are_judged_in_a_picture_of_many);
  return suite_main("find", tests);
}
