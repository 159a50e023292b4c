/* Fashion-MNIST as Debian installs it (the package dataset-fashion-mnist). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "digits/data.h"
#include "digits/train.h"
#include "tests/common/suite.h"

static const char folder[] = "/usr/share/datasets/fashion-mnist";
static dg_error err;

START_TEST(its_parts_are_whole) {
  static const uint32_t counts[] = {60000, 10000};
  dg_dataset *set = dg_dataset_open(folder, 0, &err);
  ck_assert_msg(set, "%s", err.message);
  ck_assert_ptr_null(dg_dataset_held_out(set));
  for (int p = 0; p < 2; p++) {
    const dg_part_view part = dg_dataset_part(set, (dg_part)p);
    uint32_t of_class[DG_CLASSES] = {0};
    ck_assert_uint_eq(part.count, counts[p]);
    ck_assert_uint_eq(part.channels, 1);
    ck_assert_uint_eq(part.height, 28);
    ck_assert_uint_eq(part.width, 28);
    for (uint32_t i = 0; i < part.count; i++) of_class[part.labels[i]]++;
    for (uint32_t c = 0; c < 10; c++) ck_assert_uint_eq(of_class[c], counts[p] / 10);
  }
  dg_dataset_close(set);
}
END_TEST

/** It gets about 85 % right, far from what rounding may change. */
START_TEST(a_network_learns_it) {
  static const dg_override sets[] = {{"", "train.epochs", "1"}};
  dg_dataset *set = dg_dataset_open(folder, 0, &err);
  ck_assert_msg(set, "%s", err.message);
  dg_model *model =
      dg_model_load(DIGITS_SOURCE_DIR "/models/fcnn.cfg", sets, sizeof sets / sizeof *sets, &err);
  ck_assert_msg(model, "%s", err.message);
  dg_device *device = dg_open("cpu", NULL, 0, &err);
  ck_assert_msg(device, "%s", err.message);
  dg_trainer *trainer = dg_trainer_new(model, device, set, NULL, &err);
  dg_score score;
  ck_assert_msg(trainer && dg_trainer_train(trainer, &err) &&
                    dg_trainer_test(trainer, NULL, &score, &err),
                "%s", err.message);
  ck_assert_double_gt(score.accuracy, 0.75);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(set);
}
END_TEST

int main(void) {
  if (access(folder, R_OK) != 0) {
    printf("skipped: there is no %s\n", folder);
    return EXIT_SUCCESS;
  }
  TCase *tests = tcase_create("fashion");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, its_parts_are_whole);
  tcase_add_test(tests, a_network_learns_it);
  return suite_main("fashion", tests);
}
