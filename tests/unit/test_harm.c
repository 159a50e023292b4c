/*
 * Digits as people give them: test images turned, enlarged, blurred, inverted and put on gray that
 * changes are found in their pictures and read about as well as the images themselves.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/picture.h"
#include "digits/predict.h"
#include "tests/common/canvas.h"
#include "tests/common/suite.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, BATCH = 64 };
enum { LOOKED_AT = 400, CHOSEN = 200, MIN_CORRECT = 190, MIN_TOTAL = 1560 };
enum { SKIPPED = 77 };

/** What is done to an image before it is looked for. */
typedef struct {
  const char *name;
  double times; /**< enlarged */
  double most_turned;
  uint32_t blurred;
  canvas_light light;
} harm;

#define BLACK_ON_WHITE                                                                             \
  { 255, 255, 0, 0, 0 }
#define WHITE_ON_BLACK                                                                             \
  { 0, 0, 255, 255, 0 }

static const harm harms[] = {
    {"as they are", 1, 0, 0, WHITE_ON_BLACK},
    {"inverted", 1, 0, 0, BLACK_ON_WHITE},
    {"enlarged", 7.3, 0, 0, BLACK_ON_WHITE},
    {"turned", 5, 10, 0, WHITE_ON_BLACK},
    {"blurred", 8, 0, 6, BLACK_ON_WHITE},
    {"dark on a gradient", 4, 0, 1, {110, 230, 20, 40, 0}},
    {"bright on a gradient", 4, 0, 1, {120, 20, 250, 250, 0}},
    {"all of it", 6, 10, 3, {90, 210, 15, 35, 6}},
};

enum { HARMS = sizeof harms / sizeof *harms };

/** The network that is installed, and images that it reads right without doubt. */
typedef struct {
  dg_device *device;
  dg_model *model;
  dg_predictor *predictor;
  uint8_t images[CHOSEN][PIXELS], labels[CHOSEN];
} reader;

/** The images' logits; ends the test where that fails. */
static void predict(reader *r, const uint8_t *images, uint32_t count, float (*logits)[CLASSES]) {
  dg_error err = {0};
  ck_assert_msg(dg_predictor_run(r->predictor, images, count, logits[0], &err), "%s", err.message);
}

static uint32_t largest_of(const float logits[CLASSES]) {
  uint32_t largest = 0;
  for (uint32_t c = 1; c < CLASSES; c++)
    if (logits[c] > logits[largest]) largest = c;
  return largest;
}

/** Is a label's logit larger than all others by so much that no rounding changes the answer? */
static bool without_doubt(const float logits[CLASSES], uint8_t label) {
  for (uint32_t c = 0; c < CLASSES; c++)
    if (c != label && logits[label] < logits[c] + 4) return false;
  return true;
}

/** Takes the first images of a test that are read without doubt; returns how many it looked at. */
static uint32_t choose_images(reader *r, const dg_part_view *test) {
  static float logits[LOOKED_AT][CLASSES];
  uint32_t chosen = 0, i = 0;
  ck_assert_uint_ge(test->count, LOOKED_AT);
  predict(r, test->images, LOOKED_AT, logits);
  for (; i < LOOKED_AT && chosen < CHOSEN; i++) {
    if (!without_doubt(logits[i], test->labels[i])) continue;
    memcpy(r->images[chosen], test->images + (size_t)i * PIXELS, PIXELS);
    r->labels[chosen++] = test->labels[i];
  }
  ck_assert_uint_eq(chosen, CHOSEN);
  return i;
}

static const char *folder; /**< of MNIST, or NULL: the built-in digits */

static void open_reader(reader *r) {
  dg_error err = {0};
  dg_dataset *data =
      folder ? dg_dataset_open(folder, 0, &err) : dg_dataset_draw(1, LOOKED_AT, 1, 0, &err);
  ck_assert_msg(data != NULL, "%s", err.message);
  r->model = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", NULL, 0, &err);
  r->device = r->model ? dg_open("cpu", NULL, 0, &err) : NULL;
  r->predictor =
      r->device ? dg_predictor_new(r->model, r->device,
                                   &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                           .weights = DIGITS_SOURCE_DIR
                                                           "/weights/cnn.safetensors",
                                                           .batch = BATCH},
                                   &err)
                : NULL;
  ck_assert_msg(r->predictor != NULL, "%s", err.message);
  dg_part_view test = dg_dataset_part(data, DG_PART_TEST);
  uint32_t looked_at = choose_images(r, &test);
  printf("%s: %d of %u images are read without doubt\n", dg_dataset_source(data), CHOSEN,
         looked_at);
  dg_dataset_close(data);
}

static void close_reader(reader *r) {
  dg_predictor_free(r->predictor);
  dg_close(r->device);
  dg_model_free(r->model);
}

/** Harms an image, looks for its digit and writes what was found; the i-th of its kind. */
static void find_again(const harm *h, const uint8_t *image, uint32_t i, uint8_t *found) {
  uint32_t size = (uint32_t)(SIDE * h->times + 0.5);
  double turned = h->most_turned * (2.0 * i / (CHOSEN - 1) - 1);
  canvas c = canvas_new(size, size);
  dg_digits digits;
  dg_error err = {0};
  canvas_paint(&c, image, SIDE, h->times, turned, 0, 0);
  if (h->blurred) canvas_blur(&c, h->blurred);
  dg_picture picture = canvas_picture(&c, &h->light);
  memset(found, 0, PIXELS);
  bool ok = dg_digits_find(&picture, h->name, SIDE, SIDE, &digits, &err);
  if (ok && digits.count == 1)
    memcpy(found, digits.images, PIXELS);
  else
    printf("%s, image %u: %s\n", h->name, i, ok ? "several digits" : err.message);
  dg_digits_free(&digits);
  dg_picture_free(&picture);
  canvas_free(&c);
}

/** How many images are still read right after a harm. */
static uint32_t count_correct(reader *r, const harm *h) {
  static uint8_t found[CHOSEN][PIXELS];
  static float logits[CHOSEN][CLASSES];
  uint32_t correct = 0;
  for (uint32_t i = 0; i < CHOSEN; i++) find_again(h, r->images[i], i, found[i]);
  predict(r, found[0], CHOSEN, logits);
  for (uint32_t i = 0; i < CHOSEN; i++) correct += largest_of(logits[i]) == r->labels[i];
  return correct;
}

START_TEST(harmed_digits_are_read) {
  static reader r;
  uint32_t all = 0;
  open_reader(&r);
  for (int k = 0; k < HARMS; k++) {
    uint32_t correct = count_correct(&r, &harms[k]);
    printf("%s: %u of %d right\n", harms[k].name, correct, CHOSEN);
    ck_assert_msg(correct >= MIN_CORRECT, "%s: %u right", harms[k].name, correct);
    all += correct;
  }
  close_reader(&r);
  ck_assert_msg(all >= MIN_TOTAL, "%u of %d right", all, CHOSEN * HARMS);
}
END_TEST

/** With --mnist: MNIST's digits, where $DIGITS_DATA says they lie. */
int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--mnist") == 0 && !(folder = getenv("DIGITS_DATA"))) {
    printf("skipped: DIGITS_DATA, a folder with MNIST's four files, is not set\n");
    return SKIPPED;
  }
  TCase *tests = tcase_create("harm");
  tcase_set_timeout(tests, 600);
  tcase_add_test(tests, harmed_digits_are_read);
  return suite_main("harm", tests);
}
