/** digits-data: looks at data sets, writes them and shows them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digits.h"
#include "tools/command.h"
#include "tools/data_options.h"
#include "tools/sheet.h"

/* ---- stats -------------------------------------------------------------- */

enum { MOST_CLASSES = 256, WHITE = 255 };

/** What there is in a part of a set. */
typedef struct {
  uint32_t of_class[MOST_CLASSES];
  double mean, deviation; /**< of all pixels, as shares of 255 */
} part_stats;

static void count_part(const dg_part_view *part, part_stats *stats) {
  uint64_t pixels = (uint64_t)part->count * part->height * part->width, sum = 0, squares = 0;
  *stats = (part_stats){0};
  for (uint32_t i = 0; i < part->count; i++) stats->of_class[part->labels[i]]++;
  for (uint64_t i = 0; i < pixels; i++) {
    sum += part->images[i];
    squares += (uint64_t)part->images[i] * part->images[i];
  }
  double mean = (double)sum / (double)pixels;
  stats->mean = mean / WHITE;
  stats->deviation = sqrt((double)squares / (double)pixels - mean * mean) / WHITE;
}

static bool print_stats(const dg_dataset *data) {
  dg_part_view train = dg_data_part(data, DG_PART_TRAIN), test = dg_data_part(data, DG_PART_TEST);
  part_stats of_train, of_test;
  count_part(&train, &of_train);
  count_part(&test, &of_test);
  printf("%s: images of %" PRIu32 "x%" PRIu32 "\n\n", dg_data_source(data), train.height,
         train.width);
  printf("%-10s %10s %10s\n", "class", "train", "test");
  for (unsigned c = 0; c < MOST_CLASSES; c++)
    if (of_train.of_class[c] || of_test.of_class[c])
      printf("%-10u %10" PRIu32 " %10" PRIu32 "\n", c, of_train.of_class[c], of_test.of_class[c]);
  printf("%-10s %10" PRIu32 " %10" PRIu32 "\n\n", "all", train.count, test.count);
  printf("%-10s %10.5f %10.5f\n", "mean", of_train.mean, of_test.mean);
  printf("%-10s %10.5f %10.5f\n", "deviation", of_train.deviation, of_test.deviation);
  printf("\nin a model file: data = { mean = %.4f; std = %.4f; };\n", of_train.mean,
         of_train.deviation);
  return true;
}

/* ---- write -------------------------------------------------------------- */

static bool write_set(const dg_dataset *data, const data_options *o, dg_error *err) {
  if (!dg_data_write(data, o->target, o->gzip, err)) return false;
  printf("%s: %" PRIu32 " images to train and %" PRIu32 " to test, from %s\n", o->target,
         dg_data_train_samples(data), dg_data_test_samples(data), dg_data_source(data));
  return true;
}

/* ---- sheet -------------------------------------------------------------- */

/** Which samples of a part are wanted: writes their indices, at most o->count; returns how many. */
static uint32_t choose_samples(const dg_part_view *part, const data_options *o, uint32_t *chosen) {
  uint32_t found = 0;
  for (uint32_t i = o->from; i < part->count && found < o->count; i++)
    if (o->class == DATA_ALL_CLASSES || part->labels[i] == o->class) chosen[found++] = i;
  return found;
}

/** The images of a sheet, one after the other, with their labels. */
typedef struct {
  uint32_t count;
  uint8_t *images, *labels;
} picked;

static bool picked_new(picked *p, uint32_t count, size_t size, dg_error *err) {
  *p = (picked){count, malloc(count * size), malloc(count)};
  return (p->images && p->labels) || dg_fail_memory(err, count * size);
}

static bool pick(const dg_part_view *part, const uint32_t *chosen, uint32_t count, picked *p,
                 dg_error *err) {
  size_t size = (size_t)part->height * part->width;
  if (!picked_new(p, count, size, err)) return false;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(p->images + i * size, part->images + chosen[i] * size, size);
    p->labels[i] = part->labels[chosen[i]];
  }
  return true;
}

/** Puts what step `column` of training makes of the images into that column. */
static bool bend_column(const dg_dataset *data, const dg_model *model, const data_options *o,
                        const uint32_t *chosen, uint32_t count, uint32_t column, picked *p,
                        dg_error *err) {
  dg_part_view part = dg_data_part(data, DG_PART_TRAIN);
  size_t size = (size_t)part.height * part.width;
  uint8_t *bent = malloc(count * size);
  if (!bent) return dg_fail_memory(err, count * size);
  bool right = dg_data_augment(data, model, chosen, count, o->seed, column - 1, bent, err);
  for (uint32_t i = 0; right && i < count; i++)
    memcpy(p->images + (i * o->columns + column) * size, bent + i * size, size);
  free(bent);
  return right;
}

/** A row for each image: itself, then as the steps of training see it. */
static bool pick_bent(const dg_dataset *data, const data_options *o, const uint32_t *chosen,
                      uint32_t count, picked *p, dg_error *err) {
  dg_part_view part = dg_data_part(data, DG_PART_TRAIN);
  size_t size = (size_t)part.height * part.width;
  dg_model *model = dg_model_load(o->augment, NULL, 0, err);
  bool right = model && picked_new(p, count * o->columns, size, err);
  for (uint32_t i = 0; right && i < p->count; i++) {
    uint32_t image = chosen[i / o->columns];
    memcpy(p->images + i * size, part.images + image * size, size);
    p->labels[i] = part.labels[image];
  }
  for (uint32_t column = 1; right && column < o->columns; column++)
    right = bend_column(data, model, o, chosen, count, column, p, err);
  dg_model_free(model);
  return right;
}

static bool draw_sheet(const dg_part_view *part, const picked *p, const data_options *o,
                       dg_error *err) {
  uint32_t columns = p->count < o->columns ? p->count : o->columns;
  sheet_layout layout = {.columns = columns,
                         .rows = (p->count + columns - 1) / columns,
                         .image_height = part->height,
                         .image_width = part->width,
                         .scale = o->scale};
  sheet s;
  if (!sheet_open(&s, &layout, err)) return false;
  size_t size = (size_t)part->height * part->width;
  for (uint32_t i = 0; i < p->count; i++) sheet_put(&s, i, p->images + i * size, p->labels[i]);
  bool right = sheet_write(&s, o->target, err);
  if (right)
    printf("%s: %" PRIu32 " images, %" PRIu32 "x%" PRIu32 " pixels\n", o->target, p->count, s.width,
           s.height);
  sheet_close(&s);
  return right;
}

static bool show(const dg_dataset *data, const data_options *o, dg_error *err) {
  dg_part_view part = dg_data_part(data, o->part);
  picked p = {0};
  uint32_t *chosen = malloc(o->count * sizeof *chosen);
  if (!chosen) return dg_fail_memory(err, o->count * sizeof *chosen);
  uint32_t count = choose_samples(&part, o, chosen);
  bool right = count || dg_fail(err, DG_ERR_INPUT,
                                "none of the %" PRIu32 " images from --from %" PRIu32
                                " on is wanted: `digits-data stats` counts each class",
                                part.count, o->from);
  right = right && (o->augment ? pick_bent(data, o, chosen, count, &p, err)
                               : pick(&part, chosen, count, &p, err));
  right = right && draw_sheet(&part, &p, o, err);
  free(chosen);
  free(p.images);
  free(p.labels);
  return right;
}

/* ---- the program -------------------------------------------------------- */

static dg_dataset *open_set(const data_options *o, dg_error *err) {
  return o->draw ? dg_data_draw(o->train, o->test, o->seed, o->threads, err)
                 : dg_data_open(o->data, o->threads, err);
}

static bool perform(const data_options *o, dg_error *err) {
  if (o->task == DATA_HELP) return fputs(data_options_help, stdout) >= 0;
  if (o->task == DATA_VERSION) return printf("digits-data %s\n", dg_version()) >= 0;
  dg_dataset *data = open_set(o, err);
  if (!data) return false;
  bool right = o->task == DATA_STATS   ? print_stats(data)
               : o->task == DATA_WRITE ? write_set(data, o, err)
                                       : show(data, o, err);
  dg_data_close(data);
  return right;
}

int main(int argc, char **argv) {
  data_options o;
  dg_error err = {0};
  command_begin();
  bool right = data_options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-data", right, &err);
}
