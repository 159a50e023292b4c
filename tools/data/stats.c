#include "tools/data/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "tools/common/say.h"

enum { MAX_CLASSES = 256, WHITE = 255, NAME = 320 };

/* ---- classes ------------------------------------------------------------ */

/** Prints the number of samples of each class, with its name if it has one. */
static void print_classes(const dg_dataset *data, const dg_part_view *train,
                          const dg_part_view *test) {
  const dg_classes *names = dg_dataset_classes(data);
  uint32_t of_train[MAX_CLASSES] = {0}, of_test[MAX_CLASSES] = {0};
  for (uint32_t i = 0; train->labels && i < train->count; i++) of_train[train->labels[i]]++;
  for (uint32_t i = 0; test->labels && i < test->count; i++) of_test[test->labels[i]]++;
  say("%-10s %10s %10s\n", train->labels || test->labels ? "class" : "samples", "train", "test");
  for (unsigned c = 0; c < MAX_CLASSES; c++) {
    if (!of_train[c] && !of_test[c]) continue;
    say("%-10u %10" PRIu32 " %10" PRIu32, c, of_train[c], of_test[c]);
    if (c < names->count) say("  %s", names->name[c]);
    putchar('\n');
  }
  say("%-10s %10" PRIu32 " %10" PRIu32 "\n\n", "all", train->count, test->count);
}

/* ---- numbers ------------------------------------------------------------ */

/** Of the numbers of a column, channel or target. */
typedef struct {
  double low, high, mean, squares; /**< squares: the sum of squared distances from the mean */
  uint64_t count;
} spread;

/** Adds a number (Welford's method). */
static void spread_add(spread *s, double x) {
  if (s->count == 0 || x < s->low) s->low = x;
  if (s->count == 0 || x > s->high) s->high = x;
  const double before = x - s->mean;
  s->mean += before / (double)++s->count;
  s->squares += before * (x - s->mean);
}

static double deviation(const spread *s) {
  return s->count ? sqrt(s->squares / (double)s->count) : 0;
}

/** An array of numbers: `count` times `groups` of `size` each, or, if they take turns, `size` times
    `groups` of one; or, if there are lengths, as many times as they say. */
typedef struct {
  const void *numbers;
  dg_numbers_type type;
  uint64_t count;
  uint32_t groups, size;
  bool turns;
  const uint32_t *lengths; /**< [count]; NULL: none */
} array;

static void measure(const array *a, spread *spreads) {
  const uint64_t sample = (uint64_t)a->groups * a->size, all = a->count * sample;
  for (uint64_t i = 0; i < all; i++) {
    if (a->lengths && i % sample >= (uint64_t)a->groups * a->lengths[i / sample]) continue;
    const uint64_t group = (a->turns ? i : i / a->size) % a->groups;
    spread_add(&spreads[group], a->type == DG_NUMBERS_FLOATS ? ((const float *)a->numbers)[i]
                                                             : ((const uint8_t *)a->numbers)[i]);
  }
}

/** The inputs of a part by columns, features or channels. */
static array inputs_of(const dg_part_view *part, const uint32_t *lengths) {
  array a = {part->inputs, part->type, part->count, part->dim[0], 1, true, NULL};
  if (part->rank == 2) a.lengths = lengths;
  if (part->rank == 2) a.groups = part->dim[1], a.size = part->dim[0];
  if (part->rank == 3) a.size = part->dim[1] * part->dim[2], a.turns = false;
  return a;
}

static void print_spread(const char *name, const spread *s) {
  say("%-24s %12.6g %12.6g %12.6g %12.6g\n", name, s->low, s->high, s->mean, deviation(s));
}

/** Prints an array, a line for each group; `name` writes the name of one. */
static bool print_array(const dg_dataset *data, const array *a, const char *what,
                        const char *(*name)(const dg_dataset *, uint32_t, char *), dg_error *err) {
  spread *spreads = calloc(a->groups, sizeof *spreads);
  if (!spreads) return dg_fail_memory(err, a->groups * sizeof *spreads);
  measure(a, spreads);
  say("%-24s %12s %12s %12s %12s\n", what, "least", "largest", "mean", "deviation");
  for (uint32_t i = 0; i < a->groups; i++) {
    char text[NAME], number[16];
    snprintf(number, sizeof number, "%u", i);
    const char *found = name(data, i, text);
    print_spread(found ? found : number, &spreads[i]);
  }
  putchar('\n');
  free(spreads);
  return true;
}

/** The steps of sequences, if they have unequal lengths. */
static void print_lengths(const dg_dataset *data, const dg_part_view *train,
                          const dg_part_view *test) {
  const dg_part_view *parts[] = {train, test};
  static const char *const names[] = {"train", "test"};
  if (!dg_dataset_lengths(data, DG_PART_TRAIN) && !dg_dataset_lengths(data, DG_PART_TEST)) return;
  say("%-24s %12s %12s %12s\n", "steps", "least", "largest", "mean");
  for (int p = 0; p < 2; p++) {
    const uint32_t *lengths = dg_dataset_lengths(data, p ? DG_PART_TEST : DG_PART_TRAIN);
    spread s = {0};
    for (uint32_t i = 0; lengths && i < parts[p]->count; i++) spread_add(&s, lengths[i]);
    if (s.count) say("%-24s %12.6g %12.6g %12.6g\n", names[p], s.low, s.high, s.mean);
  }
  putchar('\n');
}

static const char *feature(const dg_dataset *data, uint32_t index, char *text) {
  return dg_dataset_feature_name(data, index, text, NAME);
}

static const char *target(const dg_dataset *data, uint32_t index, char *text) {
  (void)text;
  return dg_dataset_target_name(data, index);
}

static bool print_numbers(const dg_dataset *data, dg_error *err) {
  const dg_part_view train = dg_dataset_part(data, DG_PART_TRAIN),
                     test = dg_dataset_part(data, DG_PART_TEST),
                     *part = train.count ? &train : &test;
  static const char *const what[] = {"", "column", "feature", "channel"};
  const uint32_t *lengths = dg_dataset_lengths(data, train.count ? DG_PART_TRAIN : DG_PART_TEST);
  const array inputs = inputs_of(part, lengths), targets = {.numbers = part->target_numbers,
                                                            .type = part->targets_type,
                                                            .count = part->count,
                                                            .groups = part->targets,
                                                            .size = 1,
                                                            .turns = true};
  const char *held_out = dg_dataset_held_out(data);
  say("%s: samples of [%" PRIu32, dg_dataset_source(data), part->dim[0]);
  for (uint32_t i = 1; i < part->rank; i++) say(", %" PRIu32, part->dim[i]);
  say("] %s%s%s\n\n", part->type == DG_NUMBERS_FLOATS ? "floats" : "bytes",
      held_out ? "; to test: " : "", held_out ? held_out : "");
  print_classes(data, &train, &test);
  print_lengths(data, &train, &test);
  return print_array(data, &inputs, what[part->rank], feature, err) &&
         (!part->targets || print_array(data, &targets, "target", target, err));
}

/* ---- pictures of one channel -------------------------------------------- */

/** Mean and deviation of all pixels, divided by 255. */
static void measure_pixels(const dg_part_view *part, double *mean, double *deviation) {
  uint64_t pixels = (uint64_t)part->count * part->height * part->width, sum = 0, squares = 0;
  for (uint64_t i = 0; i < pixels; i++) {
    sum += part->images[i];
    squares += (uint64_t)part->images[i] * part->images[i];
  }
  double middle = (double)sum / (double)pixels;
  *mean = middle / WHITE;
  *deviation = sqrt((double)squares / (double)pixels - middle * middle) / WHITE;
}

static void print_pictures(const dg_dataset *data, const dg_part_view *train,
                           const dg_part_view *test) {
  double mean[2], std[2];
  measure_pixels(train, &mean[0], &std[0]);
  measure_pixels(test, &mean[1], &std[1]);
  const char *held_out = dg_dataset_held_out(data);
  say("%s: images of %" PRIu32 "x%" PRIu32 "%s%s\n\n", dg_dataset_source(data), train->height,
      train->width, held_out ? "; to test: " : "", held_out ? held_out : "");
  print_classes(data, train, test);
  say("%-10s %10.5f %10.5f\n", "mean", mean[0], mean[1]);
  say("%-10s %10.5f %10.5f\n", "deviation", std[0], std[1]);
  putchar('\n');
  say("in a model file: data = { mean = %.4f; std = %.4f; };\n", mean[0], std[0]);
}

bool stats_print(const dg_dataset *data, dg_error *err) {
  const dg_part_view train = dg_dataset_part(data, DG_PART_TRAIN),
                     test = dg_dataset_part(data, DG_PART_TEST);
  if (train.channels != 1 || train.targets) return print_numbers(data, err);
  print_pictures(data, &train, &test);
  return true;
}
