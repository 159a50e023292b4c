/** digits-predict: reads the digits in pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/pipe.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/picture.h"
#include "digits/predict.h"
#include "digits/version.h"
#include "report/figures/sheet.h"
#include "tools/common/command.h"
#include "tools/common/likeliest.h"
#include "tools/common/piped.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"
#include "tools/predict/findings.h"
#include "tools/predict/options.h"
#include "tools/predict/submission.h"

/** For command_note. */
static char program[] = "digits-predict";

enum { BATCH = 64, SHEET_COLUMNS = 10, SHEET_SCALE = 4, MAX_INPUT_BYTES = 1 << 29 };

/** The label below an image of the sheet. */
typedef struct {
  char text[DG_CLASS_SIZE];
} label;

/** The images classified so far, for the sheet. */
typedef struct {
  uint32_t count, capacity;
  uint8_t *images;
  label *labels;
} seen;

typedef struct {
  const predict_options *options;
  dg_model *model;
  dg_device *device;
  dg_predictor *predictor;
  dg_classes classes;
  seen seen;
} work;

/** Finds the names of the classes. */
static bool open_classes(work *w, const char *weights, dg_error *err) {
  const char *file = w->options->classes;
  uint32_t outputs = dg_predictor_outputs(w->predictor);
  if (!file) return dg_classes_from_weights(&w->classes, weights, err);
  return dg_classes_read(&w->classes, file, err) &&
         (w->classes.count == outputs ||
          dg_fail(err, DG_ERR_INPUT,
                  "%s names %u classes, but the network has %u: one name a line, the first for "
                  "label 0, an empty line for a class without one",
                  file, w->classes.count, outputs));
}

/** Checks that no input would be overwritten. */
static bool check_targets(const predict_options *o, dg_error *err) {
  targets t = {0};
  bool ok = targets_write(&t, "--show", o->show, NULL, err) &&
            targets_write(&t, "--submission", o->submission, NULL, err) &&
            targets_read_weights(&t, o->weights, err) && targets_read_model(&t, o->model, err) &&
            targets_read(&t, "the names of the classes are", o->classes, err);
  for (uint32_t i = 0; ok && i < o->picture_count; i++)
    ok = targets_read(&t, o->submission ? "the table is" : "a picture is",
                      strcmp(o->pictures[i], "-") == 0 ? "/dev/stdin" : o->pictures[i], err);
  targets_close(&t);
  return ok;
}

static bool work_open(work *w, dg_error *err) {
  const predict_options *o = w->options;
  const char *weights = o->weights, *model = o->model;
  char path[DG_PATH_SIZE], pipes[2][PIPED_PATH];
  if (!check_targets(o, err) || !piped(&weights, pipes[0], err) || !piped(&model, pipes[1], err) ||
      !dg_weights_find(weights, path, err))
    return false;
  w->model = model ? dg_model_load(model, NULL, 0, err) : dg_model_from_weights(path, NULL, 0, err);
  w->device = w->model ? command_open(o->backend, o->device, o->threads, program, err) : NULL;
  w->predictor =
      w->device ? dg_predictor_new(w->model, w->device,
                                   &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                           .weights = path,
                                                           .batch = BATCH},
                                   err)
                : NULL;
  if (!w->predictor || !dg_predictor_check_pictures(w->predictor, err) ||
      !open_classes(w, path, err))
    return false;
  likeliest_warn(program, path, o->min_probability, dg_predictor_temperature(w->predictor));
  return true;
}

static void work_close(work *w) {
  dg_predictor_free(w->predictor);
  dg_close(w->device);
  dg_model_free(w->model);
  free(w->seen.images);
  free(w->seen.labels);
}

/* ---- pictures ----------------------------------------------------------- */

static bool read_picture(dg_picture *page, const char *name, dg_error *err) {
  const dg_picture_options how = {.size = sizeof how, .note = command_note, .user = program};
  *page = (dg_picture){0};
  if (strcmp(name, "-") != 0) return dg_picture_read_with(page, name, &how, err);
  size_t size;
  char *bytes = dg_pipe_read("/dev/stdin", MAX_INPUT_BYTES, &size, err);
  bool ok = bytes && dg_picture_decode_with(page, bytes, size, "standard input", &how, err);
  free(bytes);
  return ok;
}

/* ---- findings ------------------------------------------------------------ */

/** Writes the label of a digit: its class, and its probability if it fits. */
static void write_label(const findings *a, uint32_t digit, label *out) {
  char number[DG_CLASS_SIZE], sure[8];
  uint32_t best = findings_label(a, digit);
  sheet_layout layout = {.image_width = a->digits->width};
  const char *name = findings_unsure(a, digit) ? UNSURE : dg_class_name(a->names, best, number);
  size_t capacity = sheet_label_capacity(&layout);
  snprintf(sure, sizeof sure, " %.0f%%",
           100 * (double)a->probabilities[(size_t)digit * a->classes + best]);
  bool both =
      name == number || findings_unsure(a, digit) || strlen(name) + strlen(sure) <= capacity;
  snprintf(out->text, sizeof out->text, "%.*s%s", both ? DG_CLASS_SIZE - 8 : (int)capacity, name,
           both ? sure : "");
}

/** Stores the images of a picture with their labels. */
static bool keep(seen *s, const findings *a, dg_error *err) {
  const dg_digits *d = a->digits;
  size_t size = (size_t)d->height * d->width;
  if (s->count + d->count > s->capacity) {
    uint32_t capacity = 2 * (s->count + d->count);
    uint8_t *images = realloc(s->images, capacity * size);
    if (images) s->images = images;
    label *labels = realloc(s->labels, capacity * sizeof *labels);
    if (labels) s->labels = labels;
    if (!images || !labels) return dg_fail_memory(err, capacity * size);
    s->capacity = capacity;
  }
  memcpy(s->images + s->count * size, d->images, d->count * size);
  for (uint32_t i = 0; i < d->count; i++) write_label(a, i, &s->labels[s->count++]);
  return true;
}

/** Runs the network on the digits of a picture and prints the result. */
static bool answer(work *w, const char *name, const dg_picture *page, const dg_digits *digits,
                   dg_error *err) {
  uint32_t classes = dg_predictor_outputs(w->predictor);
  size_t numbers = (size_t)digits->count * classes;
  float *p = malloc(numbers * sizeof *p);
  if (!p) return dg_fail_memory(err, numbers * sizeof *p);
  findings a = {name,    page->height, page->width, digits,
                classes, &w->classes,  p,           w->options->min_probability};
  bool ok = dg_predictor_read(w->predictor, digits, p, err) || dg_fail_prefix(err, "%s", name);
  if (ok && w->options->json)
    ok = findings_print_json(&a, err);
  else if (ok)
    findings_print(&a, w->options->top);
  ok = ok && (!w->options->show || keep(&w->seen, &a, err));
  free(p);
  return ok;
}

static bool read_one(work *w, const char *name, dg_error *err) {
  dg_picture page;
  dg_digits digits = {0};
  bool ok = read_picture(&page, name, err) &&
            dg_predictor_find(w->predictor, &page, name, &digits, err) &&
            answer(w, name, &page, &digits, err);
  dg_digits_free(&digits);
  dg_picture_free(&page);
  return ok;
}

/* ---- the sheet ---------------------------------------------------------- */

/** Writes the sheet: each digit with its label and probability below it. */
static bool show(const work *w, dg_error *err) {
  const seen *s = &w->seen;
  uint32_t height = dg_predictor_height(w->predictor), width = dg_predictor_width(w->predictor);
  sheet_layout layout = {.columns = s->count < SHEET_COLUMNS ? s->count : SHEET_COLUMNS,
                         .rows = (s->count + SHEET_COLUMNS - 1) / SHEET_COLUMNS,
                         .image_height = height,
                         .image_width = width,
                         .scale = SHEET_SCALE};
  sheet drawn;
  if (!sheet_open(&drawn, &layout, err)) return false;
  for (uint32_t i = 0; i < s->count; i++)
    sheet_put(&drawn, i, s->images + (size_t)i * height * width, s->labels[i].text);
  bool ok = picture_write(&drawn.picture, w->options->show, err);
  sheet_close(&drawn);
  return ok;
}

/* ---- a submission ------------------------------------------------------- */

static bool check_size(const dg_images *images, const work *w, dg_error *err) {
  uint32_t height = dg_predictor_height(w->predictor), width = dg_predictor_width(w->predictor);
  return (images->height == height && images->width == width) ||
         dg_fail(err, DG_ERR_INPUT, "%s: its images are of %ux%u, but the network takes %ux%u",
                 w->options->pictures[0], images->height, images->width, height, width);
}

/** Classifies the images of a table. */
static bool submit(const work *w, dg_error *err) {
  dg_images images;
  if (!dg_images_read(&images, w->options->pictures[0], err)) return false;
  size_t numbers = (size_t)images.count * dg_predictor_outputs(w->predictor);
  float *logits = NULL;
  bool ok = check_size(&images, w, err);
  if (ok && !(logits = malloc(numbers * sizeof *logits)))
    ok = dg_fail_memory(err, numbers * sizeof *logits);
  submission s = {images.count, dg_predictor_outputs(w->predictor), logits};
  ok = ok &&
       (dg_predictor_run(w->predictor, images.images, images.count, logits, err) ||
        dg_fail_prefix(err, "%s", w->options->pictures[0])) &&
       submission_write(&s, w->options->submission, err);
  if (ok) say("%s: %u answers\n", w->options->submission, images.count);
  free(logits);
  dg_images_free(&images);
  return ok;
}

/* ---- the program -------------------------------------------------------- */

/** Reads all pictures; unreadable ones are reported and skipped, and the last error is returned. */
static bool read_all(work *w, dg_error *err) {
  const predict_options *o = w->options;
  uint32_t unread = 0;
  for (uint32_t i = 0; i < o->picture_count; i++) {
    if (read_one(w, o->pictures[i], err)) continue;
    if (err->kind != DG_ERR_INPUT) return false;
    if (o->json && !findings_print_json_error(o->pictures[i], err->message, err)) return false;
    if (o->picture_count > 1) say_to(stderr, "digits-predict: %s\n", err->message);
    unread++;
  }
  if (o->show && w->seen.count) {
    dg_error of_sheet = {0};
    if (!show(w, &of_sheet)) return *err = of_sheet, false;
  }
  if (unread && o->picture_count > 1)
    dg_fail(err, DG_ERR_INPUT, "%u of %u pictures could not be read", unread, o->picture_count);
  return unread == 0;
}

static bool perform(const predict_options *o, dg_error *err) {
  if (o->task == PREDICT_HELP) return command_help(predict_options_help);
  if (o->task == PREDICT_VERSION) return say("digits-predict %s\n", dg_version());
  work w = {.options = o};
  bool ok = work_open(&w, err) && (o->submission ? submit(&w, err) : read_all(&w, err));
  work_close(&w);
  return ok;
}

int main(int argc, char **argv) {
  predict_options o;
  dg_error err = {0};
  command_begin();
  bool ok = predict_options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-predict", "backend device threads", ok, &err);
}
