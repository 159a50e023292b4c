/* The built-in table, signals and pictures: the law that they are drawn by, and that they stay the
   same. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/drawn/builtin.h"
#include "tests/common/suite.h"

static dg_error err;

static dg_dataset *open_set(const char *name, dg_dataset_options options) {
  options.size = sizeof options;
  err = (dg_error){0};
  return dg_dataset_open_with(name, &options, &err);
}

/** A sum of all bytes that depends on their order. */
static uint32_t digest(const void *bytes, size_t count) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < count; i++) sum = (sum ^ ((const uint8_t *)bytes)[i]) * 16777619u;
  return sum;
}

/** What the noise of both targets of a row is, in their deviations, by the law. */
static void noise_of(const float *x, const float *y, double noise[2]) {
  static const double means[] = {0, 50, -3, 0, 1000, .5, 20, 0, 7, -40},
                      deviations[] = {1, 10, .5, 2, 100, .1, 5, 1, 3, 20};
  double u[10];
  for (int i = 0; i < 10; i++) u[i] = (x[i] - means[i]) / deviations[i];
  noise[0] = (y[0] - (10 + 3 * u[0] - 2 * u[1] + u[2] + 2 * u[3] * u[4] + (u[5] > .5 ? 3 : 0))) /
             DG_TABLE_NOISE_1;
  noise[1] = (y[1] - (-100 + 40 * u[6] + 20 * u[7] - 30 * u[0] * u[8] + (u[9] > 0 ? 25 : 0))) /
             DG_TABLE_NOISE_2;
}

START_TEST(the_law_of_the_table) {
  dg_dataset *set = open_set("builtin:table", (dg_dataset_options){0});
  ck_assert_msg(set, "%s", err.message);
  const dg_part_view v = dg_dataset_part(set, DG_PART_TRAIN);
  ck_assert_uint_eq(v.count, 20000);
  ck_assert_uint_eq(dg_dataset_test_samples(set), 5000);
  ck_assert(v.rank == 1 && v.dim[0] == 12 && v.targets == 2 && v.type == DG_NUMBERS_FLOATS);
  double sums[2] = {0}, squares[2] = {0};
  for (uint32_t i = 0; i < v.count; i++) {
    double noise[2];
    noise_of((const float *)v.inputs + i * 12, (const float *)v.target_numbers + i * 2, noise);
    for (int k = 0; k < 2; k++) sums[k] += noise[k], squares[k] += noise[k] * noise[k];
  }
  for (int k = 0; k < 2; k++) {
    ck_assert_double_eq_tol(sums[k] / v.count, 0, .03);
    ck_assert_double_eq_tol(squares[k] / v.count, 1, .03);
  }
  char name[16];
  ck_assert_str_eq(dg_dataset_feature_name(set, 11, name, sizeof name), "x12");
  ck_assert_str_eq(dg_dataset_target_name(set, 1), "y2");
  dg_dataset_close(set);
}
END_TEST

START_TEST(targets_and_classes_of_the_table) {
  dg_dataset *both = open_set("builtin:table", (dg_dataset_options){.targets = "y2,y1"}),
             *one = open_set("builtin:table", (dg_dataset_options){.targets = "y1"}),
             *class = open_set("builtin:table", (dg_dataset_options){.label = "class"});
  ck_assert(both && one && class);
  const dg_part_view a = dg_dataset_part(both, DG_PART_TEST),
                     b = dg_dataset_part(one, DG_PART_TEST),
                     c = dg_dataset_part(class, DG_PART_TEST);
  const float *two = a.target_numbers, *y1 = b.target_numbers;
  uint32_t counts[3] = {0};
  ck_assert_mem_eq(a.inputs, c.inputs, (size_t)c.count * 12 * sizeof(float));
  for (uint32_t i = 0; i < c.count; i++) {
    ck_assert_float_eq(two[2 * i + 1], y1[i]);
    ck_assert_uint_eq(c.labels[i], (y1[i] >= 9.023f) + (y1[i] >= 13.081f));
    counts[c.labels[i]]++;
  }
  for (int k = 0; k < 3; k++) ck_assert(counts[k] > 1500 && counts[k] < 1850);
  ck_assert_str_eq(dg_dataset_classes(class)->name[2], "high");
  ck_assert_str_eq(dg_dataset_target_name(both, 0), "y2");
  dg_dataset_close(both);
  dg_dataset_close(one);
  dg_dataset_close(class);
}
END_TEST

/** The same traces, of which only the first steps are there. */
START_TEST(signals_of_unequal_length) {
  dg_dataset *whole = open_set("builtin:signals", (dg_dataset_options){0}),
             *set = open_set("builtin:signals-unequal", (dg_dataset_options){0});
  const uint32_t *lengths = dg_dataset_lengths(set, DG_PART_TEST);
  const float *x = dg_dataset_part(set, DG_PART_TEST).inputs,
              *y = dg_dataset_part(whole, DG_PART_TEST).inputs;
  uint32_t least = 128, most = 0;
  ck_assert_ptr_null(dg_dataset_lengths(whole, DG_PART_TEST));
  for (uint32_t s = 0; s < 2000; s++, x += 3 * 128, y += 3 * 128) {
    least = lengths[s] < least ? lengths[s] : least;
    most = lengths[s] > most ? lengths[s] : most;
    ck_assert_mem_eq(x, y, 3 * lengths[s] * sizeof *x);
    for (uint32_t i = 3 * lengths[s]; i < 3 * 128; i++) ck_assert_float_eq(x[i], 0);
  }
  ck_assert_uint_eq(least, 48);
  ck_assert_uint_eq(most, 128);
  dg_dataset_close(whole);
  dg_dataset_close(set);
}
END_TEST

START_TEST(the_signals) {
  dg_dataset *set = open_set("builtin:signals", (dg_dataset_options){.threads = 1}),
             *again = open_set("builtin:signals", (dg_dataset_options){.threads = 3});
  ck_assert(set && again);
  const dg_part_view v = dg_dataset_part(set, DG_PART_TRAIN),
                     t = dg_dataset_part(set, DG_PART_TEST),
                     w = dg_dataset_part(again, DG_PART_TRAIN);
  ck_assert_uint_eq(v.count, 12000);
  ck_assert_uint_eq(t.count, 2000);
  ck_assert(v.rank == 2 && v.dim[0] == 128 && v.dim[1] == 3 && v.type == DG_NUMBERS_FLOATS);
  const size_t bytes = (size_t)128 * 3 * sizeof(float);
  ck_assert_mem_eq(v.inputs, w.inputs, v.count * bytes);
  ck_assert(memcmp(v.inputs, t.inputs, bytes) != 0);
  uint32_t counts[6] = {0};
  for (uint32_t i = 0; i < v.count; i++) counts[v.labels[i]]++;
  for (int k = 0; k < 6; k++) ck_assert(counts[k] > 1850 && counts[k] < 2150);
  float most = 0;
  for (size_t i = 0; i < (size_t)v.count * 384; i++)
    most = fmaxf(most, fabsf(((const float *)v.inputs)[i]));
  ck_assert(most > 3 && most < 9);
  ck_assert_str_eq(dg_dataset_classes(set)->name[5], "burst");
  dg_dataset_close(set);
  dg_dataset_close(again);
}
END_TEST

START_TEST(the_pictures_in_colour) {
  dg_dataset *set = open_set("builtin:colour", (dg_dataset_options){0}),
             *masks = open_set("builtin:colour", (dg_dataset_options){.targets = "mask"});
  ck_assert(set && masks);
  const dg_part_view v = dg_dataset_part(set, DG_PART_TRAIN),
                     t = dg_dataset_part(set, DG_PART_TEST),
                     m = dg_dataset_part(masks, DG_PART_TRAIN);
  ck_assert(v.count == 20000 && t.count == 4000 && m.count == 20000);
  ck_assert(v.rank == 3 && v.channels == 3 && v.height == 32 && v.width == 32 && v.targets == 0);
  ck_assert(m.targets == 1024 && m.targets_type == DG_NUMBERS_BYTES && m.labels == NULL);
  ck_assert_mem_eq(v.inputs, m.inputs, (size_t)v.count * 3072);
  ck_assert(memcmp(v.inputs, t.inputs, 3072) != 0);
  for (uint32_t i = 0; i < t.count; i += 10) {
    unsigned seen = 0;
    for (int k = 0; k < 10; k++) seen |= 1u << t.labels[i + k];
    ck_assert_uint_eq(seen, 1023);
  }
  dg_dataset_close(set);
  dg_dataset_close(masks);
}
END_TEST

/** Any number of threads, and a set of another size. */
START_TEST(a_picture_depends_on_its_index) {
  enum { MANY = 1100, FEW = 700 };
  static uint8_t pictures[2][MANY * 3072], labels[2][MANY], masks[2][MANY * 1024];
  const dg_colour_arrays to[2] = {{pictures[0], labels[0], masks[0]},
                                  {pictures[1], labels[1], masks[1]}};
  dg_colour_draw(5, DG_PART_TRAIN, MANY, 3, &to[0]);
  dg_colour_draw(5, DG_PART_TRAIN, FEW, 1, &to[1]);
  ck_assert_mem_eq(pictures[0], pictures[1], FEW * 3072);
  ck_assert_mem_eq(labels[0], labels[1], FEW);
  ck_assert_mem_eq(masks[0], masks[1], FEW * 1024);
  dg_colour_draw(6, DG_PART_TRAIN, FEW, 1, &to[1]);
  ck_assert(memcmp(pictures[0], pictures[1], 3072) != 0);
}
END_TEST

/** The mean colours of what a mask chooses and of what it leaves. */
static void mean_colours(const uint8_t *picture, const uint8_t *mask, double mean[2][3]) {
  double count[2] = {0};
  memset(mean, 0, 6 * sizeof(double));
  for (int i = 0; i < 1024; i++) {
    ck_assert_uint_le(mask[i], 1);
    count[mask[i]]++;
    for (int k = 0; k < 3; k++) mean[mask[i]][k] += picture[k * 1024 + i];
  }
  ck_assert(count[1] > 8 && count[1] < 512);
  for (int m = 0; m < 2; m++)
    for (int k = 0; k < 3; k++) mean[m][k] /= count[m];
}

START_TEST(a_mask_chooses_the_digit) {
  enum { COUNT = 1000 };
  static uint8_t pictures[COUNT * 3072], masks[COUNT * 1024];
  dg_colour_draw(1, DG_PART_TEST, COUNT, 0, &(dg_colour_arrays){pictures, NULL, masks});
  double least = 1e9;
  for (int i = 0; i < COUNT; i++) {
    double mean[2][3], square = 0;
    mean_colours(pictures + i * 3072, masks + i * 1024, mean);
    for (int k = 0; k < 3; k++) square += pow(mean[0][k] - mean[1][k], 2);
    least = fmin(least, sqrt(square));
  }
  ck_assert_msg(least > 60, "%g", least);
}
END_TEST

/** On every machine, and in later versions. */
START_TEST(they_stay_the_same) {
  dg_dataset *table = open_set("builtin:table", (dg_dataset_options){0}),
             *signals = open_set("builtin:signals", (dg_dataset_options){0});
  ck_assert(table && signals);
  const dg_part_view t = dg_dataset_part(table, DG_PART_TEST),
                     s = dg_dataset_part(signals, DG_PART_TEST);
  ck_assert_uint_eq(digest(t.inputs, (size_t)t.count * 12 * sizeof(float)), 3824879289u);
  ck_assert_uint_eq(digest(t.target_numbers, (size_t)t.count * 2 * sizeof(float)), 2495975162u);
  ck_assert_uint_eq(digest(s.inputs, (size_t)s.count * 384 * sizeof(float)), 3919392905u);
  ck_assert_uint_eq(digest(s.labels, s.count), 2400661262u);
  dg_dataset_close(table);
  dg_dataset_close(signals);
}
END_TEST

START_TEST(the_pictures_stay_the_same) {
  enum { COUNT = 500 };
  static uint8_t pictures[COUNT * 3072], labels[COUNT], masks[COUNT * 1024];
  dg_colour_draw(1, DG_PART_TEST, COUNT, 0, &(dg_colour_arrays){pictures, labels, masks});
  ck_assert_uint_eq(digest(pictures, sizeof pictures), 3709436609u);
  ck_assert_uint_eq(digest(labels, sizeof labels), 3962175893u);
  ck_assert_uint_eq(digest(masks, sizeof masks), 2696471115u);
}
END_TEST

static const struct {
  const char *name;
  dg_dataset_options options;
  const char *says;
} bad[] = {
    {"builtin:tables", {0}, "there is no built-in set \"builtin:tables\"; there are builtin"},
    {"builtin:", {0}, "there is no built-in set"},
    {"builtin:table", {.label = "y1"}, "has the label class and the targets y1 and y2, not \"y1\""},
    {"builtin:table", {.targets = "y3"}, "not \"y3\""},
    {"builtin:table", {.targets = "y1", .label = "class"}, "labels or targets, not both"},
    {"builtin:colour", {.label = "a"}, "has digits as its labels, or the targets \"mask\", not"},
    {"builtin:colour", {.targets = "masks"}, "or the targets \"mask\", not \"masks\""},
    {"builtin:colour", {.decimal_comma = true}, "are named for tables, and this is none"},
    {"builtin:signals", {.label = "a"}, "are named for tables, and this is none"},
    {"builtin", {.targets = "a"}, "are named for tables, and this is none"},
};

START_TEST(bad_names) {
  ck_assert_ptr_null(open_set(bad[_i].name, bad[_i].options));
  ck_assert_msg(strstr(err.message, bad[_i].says) != NULL, "%s", err.message);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("builtin");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, the_law_of_the_table);
  tcase_add_test(tests, targets_and_classes_of_the_table);
  tcase_add_test(tests, the_signals);
  tcase_add_test(tests, signals_of_unequal_length);
  tcase_add_test(tests, the_pictures_in_colour);
  tcase_add_test(tests, a_picture_depends_on_its_index);
  tcase_add_test(tests, a_mask_chooses_the_digit);
  tcase_add_test(tests, they_stay_the_same);
  tcase_add_test(tests, the_pictures_stay_the_same);
  tcase_add_loop_test(tests, bad_names, 0, sizeof bad / sizeof *bad);
  return suite_main("builtin", tests);
}
