/*
 * Digits as people give them: test images turned, enlarged, blurred, inverted and put on gray that
 * changes are found in their pictures and read about as well as the images themselves.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digits.h"
#include "tests/canvas.h"
#include "tests/suite.h"

enum { DRAWN = 200, SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, BATCH = 64 };

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

typedef struct {
  dg_dataset *data;
  dg_model *model;
  dg_device *device;
  dg_predictor *predictor;
} reader;

/** Trains `cnn` for two epochs and makes a predictor of it. */
static reader open_reader(void) {
  static const dg_override overrides[] = {
      {"", "train.epochs", "2"},
      {"", "train.optimizer.lr", "0.002"},
      {"", "data.validation", "0"},
      {"", "train.keep", "last"},
  };
  static const char weights[] = DIGITS_BINARY_DIR "/tests/harm.safetensors";
  const char *folder = getenv("DIGITS_DATA");
  dg_trainer_options options = {.seed = 1};
  dg_error err = {0};
  reader r = {.data = dg_data_open(folder && *folder ? folder : "builtin", 0, &err)};
  r.model = r.data ? dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", overrides, 4, &err) : NULL;
  r.device = r.model ? dg_open("cpu", NULL, 0, &err) : NULL;
  dg_trainer *trainer = r.device ? dg_trainer_new(r.model, r.device, r.data, &options, &err) : NULL;
  bool right = trainer && dg_train(trainer, &err) && dg_save(trainer, weights, &err);
  dg_trainer_free(trainer);
  r.predictor = right ? dg_predictor_new(r.model, weights, r.device, BATCH, &err) : NULL;
  ck_assert_msg(r.predictor != NULL, "%s", err.message);
  remove(weights);
  return r;
}

static void close_reader(reader *r) {
  dg_predictor_free(r->predictor);
  dg_close(r->device);
  dg_model_free(r->model);
  dg_data_close(r->data);
}

static uint32_t count_right(reader *r, const uint8_t *images, const uint8_t *labels) {
  static float logits[DRAWN][CLASSES];
  uint32_t right = 0;
  dg_error err = {0};
  ck_assert_msg(dg_predictor_run(r->predictor, images, DRAWN, logits[0], &err), "%s", err.message);
  for (uint32_t i = 0; i < DRAWN; i++) {
    uint32_t largest = 0;
    for (uint32_t c = 1; c < CLASSES; c++)
      if (logits[i][c] > logits[i][largest]) largest = c;
    right += largest == labels[i];
  }
  return right;
}

/** Harms an image, looks for its digit and writes what was found; the i-th of its kind. */
static void find_again(const harm *h, const uint8_t *image, uint32_t i, uint8_t *found) {
  uint32_t size = (uint32_t)(SIDE * h->times + 0.5);
  double turned = h->most_turned * (2.0 * i / (DRAWN - 1) - 1);
  canvas c = canvas_new(size, size);
  dg_digits digits;
  dg_error err = {0};
  canvas_paint(&c, image, SIDE, h->times, turned, 0, 0);
  if (h->blurred) canvas_blur(&c, h->blurred);
  dg_picture picture = canvas_picture(&c, &h->light);
  memset(found, 0, PIXELS);
  bool right = dg_digits_find(&picture, h->name, SIDE, SIDE, &digits, &err);
  if (right && digits.count == 1)
    memcpy(found, digits.images, PIXELS);
  else
    printf("%s, image %u: %s\n", h->name, i, right ? "several digits" : err.message);
  dg_digits_free(&digits);
  dg_picture_free(&picture);
  canvas_free(&c);
}

START_TEST(harmed_digits_are_read) {
  reader r = open_reader();
  dg_part_view test = dg_data_part(r.data, DG_PART_TEST);
  static uint8_t found[DRAWN][PIXELS];
  uint32_t unharmed = count_right(&r, test.images, test.labels), all = 0;
  printf("%s: %u of %u images right\n", dg_data_source(r.data), unharmed, DRAWN);
  for (int k = 0; k < HARMS; k++) {
    for (uint32_t i = 0; i < DRAWN; i++)
      find_again(&harms[k], test.images + (size_t)i * PIXELS, i, found[i]);
    uint32_t right = count_right(&r, found[0], test.labels);
    printf("%s: %u right\n", harms[k].name, right);
    ck_assert_msg(right + DRAWN / 50 >= unharmed, "%s: %u right, of %u unharmed", harms[k].name,
                  right, unharmed);
    all += right;
  }
  close_reader(&r);
  ck_assert_uint_ge(100 * unharmed, 97 * DRAWN);
  ck_assert_msg(100 * all >= 97 * DRAWN * HARMS, "%u of %d right", all, DRAWN * HARMS);
}
END_TEST

int main(void) {
  TCase *tests = tcase_create("harm");
  tcase_set_timeout(tests, 600);
  tcase_add_test(tests, harmed_digits_are_read);
  return suite_main("harm", tests);
}
