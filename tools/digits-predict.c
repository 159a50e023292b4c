/** digits-predict: reads the digits in pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digits.h"
#include "report/sheet.h"
#include "tools/command.h"
#include "tools/findings.h"
#include "tools/predict_options.h"

enum {
  BATCH = 64,
  SHEET_COLUMNS = 10,
  SHEET_SCALE = 4,
  FIRST_ROOM = 1 << 16,
  MOST_INPUT = 1 << 29
};

/** What stands below an image of the sheet. */
typedef struct {
  char text[16];
} label;

/** What the network saw so far, for the sheet. */
typedef struct {
  uint32_t count, room;
  uint8_t *images;
  label *labels;
} seen;

typedef struct {
  const predict_options *options;
  dg_model *model;
  dg_device *device;
  dg_predictor *predictor;
  seen seen;
} work;

static bool work_open(work *w, dg_error *err) {
  const predict_options *o = w->options;
  char path[DG_PATH_SIZE];
  if (!dg_weights_find(o->weights, path, err)) return false;
  w->model =
      o->model ? dg_model_load(o->model, NULL, 0, err) : dg_model_of_weights(path, NULL, 0, err);
  w->device = w->model ? dg_open(o->backend, o->device, o->threads, err) : NULL;
  w->predictor = w->device ? dg_predictor_new(w->model, path, w->device, BATCH, err) : NULL;
  return w->predictor != NULL;
}

static void work_close(work *w) {
  dg_predictor_free(w->predictor);
  dg_close(w->device);
  dg_model_free(w->model);
  free(w->seen.images);
  free(w->seen.labels);
}

/* ---- pictures ----------------------------------------------------------- */

/** Reads all of standard input to new memory. */
static uint8_t *read_input(size_t *size, dg_error *err) {
  uint8_t *bytes = NULL;
  *size = 0;
  for (size_t room = FIRST_ROOM; room <= MOST_INPUT; room *= 2) {
    uint8_t *more = realloc(bytes, room);
    if (!more) {
      dg_fail_memory(err, room);
      break;
    }
    bytes = more;
    *size += fread(bytes + *size, 1, room - *size, stdin);
    if (*size < room && !ferror(stdin)) return bytes;
    if (*size < room || room == MOST_INPUT) {
      dg_fail(err, DG_ERR_INPUT, "standard input %s",
              *size < room ? "can't be read" : "is too long for a picture");
      break;
    }
  }
  free(bytes);
  return NULL;
}

static bool read_picture(dg_picture *page, const char *name, dg_error *err) {
  *page = (dg_picture){0};
  if (strcmp(name, "-") != 0) return dg_picture_read(page, name, err);
  size_t size;
  uint8_t *bytes = read_input(&size, err);
  bool right = bytes && dg_picture_decode(page, bytes, size, "standard input", err);
  free(bytes);
  return right;
}

/* ---- findings ------------------------------------------------------------ */

/** Keeps the images of a picture, with their labels. */
static bool keep(seen *s, const findings *a, dg_error *err) {
  const dg_digits *d = a->digits;
  size_t size = (size_t)d->height * d->width;
  if (s->count + d->count > s->room) {
    uint32_t room = 2 * (s->count + d->count);
    uint8_t *images = realloc(s->images, room * size);
    if (images) s->images = images;
    label *labels = realloc(s->labels, room * sizeof *labels);
    if (labels) s->labels = labels;
    if (!images || !labels) return dg_fail_memory(err, room * size);
    s->room = room;
  }
  memcpy(s->images + s->count * size, d->images, d->count * size);
  for (uint32_t i = 0; i < d->count; i++) {
    uint32_t best = findings_label(a, i);
    double percent = 100 * (double)a->probabilities[(size_t)i * a->classes + best];
    snprintf(s->labels[s->count++].text, sizeof s->labels->text, "%u %.0f%%", best, percent);
  }
  return true;
}

/** Runs the network on the digits of a picture and tells what it found. */
static bool answer(work *w, const char *name, const dg_picture *page, const dg_digits *digits,
                   dg_error *err) {
  uint32_t classes = dg_predictor_outputs(w->predictor);
  size_t numbers = (size_t)digits->count * classes;
  float *p = malloc(numbers * sizeof *p);
  if (!p) return dg_fail_memory(err, numbers * sizeof *p);
  findings a = {name, page->height, page->width, digits, classes, p};
  bool right = dg_predictor_run(w->predictor, digits->images, digits->count, p, err);
  if (right) dg_predictor_probabilities(w->predictor, p, digits->count, p);
  if (right && w->options->json)
    right = findings_print_json(&a, err);
  else if (right)
    findings_print(&a, w->options->top);
  right = right && (!w->options->show || keep(&w->seen, &a, err));
  free(p);
  return right;
}

static bool read_one(work *w, const char *name, dg_error *err) {
  dg_picture page;
  dg_digits digits = {0};
  bool right = read_picture(&page, name, err) &&
               dg_digits_find(&page, name, dg_predictor_height(w->predictor),
                              dg_predictor_width(w->predictor), &digits, err) &&
               answer(w, name, &page, &digits, err);
  dg_digits_free(&digits);
  dg_picture_free(&page);
  return right;
}

/* ---- the sheet ---------------------------------------------------------- */

/** Writes what the network saw, each digit with its label and how sure the network is below it. */
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
  bool right = picture_write(&drawn.picture, w->options->show, err);
  sheet_close(&drawn);
  return right;
}

/* ---- the program -------------------------------------------------------- */

/** Reads all pictures; one that can't be read is told and passed over, the last error stays. */
static bool read_all(work *w, dg_error *err) {
  const predict_options *o = w->options;
  uint32_t unread = 0;
  for (uint32_t i = 0; i < o->picture_count; i++) {
    if (read_one(w, o->pictures[i], err)) continue;
    if (err->kind != DG_ERR_INPUT) return false;
    if (o->json && !findings_print_json_error(o->pictures[i], err->message, err)) return false;
    if (o->picture_count > 1) fprintf(stderr, "digits-predict: %s\n", err->message);
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
  if (o->task == PREDICT_HELP) return fputs(predict_options_help, stdout) >= 0;
  if (o->task == PREDICT_VERSION) return printf("digits-predict %s\n", dg_version()) >= 0;
  work w = {.options = o};
  bool right = work_open(&w, err) && read_all(&w, err);
  work_close(&w);
  return right;
}

int main(int argc, char **argv) {
  predict_options o;
  dg_error err = {0};
  command_begin();
  bool right = predict_options_read(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-predict", right, &err);
}
