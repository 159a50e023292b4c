/** digits-data: looks at data sets, writes them and shows them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/version.h"
#include "report/figures/sheet.h"
#include "tools/common/command.h"
#include "tools/common/piped.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"
#include "tools/data/options.h"
#include "tools/data/stats.h"

/* ---- write -------------------------------------------------------------- */

static bool write_set(const dg_dataset *data, const data_options *o, dg_error *err) {
  if (!dg_dataset_write(data, o->target, o->gzip, err)) return false;
  say("%s: %" PRIu32 " %s to train and %" PRIu32 " to test, from %s\n", o->target,
      dg_dataset_train_samples(data),
      dg_dataset_part(data, DG_PART_TRAIN).rank == 3 ? "images" : "samples",
      dg_dataset_test_samples(data), dg_dataset_source(data));
  return true;
}

/* ---- sheet -------------------------------------------------------------- */

/** Writes the indices of the chosen samples of a part, at most o->count; returns how many. */
static uint32_t choose_samples(const dg_part_view *part, const data_options *o, uint32_t *chosen) {
  uint32_t found = 0;
  for (uint32_t i = o->from; i < part->count && found < o->count; i++)
    if (o->class == DATA_ALL_CLASSES || part->labels[i] == o->class) chosen[found++] = i;
  return found;
}

/** Draws an image on a sheet, with as much of its class name as fits. */
static void put_image(sheet *s, uint32_t index, const uint8_t *image, const char *class) {
  char label[DG_CLASS_SIZE];
  snprintf(label, sizeof label, "%.*s", (int)sheet_label_capacity(&s->layout), class);
  sheet_put(s, index, image, label);
}

/** Draws the chosen images on a sheet, in steps of `apart` cells. */
static void put_chosen(sheet *s, const dg_dataset *data, const dg_part_view *part,
                       const uint32_t *chosen, uint32_t count, uint32_t apart) {
  size_t size = (size_t)part->height * part->width;
  char number[DG_CLASS_SIZE];
  for (uint32_t i = 0; i < count; i++)
    put_image(s, i * apart, part->images + chosen[i] * size,
              dg_class_name(dg_dataset_classes(data), part->labels[chosen[i]], number));
}

/** Draws the augmented versions of the chosen images in the columns after the first. */
static bool put_augmented(sheet *s, const dg_dataset *data, const data_options *o,
                          const uint32_t *chosen, uint32_t count, dg_error *err) {
  dg_part_view part = dg_dataset_part(data, DG_PART_TRAIN);
  uint32_t steps = o->columns - 1;
  char number[DG_CLASS_SIZE];
  size_t size = (size_t)part.height * part.width, bytes = steps * size * count;
  const char *recipe = o->augment;
  char pipe[PIPED_PATH];
  dg_model *model = piped(&recipe, pipe, err) ? dg_model_load(recipe, NULL, 0, err) : NULL;
  dg_device *device = model ? dg_open("cpu", NULL, o->threads, err) : NULL;
  uint8_t *images = device ? malloc(bytes + 1) : NULL;
  if (device && !images) dg_fail_memory(err, bytes);
  bool ok = images &&
            dg_dataset_augment(data, model, device, chosen, count, o->seed, 0, steps, images, err);
  for (size_t i = 0; ok && i < (size_t)steps * count; i++) {
    uint32_t row = (uint32_t)(i % count), column = 1 + (uint32_t)(i / count);
    put_image(s, row * o->columns + column, images + i * size,
              dg_class_name(dg_dataset_classes(data), part.labels[chosen[row]], number));
  }
  free(images);
  dg_close(device);
  dg_model_free(model);
  return ok;
}

/** Draws the chosen images, or a row for each if they are augmented. */
static bool draw_sheet(const dg_dataset *data, const data_options *o, const uint32_t *chosen,
                       uint32_t count, dg_error *err) {
  dg_part_view part = dg_dataset_part(data, o->part);
  uint32_t columns = o->augment || count > o->columns ? o->columns : count;
  sheet_layout layout = {.columns = columns,
                         .rows = o->augment ? count : (count + columns - 1) / columns,
                         .image_height = part.height,
                         .image_width = part.width,
                         .scale = o->scale};
  sheet s;
  if (!sheet_open(&s, &layout, err)) return false;
  put_chosen(&s, data, &part, chosen, count, o->augment ? columns : 1);
  bool ok = (!o->augment || put_augmented(&s, data, o, chosen, count, err)) &&
            picture_write(&s.picture, o->target, err);
  if (ok)
    say("%s: %" PRIu32 " images, %" PRIu32 "x%" PRIu32 " pixels\n", o->target,
        o->augment ? count * columns : count, s.picture.width, s.picture.height);
  sheet_close(&s);
  return ok;
}

static bool show(const dg_dataset *data, const data_options *o, dg_error *err) {
  dg_part_view part = dg_dataset_part(data, o->part);
  if (part.channels != 1 || part.targets)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: a sheet shows images of one channel with labels; `digits-data stats` "
                   "describes other sets",
                   dg_dataset_source(data));
  uint32_t *chosen = malloc(o->count * sizeof *chosen);
  if (!chosen) return dg_fail_memory(err, o->count * sizeof *chosen);
  uint32_t count = choose_samples(&part, o, chosen);
  bool ok = count ? draw_sheet(data, o, chosen, count, err)
                  : dg_fail(err, DG_ERR_INPUT,
                            "none of the %" PRIu32 " images from --from %" PRIu32
                            " on is wanted: `digits-data stats` counts each class",
                            part.count, o->from);
  free(chosen);
  return ok;
}

/* ---- the program -------------------------------------------------------- */

static dg_dataset *open_set(const data_options *o, dg_error *err) {
  uint32_t seed = o->augment ? 1 : o->seed;
  static char program[] = "digits-data";
  dg_dataset_options how = {.size = sizeof how,
                            .threads = o->threads,
                            .skip_bad = o->skip_bad,
                            .note = command_note,
                            .user = program,
                            .rank = o->rank,
                            .dim = {o->dim[0], o->dim[1], o->dim[2]}};
  if (!reading_fill(&o->reading, NULL, &how, err)) return NULL;
  return o->draw ? dg_dataset_draw(o->train, o->test, seed, o->threads, err)
                 : dg_dataset_open_with(o->data, &how, err);
}

/** Gives the classes the names that the options name. */
static bool name_classes(dg_dataset *data, const data_options *o, dg_error *err) {
  dg_classes names;
  return !o->classes || (dg_classes_read(&names, o->classes, err) &&
                         dg_dataset_set_classes(data, &names, o->classes, err));
}

/** Checks that a sheet overwrites no input; `write` overwrites nothing anyway. */
static bool check_targets(const data_options *o, dg_error *err) {
  targets t = {0};
  bool ok = o->task != DATA_SHEET ||
            (targets_write(&t, "sheet", o->target, NULL, err) &&
             targets_read_set(&t, "the data are", o->draw ? NULL : o->data, err) &&
             targets_read(&t, "the names of the classes are", o->classes, err) &&
             targets_read_model(&t, o->augment, err));
  targets_close(&t);
  return ok;
}

static bool perform(const data_options *o, dg_error *err) {
  if (o->task == DATA_HELP) return command_help(data_options_help);
  if (o->task == DATA_VERSION) return say("digits-data %s\n", dg_version());
  dg_dataset *data = check_targets(o, err) ? open_set(o, err) : NULL;
  if (!data) return false;
  bool ok = name_classes(data, o, err);
  if (ok)
    ok = o->task == DATA_STATS   ? stats_print(data, err)
         : o->task == DATA_WRITE ? write_set(data, o, err)
                                 : show(data, o, err);
  dg_dataset_close(data);
  return ok;
}

int main(int argc, char **argv) {
  data_options o;
  dg_error err = {0};
  command_begin();
  bool ok = data_options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-data", "data threads skip-bad " READING_REMEDIES, ok, &err);
}
