#include "tools/infer/inputs.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "tools/common/command.h"

static bool open_file(inputs *in, const infer_options *o, const char *path,
                      const dg_dataset_options *options, dg_error *err) {
  if (o->part_given)
    return dg_fail(err, DG_ERR_INPUT, "--part is for data sets, but %s has samples alone", path);
  in->file = dg_sample_file_open(path, options, err);
  if (in->file) in->count = dg_sample_file_shape(in->file).dim[0];
  return in->file != NULL;
}

/** Tells that a set without a test part of its own is not taken whole. */
static void note_held_out(const dg_dataset *data, const dg_dataset_options *options) {
  char message[700];
  if (!dg_dataset_held_out(data)) return;
  snprintf(message, sizeof message,
           "%.500s: answers are for %s, which is held out for testing; "
           "--part all takes all samples",
           dg_dataset_source(data), dg_dataset_held_out(data));
  options->note(options->user, message);
}

static void add_part(inputs *in, dg_part part) {
  in->lengths[in->part_count] = dg_dataset_lengths(in->data, part);
  in->parts[in->part_count++] = dg_dataset_part(in->data, part);
}

static bool open_set(inputs *in, const infer_options *o, const char *path,
                     const dg_dataset_options *options, dg_error *err) {
  in->data = dg_dataset_open_with(path, options, err);
  if (!in->data) return false;
  if (!o->part_given) note_held_out(in->data, options);
  if (o->part != INFER_TEST) add_part(in, DG_PART_TRAIN);
  if (o->part != INFER_TRAIN) add_part(in, DG_PART_TEST);
  for (unsigned i = 0; i < in->part_count; i++) in->count += in->parts[i].count;
  return in->count > 0 ||
         dg_fail(err, DG_ERR_INPUT, "%s: there are no such samples; --part chooses", path);
}

/** Is INPUT read without labels? A table, and an .npz file of which one array is named, may be a
    set, too. */
static bool is_alone(const infer_options *o, const char *path) {
  const char *arrays = o->reading.arrays;
  return dg_is_sample_file(path) || (!o->part_given && dg_is_table(path)) ||
         (arrays && !strchr(arrays, ','));
}

bool inputs_open(inputs *in, const infer_options *o, const char *path,
                 const inputs_learned *learned, char *program, dg_error *err) {
  dg_dataset_options options = {.size = sizeof options,
                                .threads = o->threads,
                                .note = command_note,
                                .user = program,
                                .columns = learned->columns};
  *in = (inputs){0};
  if (!reading_fill(&o->reading, learned->model, &options, err)) return false;
  return is_alone(o, path) ? open_file(in, o, path, &options, err)
                           : open_set(in, o, path, &options, err);
}

void inputs_close(inputs *in) {
  dg_sample_file_close(in->file);
  dg_dataset_close(in->data);
}

const char *inputs_name(const inputs *in, uint64_t index) {
  return in->file ? dg_sample_file_name(in->file, (uint32_t)index) : NULL;
}

/** `count` samples of a part from number `first` on. */
static dg_ndarray array_of(const dg_part_view *part, uint32_t first, uint32_t count) {
  dg_ndarray array = {.rank = part->rank + 1, .dim = {count}, .type = part->type};
  size_t bytes = part->type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
  for (uint32_t i = 0; i < part->rank; i++) {
    array.dim[i + 1] = part->dim[i];
    bytes *= part->dim[i];
  }
  array.numbers = (const uint8_t *)part->inputs + first * bytes;
  return array;
}

bool inputs_next(inputs *in, uint32_t most, dg_ndarray *samples, const uint32_t **lengths,
                 dg_error *err) {
  *lengths = NULL;
  if (in->file) return dg_sample_file_next(in->file, most, samples, err);
  while (in->part < in->part_count && in->next == in->parts[in->part].count) {
    in->part++;
    in->next = 0;
  }
  *samples = (dg_ndarray){0};
  if (in->part == in->part_count) return true;
  const dg_part_view *part = &in->parts[in->part];
  const uint32_t left = part->count - in->next, count = left < most ? left : most;
  *samples = array_of(part, in->next, count);
  if (in->lengths[in->part]) *lengths = in->lengths[in->part] + in->next;
  in->next += count;
  return true;
}
