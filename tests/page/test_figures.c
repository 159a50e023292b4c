/* Figures: what arrays and predictions look like. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figures/scatter.h"
#include "report/figures/sheet.h"
#include "report/figures/ticks.h"
#include "report/figures/tile.h"
#include "tests/common/suite.h"

static tile_form form_of(uint32_t rank, uint32_t a, uint32_t b, uint32_t c) {
  return tile_form_of(rank, (const uint32_t[]){a, b, c});
}

START_TEST(shapes_have_forms) {
  ck_assert_int_eq(form_of(1, 12, 0, 0).kind, TILE_ROW);
  ck_assert_int_eq(form_of(2, 128, 3, 0).kind, TILE_LINES);
  ck_assert_int_eq(form_of(2, 28, 28, 0).kind, TILE_GRAY);
  ck_assert_int_eq(form_of(3, 1, 28, 28).kind, TILE_GRAY);
  ck_assert_int_eq(form_of(3, 3, 4, 5).kind, TILE_COLOUR);
  const tile_form five = form_of(3, 5, 4, 6); /* its first channel */
  ck_assert_int_eq(five.kind, TILE_GRAY);
  ck_assert_uint_eq(five.numbers, 120);
}
END_TEST

START_TEST(bytes_are_ink_or_colours) {
  const uint8_t planes[] = {0, 255, 10, 20, 30, 40}; /* red, green and blue of two pixels */
  dg_error err = {0};
  picture p;
  tile_form colour = form_of(3, 3, 1, 2), grey = form_of(3, 1, 1, 6);
  const tile_array array = {DG_NUMBERS_BYTES, planes};
  tile_measure(&colour, array, 1);
  tile_measure(&grey, array, 1);
  ck_assert(tile_paint(&colour, array, &p, &err));
  const uint8_t mixed[] = {0, 10, 30, 255, 20, 40};
  ck_assert_uint_eq(p.channels, 3);
  ck_assert_mem_eq(p.pixels, mixed, sizeof mixed);
  picture_close(&p);
  ck_assert(tile_paint(&grey, array, &p, &err));
  for (size_t i = 0; i < 6; i++) ck_assert_uint_eq(p.pixels[i], 255 - planes[i]);
  picture_close(&p);
}
END_TEST

START_TEST(floats_are_shaded_in_their_range) {
  static const struct {
    float numbers[4];
    double low, high;
  } cases[] = {
      {{0, 0.25f, 0.5f, 0.75f}, 0, 1}, {{-2, 0, 1, 2}, -2, 2}, {{0, 100, 200, 50}, 0, 200}};
  tile_form form = form_of(3, 1, 2, 2);
  const tile_array array = {DG_NUMBERS_FLOATS, cases[_i].numbers};
  dg_error err = {0};
  picture p;
  tile_measure(&form, array, 1);
  ck_assert_double_eq(form.low, cases[_i].low);
  ck_assert_double_eq(form.high, cases[_i].high);
  ck_assert(tile_paint(&form, array, &p, &err));
  for (int i = 0; i < 4; i++) {
    const double share = ((double)cases[_i].numbers[i] - form.low) / (form.high - form.low);
    ck_assert_double_le(fabs(p.pixels[i] - 255 * (1 - share)), 0.51);
  }
  picture_close(&p);
}
END_TEST

START_TEST(large_pictures_become_smaller) {
  enum { HEIGHT = 200, WIDTH = 301 };
  uint8_t *pixels = malloc(HEIGHT * WIDTH);
  ck_assert_ptr_nonnull(pixels);
  memset(pixels, 100, HEIGHT * WIDTH);
  tile_form form = form_of(3, 1, HEIGHT, WIDTH);
  const tile_array array = {DG_NUMBERS_BYTES, pixels};
  dg_error err = {0};
  picture p;
  tile_measure(&form, array, 1);
  ck_assert(tile_paint(&form, array, &p, &err));
  ck_assert_uint_eq(p.height, 50);
  ck_assert_uint_eq(p.width, 76); /* the last column is the mean of one */
  for (size_t i = 0; i < (size_t)p.height * p.width; i++) ck_assert_uint_eq(p.pixels[i], 155);
  picture_close(&p);
  free(pixels);
}
END_TEST

START_TEST(sheets_keep_colours) {
  const sheet_layout layout = {
      .columns = 2, .rows = 1, .image_height = 1, .image_width = 1, .scale = 2, .channels = 3};
  uint8_t red[] = {200, 10, 20};
  const picture image = {1, 1, 3, red};
  dg_error err = {0};
  sheet s;
  ck_assert(sheet_open(&s, &layout, &err));
  sheet_put_picture(&s, 1, &image, "");
  unsigned found = 0;
  for (size_t i = 0; i < (size_t)s.picture.height * s.picture.width; i++)
    found += memcmp(s.picture.pixels + 3 * i, red, 3) == 0;
  ck_assert_uint_eq(found, 4);
  sheet_close(&s);
}
END_TEST

/* ---- predictions -------------------------------------------------------- */

static unsigned count(const char *text, const char *what) {
  unsigned found = 0;
  for (; (text = strstr(text, what)) != NULL; text++) found++;
  return found;
}

START_TEST(predictions_of_any_number_are_drawn) {
  static const size_t counts[] = {0, 1, 2, 5000};
  static double truth[5000], predicted[5000];
  const predictions p = {"<x>", truth, predicted, counts[_i]};
  drawing d;
  for (size_t i = 0; i < 5000; i++) {
    truth[i] = 1e-3 * (double)i;
    predicted[i] = truth[i] + (i % 2 ? 0.5 : -0.5);
  }
  scatter_draw(&p, &d);
  ck_assert_uint_eq(count(d.body.text, "h0"), p.count < SCATTER_POINTS ? p.count : SCATTER_POINTS);
  ck_assert_ptr_null(strstr(d.body.text, "nan"));
  ck_assert_ptr_null(strstr(d.body.text, "<x>"));
  drawing_free(&d);
  errors_draw(&p, &d);
  ck_assert_ptr_null(strstr(d.body.text, "nan"));
  ck_assert_uint_eq(count(d.body.text, "nothing was recorded"), p.count == 0);
  drawing_free(&d);
}
END_TEST

START_TEST(ticks_fit_beside_a_chart) {
  static const struct {
    double low, high;
    const char *last;
  } cases[] = {{0, 10, "10"},     {0, 1e4, "10k"},   {0, 0.3, "0.3"},
               {0, 1e10, "1e10"}, {0, 1e-6, "1e-6"}, {-1e38, 1e38, "1e38"}};
  char text[32];
  const ticks t = ticks_linear(cases[_i].low, cases[_i].high, 5, false);
  ck_assert_str_eq(ticks_text(&t, t.count - 1, text, sizeof text), cases[_i].last);
  for (unsigned i = 0; i < t.count; i++)
    ck_assert_uint_lt(strlen(ticks_text(&t, i, text, sizeof text)), 8);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("figures");
  tcase_add_test(tests, shapes_have_forms);
  tcase_add_test(tests, bytes_are_ink_or_colours);
  tcase_add_loop_test(tests, floats_are_shaded_in_their_range, 0, 3);
  tcase_add_test(tests, large_pictures_become_smaller);
  tcase_add_test(tests, sheets_keep_colours);
  tcase_add_loop_test(tests, predictions_of_any_number_are_drawn, 0, 4);
  tcase_add_loop_test(tests, ticks_fit_beside_a_chart, 0, 6);
  return suite_main("figures", tests);
}
