/**
 * A checkpoint: everything that a run needs to continue bit for bit. It is a safetensors file with
 * the parameters ("now/"), the optimizer's arrays ("optimizer.0/", …), the moving average and the
 * best parameters so far. Its metadata hold the model and, as JSON, the cursor.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/file/entries.h"
#include "core/base/json.h"
#include "core/base/sized.h"
#include "core/base/text.h"
#include "core/training/trainer.h"
#include "core/weights/safetensors.h"
#include "core/weights/weights.h"

enum { CHECKPOINT_VERSION = 1, MAX_ARRAYS = 6 };

/* ---- the cursor, as JSON ------------------------------------------------ */

/** Checksum that identifies the training images. */
static uint32_t checksum_of(const dg_samples *samples) {
  const dg_sample_kind *kind = &samples->kind;
  uLong sum = crc32_z(0, samples->inputs, samples->count * dg_input_bytes(kind));
  sum = crc32_z(sum, kind->targets ? samples->targets : samples->labels,
                samples->count * dg_target_bytes(kind));
  if (!samples->lengths) return (uint32_t)sum;
  return (uint32_t)crc32_z(sum, (const Bytef *)samples->lengths,
                           samples->count * sizeof *samples->lengths);
}

static bool can_be_saved(const char *path) {
  return strlen(path) < sizeof((dg_checkpoint_info *)0)->data && !dg_utf8_fault(path);
}

/**
 * The absolute path of a data set: its real path; if JSON can't hold that, the given path, which
 * may be a link to it. NULL: there is none, or no path, as for the built-in digits.
 */
static char *path_of_data(const char *source) {
  char *path = realpath(source, NULL);
  if (!path || can_be_saved(path)) return path;
  free(path);
  if (*source == '/') return strdup(source);
  char folder[PATH_MAX];
  path = getcwd(folder, sizeof folder) ? dg_path_join(folder, source, NULL) : NULL;
  if (path && can_be_saved(path)) return path;
  free(path);
  return NULL;
}

static char *cursor_text(const dg_trainer *t) {
  char *folder = path_of_data(t->data->source);
  const dg_cursor *cursor = &t->cursor;
  const dg_metrics none = {0},
                   *m = cursor->done ? &t->metrics : &none; /* there are none between epochs */
  json_t *json =
      json_pack("{si ss ss sI ss sI sI sI sI sf sI sf sf sI sI}", "version", CHECKPOINT_VERSION,
                "backend", t->device->backend, "device", t->device->info.name, "threads",
                (json_int_t)(t->device->info.threads ? t->device->info.threads
                                                     : t->device->info.compute_units),
                "data", folder ? folder : t->data->source, "data_checksum", (json_int_t)t->checksum,
                "seed", (json_int_t)t->seed, "epoch", (json_int_t)cursor->epoch, "step",
                (json_int_t)cursor->done, "best_accuracy", cursor->best_score, "waited",
                (json_int_t)cursor->waited, "seconds", cursor->seconds, "loss_sum", m->loss_sum,
                "right", (json_int_t)m->correct_sum, "total", (json_int_t)m->total);
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  json_decref(json);
  free(folder);
  return text;
}

/** The members of the JSON that a trainer loads. */
typedef struct {
  dg_checkpoint_info info;
  dg_cursor cursor;
  double loss_sum;
  uint32_t correct_sum, total, checksum;
} saved_cursor;

static bool is_count(json_int_t value) {
  return value >= 0 && value <= UINT32_MAX;
}

static bool parse_cursor(const char *text, saved_cursor *out) {
  int version;
  const char *backend, *device, *data;
  json_int_t threads, sum, seed, epoch, step, correct, total, waited = 0;
  bool starved;
  json_t *json = dg_json_read(text, strlen(text), 0, NULL, &starved);
  bool parsed = json_unpack(json, "{si ss ss sI ss sI sI sI sI sF s?I sF sF sI sI}", "version",
                            &version, "backend", &backend, "device", &device, "threads", &threads,
                            "data", &data, "data_checksum", &sum, "seed", &seed, "epoch", &epoch,
                            "step", &step, "best_accuracy", &out->cursor.best_score, "waited",
                            &waited, "seconds", &out->cursor.seconds, "loss_sum", &out->loss_sum,
                            "right", &correct, "total", &total) == 0 &&
                version == CHECKPOINT_VERSION && is_count(threads) && is_count(sum) &&
                is_count(seed) && is_count(epoch) && is_count(step) && is_count(correct) &&
                is_count(total) && is_count(waited);
  if (parsed) {
    dg_checkpoint_info *info = &out->info;
    *info = (dg_checkpoint_info){.threads = (uint32_t)threads,
                                 .seed = (uint32_t)seed,
                                 .epoch = (uint32_t)epoch,
                                 .step = (uint32_t)step};
    strncpy(info->backend, backend, sizeof info->backend - 1);
    strncpy(info->device, device, sizeof info->device - 1);
    strncpy(info->data, data, sizeof info->data - 1);
    out->cursor.epoch = info->epoch, out->cursor.done = info->step;
    out->cursor.waited = (uint32_t)waited;
    out->correct_sum = (uint32_t)correct, out->total = (uint32_t)total,
    out->checksum = (uint32_t)sum;
  }
  json_decref(json);
  return parsed;
}

static bool read_cursor(const dg_safetensors *file, const char *path, saved_cursor *out,
                        dg_error *err) {
  const char *text = dg_safetensors_text(file, DG_CHECKPOINT_KEY);
  return (text && parse_cursor(text, out)) ||
         dg_fail(err, DG_ERR_INPUT, "%s: %s", path,
                 text ? "the checkpoint was written by another version, or is damaged"
                      : "these are weights, not the checkpoint of a run that stopped") ||
         dg_advise(err, text ? DG_REMEDY_NONE : DG_REMEDY_WEIGHTS);
}

bool dg_checkpoint_read(const char *path, dg_checkpoint_info *info, size_t size, dg_error *err) {
  dg_safetensors file;
  saved_cursor cursor;
  if (!dg_safetensors_read(&file, path, err)) return false;
  bool ok = read_cursor(&file, path, &cursor, err);
  if (ok) dg_sized_give(info, size, 0, &cursor.info, sizeof cursor.info);
  dg_safetensors_free(&file);
  return ok;
}

/* ---- the arrays --------------------------------------------------------- */

/** Allocates all arrays of a run on the host, in the order of the file. */
typedef struct {
  float *memory;
  dg_weights_array list[MAX_ARRAYS];
  uint32_t count;
} arrays;

static float *add_array(arrays *a, size_t floats, const char *prefix, bool learned) {
  float *values = a->memory + a->count * floats;
  a->list[a->count++] = (dg_weights_array){prefix, values, learned};
  return values;
}

static bool arrays_new(const dg_trainer *t, arrays *a, dg_error *err) {
  static const char *const of_optimizer[] = {"optimizer.0/", "optimizer.1/", "optimizer.2/"};
  size_t floats = dg_network_floats(t->network);
  *a = (arrays){.memory = calloc(MAX_ARRAYS * floats, sizeof(float))};
  if (!a->memory) return dg_fail_memory(err, MAX_ARRAYS * floats * sizeof(float));
  add_array(a, floats, "now/", false);
  if (t->best && t->cursor.best_score >= 0) add_array(a, floats, "best/", false);
  if (t->averaged) add_array(a, floats, "average/", true);
  for (uint32_t i = 0; i < dg_trainer_state_arrays(t); i++)
    add_array(a, floats, of_optimizer[i], true);
  return true;
}

static const dg_weights_array *find_array(const arrays *a, const char *prefix) {
  for (uint32_t i = 0; i < a->count; i++)
    if (strcmp(a->list[i].prefix, prefix) == 0) return &a->list[i];
  return NULL;
}

/** Copies between a buffer and an array of `floats` numbers, in either direction. */
typedef bool copy_call(dg_trainer *t, dg_buffer *buffer, size_t first, float *values, size_t floats,
                       dg_error *err);

static bool fetch(dg_trainer *t, dg_buffer *buffer, size_t first, float *values, size_t floats,
                  dg_error *err) {
  return dg_trainer_calls(t)->read(buffer, first * sizeof(float), values, floats * sizeof(float),
                                   err);
}

static bool put(dg_trainer *t, dg_buffer *buffer, size_t first, float *values, size_t floats,
                dg_error *err) {
  return dg_trainer_calls(t)->write(buffer, first * sizeof(float), values, floats * sizeof(float),
                                    err);
}

/** Copies the arrays of the optimizer and the average from or to the device. */
static bool copy_learned(dg_trainer *t, arrays *a, copy_call *copy, dg_error *err) {
  size_t floats = dg_network_learned(t->network);
  const dg_weights_array *average = find_array(a, "average/");
  if (average && !copy(t, t->averaged, 0, average->values, floats, err)) return false;
  for (uint32_t i = 0, n = dg_trainer_state_arrays(t); i < n; i++) {
    float *values = a->list[a->count - n + i].values;
    if (!copy(t, t->state, i * floats, values, floats, err)) return false;
  }
  return true;
}

/** Copies the parameters of the best epoch, if there is one, from or to the device. */
static bool copy_best(dg_trainer *t, arrays *a, copy_call *copy, dg_error *err) {
  const dg_weights_array *best = find_array(a, "best/");
  return !best || copy(t, t->best, 0, best->values, dg_network_floats(t->network), err);
}

/* ---- saving and loading ------------------------------------------------- */

static bool write_checkpoint(dg_trainer *t, const arrays *a, dg_error *err) {
  char *cursor = cursor_text(t);
  if (!cursor)
    return dg_fail(err, DG_ERR_RUNTIME, "%s can't be written: a name in it is not UTF-8",
                   t->checkpoint_path);
  const dg_stored_text texts[] = {{DG_MODEL_KEY, t->model->text}, {DG_CHECKPOINT_KEY, cursor}};
  bool ok = dg_weights_write(t->network, t->checkpoint_path, a->list, a->count, texts, 2, err);
  free(cursor);
  return ok;
}

void dg_trainer_prepare_checkpoint(dg_trainer *t) {
  if (t->checkpoint_path) t->checksum = checksum_of(&t->data->train);
}

bool dg_trainer_save_checkpoint(dg_trainer *t, dg_error *err) {
  arrays a;
  if (!t->checkpoint_path) return true;
  if (!arrays_new(t, &a, err)) return false;
  bool ok = dg_network_read(t->network, a.list[0].values, err) && copy_best(t, &a, fetch, err) &&
            copy_learned(t, &a, fetch, err) && write_checkpoint(t, &a, err);
  free(a.memory);
  return ok;
}

/** Checks that the checkpoint is of this model and this data. */
static bool checkpoint_fits(const dg_trainer *t, const dg_safetensors *file,
                            const saved_cursor *saved, dg_error *err) {
  const char *recipe = dg_safetensors_text(file, DG_MODEL_KEY);
  if (!recipe || strcmp(recipe, t->model->text) != 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: the run has another model or recipe than \"%s\"",
                   t->checkpoint_path, t->model->path);
  if (saved->info.seed != t->seed)
    return dg_fail(err, DG_ERR_INPUT, "%s: the run has the seed %u, not %u", t->checkpoint_path,
                   saved->info.seed, t->seed);
  if (saved->checksum != t->checksum)
    return dg_fail(err, DG_ERR_INPUT, "%s: the run learned from other images, from \"%.500s\"",
                   t->checkpoint_path, saved->info.data) ||
           dg_advise(err, DG_REMEDY_DATA);
  return (saved->cursor.epoch <= t->model->train.epochs && saved->cursor.done <= t->steps) ||
         dg_fail(err, DG_ERR_INPUT, "%s: epoch %u, step %u is past the end of the recipe",
                 t->checkpoint_path, saved->cursor.epoch + 1, saved->cursor.done);
}

static bool load_arrays(dg_trainer *t, const dg_safetensors *file, dg_error *err) {
  arrays a;
  if (!arrays_new(t, &a, err)) return false;
  bool ok = dg_weights_take(t->network, file, t->checkpoint_path, a.list, a.count, err) &&
            dg_network_write(t->network, a.list[0].values, err) && copy_best(t, &a, put, err) &&
            copy_learned(t, &a, put, err);
  free(a.memory);
  return ok;
}

bool dg_trainer_load_checkpoint(dg_trainer *t, dg_error *err) {
  dg_safetensors file;
  saved_cursor saved;
  if (!dg_safetensors_read(&file, t->checkpoint_path, err)) return false;
  bool ok =
      read_cursor(&file, t->checkpoint_path, &saved, err) && checkpoint_fits(t, &file, &saved, err);
  if (ok) {
    t->cursor = saved.cursor;
    t->metrics.loss_sum = saved.loss_sum;
    t->metrics.correct_sum = saved.correct_sum;
    t->metrics.total = saved.total;
  }
  ok = ok && load_arrays(t, &file, err);
  dg_safetensors_free(&file);
  return ok;
}
