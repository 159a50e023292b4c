/* Philox 4x32-10 against the vectors published with it, and the helpers that draw from it. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/common/suite.h"

/** From kat_vectors of Random123, the authors' own library: philox4x32, 10 rounds. */
static const struct {
  uint32_t counter[4], key[2], words[4];
} vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(known_answers) {
  uint32_t words[4];
  dg_philox(vectors[_i].counter, vectors[_i].key, words);
  ck_assert_mem_eq(words, vectors[_i].words, sizeof words);
}
END_TEST

START_TEST(words_are_those_of_the_counters) {
  uint32_t key[2] = {42, dg_stream(DG_STREAM_INIT, 7)}, words[4];
  dg_random random = dg_random_start(key[0], key[1], 5, 6);
  for (uint32_t quad = 0; quad < 10; quad++) {
    dg_philox((uint32_t[4]){quad, 5, 6, 0}, key, words);
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(dg_random_word(&random), words[i]);
  }
}
END_TEST

START_TEST(streams_differ) {
  ck_assert_uint_eq(dg_stream(DG_STREAM_DROPOUT, 5), 3u << 24 | 5);
  dg_random a = dg_random_start(1, dg_stream(DG_STREAM_DROPOUT, 0), 0, 0);
  dg_random b = dg_random_start(1, dg_stream(DG_STREAM_DROPOUT, 1), 0, 0);
  dg_random c = dg_random_start(2, dg_stream(DG_STREAM_DROPOUT, 0), 0, 0);
  uint32_t word = dg_random_word(&a);
  ck_assert_uint_ne(word, dg_random_word(&b));
  ck_assert_uint_ne(word, dg_random_word(&c));
}
END_TEST

START_TEST(uniform_stays_below_one) {
  ck_assert_float_eq(dg_uniform(0), 0);
  ck_assert_float_eq(dg_uniform(0x80000000u), 0.5f);
  ck_assert(dg_uniform(0xffffffffu) == 1 - 0x1p-24f);
}
END_TEST

START_TEST(uniform_moments) {
  enum { DRAWS = 100000 };
  dg_random random = dg_random_start(1, 2, 0, 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = dg_random_uniform(&random);
    sum += x, squares += x * x;
  }
  /* within five standard errors */
  ck_assert_double_eq_tol(sum / DRAWS, 0.5, 5 * sqrt(1.0 / 12 / DRAWS));
  ck_assert_double_eq_tol(squares / DRAWS, 1.0 / 3, 5 * sqrt(4.0 / 45 / DRAWS));
}
END_TEST

START_TEST(below_is_even) {
  static const uint32_t bounds[] = {1, 2, 3, 10, 1000};
  enum { DRAWS = 100000 };
  uint32_t bound = bounds[_i], *counts = calloc(bound, sizeof *counts);
  dg_random random = dg_random_start(3, 4, 0, 0);
  for (int i = 0; i < DRAWS; i++) {
    uint32_t x = dg_random_below(&random, bound);
    ck_assert_uint_lt(x, bound);
    counts[x]++;
  }
  double expected = (double)DRAWS / bound, chi2 = 0;
  for (uint32_t i = 0; i < bound; i++)
    chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
  ck_assert_double_le(chi2, bound - 1 + 5 * sqrt(2.0 * bound));
  free(counts);
}
END_TEST

START_TEST(below_rejects_what_would_be_unfair) {
  /* Of 2^32 words a third is rejected for this bound, so a plain product would favour some. */
  enum { DRAWS = 30000 };
  const uint32_t bound = 0xc0000000u;
  dg_random random = dg_random_start(5, 6, 0, 0);
  int thirds[3] = {0};
  for (int i = 0; i < DRAWS; i++) thirds[dg_random_below(&random, bound) % 3]++;
  for (int i = 0; i < 3; i++)
    ck_assert_double_eq_tol(thirds[i], DRAWS / 3.0, 5 * sqrt(DRAWS * 2.0 / 9));
}
END_TEST

START_TEST(normal_moments) {
  enum { DRAWS = 100000 };
  dg_random random = dg_random_start(7, 8, 0, 0);
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = dg_random_normal(&random);
    ck_assert_double_finite(x);
    sum += x, squares += x * x, fourth += x * x * x * x;
  }
  ck_assert_double_eq_tol(sum / DRAWS, 0, 5 * sqrt(1.0 / DRAWS));
  ck_assert_double_eq_tol(squares / DRAWS, 1, 5 * sqrt(2.0 / DRAWS));
  ck_assert_double_eq_tol(fourth / DRAWS, 3, 5 * sqrt(96.0 / DRAWS));
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("philox");
  tcase_add_loop_test(tcase, known_answers, 0, 3);
  tcase_add_test(tcase, words_are_those_of_the_counters);
  tcase_add_test(tcase, streams_differ);
  tcase_add_test(tcase, uniform_stays_below_one);
  tcase_add_test(tcase, uniform_moments);
  tcase_add_loop_test(tcase, below_is_even, 0, 5);
  tcase_add_test(tcase, below_rejects_what_would_be_unfair);
  tcase_add_test(tcase, normal_moments);
  return suite_main("philox", tcase);
}
