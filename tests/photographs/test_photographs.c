/*
 * Photographs as people bring them: numbers on ruled paper, in boxes, on tables, in shadows. Each
 * kind is drawn several times, and what cnn reads is compared with what was drawn.
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
#include "tests/photographs/scene.h"

enum { PIXELS = SCENE_SIDE * SCENE_SIDE, CLASSES = 10, BATCH = 64 };
enum { LOOKED_AT = 2000, SKIPPED = 77, TEXT = 256 };

static const double sure = 0.9; /* a digit that is less probable counts as marked */

/** What the command line chooses. */
static struct {
  const char *mnist, *kind, *keep;
  uint32_t sequences, seed;
  double size;
  uint32_t right, wrong; /**< percent of the photographs: at least, at most */
} chosen = {.sequences = 1, .seed = 1, .size = 0.4, .right = 85, .wrong = 8};

static struct {
  dg_device *device;
  dg_model *model;
  dg_predictor *predictor;
  dg_dataset *data;
  dg_part_view part;
  uint32_t indices[LOOKED_AT], count; /**< of images that are read without doubt */
} reader;

static char folder[] = "/tmp/digits-photographs-XXXXXX";

/* ---- the network -------------------------------------------------------- */

static uint32_t best_of(const float *numbers) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < CLASSES; c++)
    if (numbers[c] > numbers[best]) best = c;
  return best;
}

/** Is a label's logit larger than all others by so much that no rounding changes the answer? */
static bool without_doubt(const float *logits, uint8_t label) {
  for (uint32_t c = 0; c < CLASSES; c++)
    if (c != label && logits[label] < logits[c] + 4) return false;
  return true;
}

static void choose_images(void) {
  static float logits[LOOKED_AT][CLASSES];
  dg_error err = {0};
  reader.part = dg_dataset_part(reader.data, DG_PART_TEST);
  ck_assert_uint_ge(reader.part.count, LOOKED_AT);
  ck_assert_msg(dg_predictor_run(reader.predictor, reader.part.images, LOOKED_AT, logits[0], &err),
                "%s", err.message);
  for (uint32_t i = 0; i < LOOKED_AT; i++)
    if (without_doubt(logits[i], reader.part.labels[i])) reader.indices[reader.count++] = i;
  ck_assert_uint_ge(reader.count, LOOKED_AT / 2);
}

static void open_reader(void) {
  dg_error err = {0};
  dg_predictor_options options = {.size = sizeof options,
                                  .weights = DIGITS_SOURCE_DIR "/weights/cnn.safetensors",
                                  .batch = BATCH};
  reader.data = chosen.mnist ? dg_dataset_open(chosen.mnist, 0, &err)
                             : dg_dataset_draw(1, LOOKED_AT, 1, 0, &err);
  ck_assert_msg(reader.data != NULL, "%s", err.message);
  reader.model = dg_model_load(DIGITS_SOURCE_DIR "/models/cnn.cfg", NULL, 0, &err);
  reader.device = reader.model ? dg_open("cpu", NULL, 0, &err) : NULL;
  reader.predictor =
      reader.device ? dg_predictor_new(reader.model, reader.device, &options, &err) : NULL;
  ck_assert_msg(reader.predictor != NULL, "%s", err.message);
  choose_images();
}

static void close_reader(void) {
  dg_predictor_free(reader.predictor);
  dg_close(reader.device);
  dg_model_free(reader.model);
  dg_dataset_close(reader.data);
}

/* ---- reading a photograph ----------------------------------------------- */

/** Digits as text, and the least probability among them. */
typedef struct {
  char text[TEXT];
  double least;
} answer;

static answer read_number(const dg_picture *picture) {
  static float numbers[TEXT * CLASSES];
  answer a = {.least = 1};
  dg_digits digits;
  dg_error err = {0};
  if (!dg_predictor_find(reader.predictor, picture, "it", &digits, &err)) {
    snprintf(a.text, sizeof a.text, "(%.200s)", err.message);
    a.least = 0;
    return a;
  }
  ck_assert_uint_lt(digits.count, TEXT);
  ck_assert(dg_predictor_read(reader.predictor, &digits, numbers, &err));
  for (uint32_t i = 0; i < digits.count; i++) {
    uint32_t best = best_of(numbers + (size_t)i * CLASSES);
    a.text[i] = (char)('0' + best);
    if ((double)numbers[i * CLASSES + best] < a.least)
      a.least = (double)numbers[i * CLASSES + best];
  }
  dg_digits_free(&digits);
  return a;
}

/* ---- the table ---------------------------------------------------------- */

typedef struct {
  uint32_t pictures, right, unsure, wrong;
  uint32_t marked; /**< right, but with a digit that is not sure */
} score;

/** Draws the number of a photograph. */
static scene_number draw_number(dg_random *random, char *text) {
  scene_number n = {.count = 3 + dg_random_below(random, 4)};
  for (uint32_t i = 0; i < n.count; i++) {
    uint32_t index = reader.indices[dg_random_below(random, reader.count)];
    n.images[i] = reader.part.images + (size_t)index * PIXELS;
    text[i] = (char)('0' + reader.part.labels[index]);
  }
  text[n.count] = 0;
  return n;
}

static void try_one(uint32_t kind, uint32_t sequence, score *s) {
  dg_random random = dg_random_start(chosen.seed, 99, kind, sequence);
  char text[TEXT], path[4096];
  scene_number number = draw_number(&random, text);
  dg_picture p = scene_draw(&scene_kinds[kind], &number, chosen.size, &random, folder);
  answer a = read_number(&p);
  bool same = strcmp(a.text, text) == 0, unsure = !same && a.least < sure;
  s->pictures++, s->right += same, s->unsure += unsure, s->wrong += !same && !unsure;
  s->marked += same && a.least < sure;
  if (!same)
    printf("  %s %u (%u x %u): %s read as %s, least %.2f\n", scene_kinds[kind].name, sequence,
           p.width, p.height, text, a.text, a.least);
  if (chosen.keep && (!same || chosen.kind)) {
    snprintf(path, sizeof path, "%s/%s-%u.png", chosen.keep, scene_kinds[kind].name, sequence);
    canvas_write_png(&p, path);
  }
  dg_picture_free(&p);
}

static void print_score(const char *name, const score *s) {
  printf("%-30s %3u of %u right (%u of them marked), %u unsure, %u wrong\n", name, s->right,
         s->pictures, s->marked, s->unsure, s->wrong);
}

START_TEST(photographs_are_read) {
  score all = {0};
  open_reader();
  for (uint32_t k = 0; k < scene_kind_count; k++) {
    score s = {0};
    if (chosen.kind && strcmp(chosen.kind, scene_kinds[k].name) != 0) continue;
    for (uint32_t i = 0; i < chosen.sequences; i++) try_one(k, i, &s);
    print_score(scene_kinds[k].name, &s);
    all.marked += s.marked, all.pictures += s.pictures, all.right += s.right,
        all.unsure += s.unsure, all.wrong += s.wrong;
  }
  close_reader();
  print_score("all", &all);
  if (chosen.kind) return;
  ck_assert_msg(100 * all.right >= chosen.right * all.pictures, "%u right", all.right);
  ck_assert_msg(100 * all.wrong <= chosen.wrong * all.pictures, "%u wrong", all.wrong);
}
END_TEST

/** Reads the command line: --mnist (digits of $DIGITS_DATA), --sequences N of each kind, --seed N,
    --size FACTOR, --kind NAME (one alone), --keep FOLDER (for pictures that are read wrong),
   --right and --wrong (percent that the test demands). */
static void read_arguments(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--mnist") == 0) {
      chosen.mnist = getenv("DIGITS_DATA");
      if (chosen.mnist) continue;
      printf("skipped: DIGITS_DATA, a folder with MNIST's four files, is not set\n");
      exit(SKIPPED);
    }
    if (strcmp(argv[i], "--sequences") == 0) chosen.sequences = (uint32_t)atoi(value);
    if (strcmp(argv[i], "--seed") == 0) chosen.seed = (uint32_t)atoi(value);
    if (strcmp(argv[i], "--right") == 0) chosen.right = (uint32_t)atoi(value);
    if (strcmp(argv[i], "--wrong") == 0) chosen.wrong = (uint32_t)atoi(value);
    if (strcmp(argv[i], "--size") == 0) chosen.size = atof(value);
    if (strcmp(argv[i], "--kind") == 0) chosen.kind = value;
    if (strcmp(argv[i], "--keep") == 0) chosen.keep = value;
    i++;
  }
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  read_arguments(argc, argv);
  suite_new_folder(folder);
  TCase *tests = tcase_create("photographs");
  tcase_set_timeout(tests, 3000);
  tcase_add_test(tests, photographs_are_read);
  return suite_main("photographs", tests);
}
