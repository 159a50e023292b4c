#include "core/data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/base/size.h"
#include "core/base/text.h"
#include "core/data/columns.h"

dg_dataset *dg_dataset_new(const char *source, dg_error *err) {
  if (dg_utf8_fault(source)) {
    dg_fail(err, DG_ERR_INPUT, "the name of the data set is not UTF-8; give a link to it");
    return NULL;
  }
  dg_dataset *set = calloc(1, sizeof *set);
  if (!set) return dg_fail_memory(err, sizeof *set), NULL;
  if (strlen(source) >= sizeof set->source) {
    dg_fail(err, DG_ERR_INPUT,
            "%.80s…: the path of the data set is longer than %zu bytes; give a "
            "link to it",
            source, sizeof set->source - 1);
    free(set);
    return NULL;
  }
  snprintf(set->source, sizeof set->source, "%s", source);
  return set;
}

void dg_dataset_count_classes(dg_dataset *set) {
  const dg_samples *parts[] = {&set->train, &set->test};
  for (int p = 0; p < 2; p++)
    for (uint32_t i = 0; parts[p]->labels && i < parts[p]->count; i++)
      if (parts[p]->labels[i] >= set->classes) set->classes = parts[p]->labels[i] + 1u;
}

uint32_t dg_dataset_held_out_of(uint32_t count) {
  enum { SHARE = 10 };
  return count < SHARE ? count > 1 : count / SHARE;
}

/** Samples from number `begin` on, which are and stay those of another part. */
static dg_samples view_of(const dg_samples *all, uint32_t begin, uint32_t count) {
  const size_t input = dg_input_bytes(&all->kind), target = dg_target_bytes(&all->kind);
  return (dg_samples){.count = count,
                      .borrowed = true,
                      .kind = all->kind,
                      .inputs = all->inputs + begin * input,
                      .labels = all->labels ? all->labels + begin * target : NULL,
                      .targets = all->targets ? all->targets + begin * target : NULL,
                      .lengths = all->lengths ? all->lengths + begin : NULL};
}

bool dg_dataset_hold_out(dg_dataset *set, dg_error *err) {
  dg_samples *all = &set->train;
  uint32_t count = dg_dataset_held_out_of(all->count);
  uint32_t left = all->count - count;
  set->held_out = "the last tenth";
  set->test.kind = all->kind;
  if (count == 0) return true;
  if (all->inputs_mapping.at) {
    set->test = view_of(all, left, count);
  } else {
    if (!dg_samples_new(&set->test, count, &all->kind, err)) return false;
    dg_samples_copy(&set->test, 0, all, left, count);
  }
  all->count = left;
  return true;
}

/* ---- samples ------------------------------------------------------------ */

size_t dg_input_bytes(const dg_sample_kind *kind) {
  const uint64_t bytes = dg_size_times(dg_shape_count(&kind->shape), dg_numbers_size(kind->type));
  return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

size_t dg_target_bytes(const dg_sample_kind *kind) {
  return kind->targets ? kind->targets * dg_numbers_size(kind->targets_type) : 1;
}

bool dg_kind_equal(const dg_sample_kind *a, const dg_sample_kind *b) {
  return dg_shape_equal(&a->shape, &b->shape) && a->type == b->type && a->targets == b->targets &&
         (!a->targets || a->targets_type == b->targets_type) && a->lengths == b->lengths;
}

char *dg_kind_text(const dg_sample_kind *kind, char *text, size_t capacity) {
  const dg_shape *s = &kind->shape;
  if (s->rank == 3 && s->dim[0] == 1)
    snprintf(text, capacity, "%ux%u", s->dim[1], s->dim[2]);
  else if (s->rank == 1)
    snprintf(text, capacity, "%u column%s", s->dim[0], s->dim[0] == 1 ? "" : "s");
  else
    dg_shape_text(s, text, capacity);
  return text;
}

bool dg_samples_new_of(dg_samples *samples, uint32_t count, const dg_sample_kind *kind,
                       uint64_t in_memory, const char *path, dg_error *err) {
  const uint64_t inputs = dg_size_times(dg_input_bytes(kind), count);
  const uint64_t targets = dg_size_times(dg_target_bytes(kind), count);
  const uint64_t lengths = kind->lengths ? dg_size_times(sizeof *samples->lengths, count) : 0;
  uint8_t **target = kind->targets ? &samples->targets : &samples->labels;
  *samples = (dg_samples){.kind = *kind};
  samples->inputs = dg_map_room(&samples->inputs_mapping, inputs, in_memory, path, err);
  if (samples->inputs)
    *target = dg_map_room(&samples->targets_mapping, targets, in_memory, path, err);
  if (*target && kind->lengths && !(samples->lengths = malloc((size_t)lengths)))
    dg_fail_memory(err, lengths);
  if (*target && (samples->lengths || !kind->lengths)) return samples->count = count, true;
  dg_samples_free(samples);
  return false;
}

bool dg_samples_new(dg_samples *samples, uint32_t count, const dg_sample_kind *kind,
                    dg_error *err) {
  char text[64], what[128];
  snprintf(what, sizeof what, "a set of %u %s of %s", count,
           kind->shape.rank == 3 ? "images" : "samples", dg_kind_text(kind, text, sizeof text));
  return dg_samples_new_of(samples, count, kind, 0, what, err);
}

void dg_samples_copy(dg_samples *to, uint32_t at, const dg_samples *from, uint32_t begin,
                     uint32_t count) {
  const size_t input = dg_input_bytes(&to->kind), target = dg_target_bytes(&to->kind);
  uint8_t *targets = to->kind.targets ? to->targets : to->labels;
  if (count == 0) return;
  memcpy(to->inputs + at * input, from->inputs + begin * input, count * input);
  memcpy(targets + at * target,
         (from->kind.targets ? from->targets : from->labels) + begin * target, count * target);
  if (to->lengths) memcpy(to->lengths + at, from->lengths + begin, count * sizeof *to->lengths);
}

bool dg_samples_check_lengths(dg_samples *samples, const char *where, dg_error *err) {
  const uint32_t steps = samples->kind.shape.dim[0];
  const size_t bytes = dg_input_bytes(&samples->kind);
  char text[64];
  if (!samples->lengths) return true;
  if (!dg_kind_has_steps(&samples->kind))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: lengths are those of sequences, [steps, features], but the samples are %s",
                   where, dg_kind_text(&samples->kind, text, sizeof text));
  for (uint32_t i = 0; i < samples->count; i++) {
    const uint32_t length = samples->lengths[i];
    if (length == 0 || length > steps)
      return dg_fail(err, DG_ERR_INPUT,
                     "%s: sample %u (the first is 0) has the length %u; 1 to %u steps are there",
                     where, i, length, steps);
    const size_t there = bytes / steps * length;
    if (!samples->borrowed) memset(samples->inputs + i * bytes + there, 0, bytes - there);
  }
  return true;
}

void dg_samples_free(dg_samples *samples) {
  if (!samples->borrowed) {
    dg_unmap(&samples->inputs_mapping, samples->inputs);
    dg_unmap(&samples->targets_mapping, samples->targets ? samples->targets : samples->labels);
    free(samples->lengths);
  }
  *samples = (dg_samples){0};
}

void dg_dataset_close(dg_dataset *set) {
  if (!set) return;
  dg_samples_free(&set->train);
  dg_samples_free(&set->test);
  dg_columns_free(set->columns);
  free(set);
}

/* ---- its parts ---------------------------------------------------------- */

dg_part_view dg_dataset_part(const dg_dataset *data, dg_part part) {
  const dg_samples *s = part == DG_PART_TRAIN ? &data->train : &data->test;
  const dg_sample_kind *k = &s->kind;
  dg_part_view view = {.count = s->count,
                       .rank = k->shape.rank,
                       .dim = {k->shape.dim[0], k->shape.dim[1], k->shape.dim[2]},
                       .type = k->type,
                       .inputs = s->inputs,
                       .labels = s->labels,
                       .targets = k->targets,
                       .targets_type = k->targets_type,
                       .target_numbers = s->targets};
  if (k->shape.rank != 3 || k->type != DG_NUMBERS_BYTES) return view;
  view.channels = k->shape.dim[0];
  view.height = k->shape.dim[1];
  view.width = k->shape.dim[2];
  view.images = s->inputs;
  return view;
}

const uint32_t *dg_dataset_lengths(const dg_dataset *data, dg_part part) {
  return part == DG_PART_TRAIN ? data->train.lengths : data->test.lengths;
}

uint32_t dg_dataset_train_samples(const dg_dataset *data) {
  return data->train.count;
}

uint32_t dg_dataset_test_samples(const dg_dataset *data) {
  return data->test.count;
}

const char *dg_dataset_source(const dg_dataset *data) {
  return data->source;
}

const char *dg_dataset_held_out(const dg_dataset *data) {
  return data->held_out;
}

bool dg_dataset_merge(dg_dataset *data, dg_part part, dg_error *err) {
  dg_samples *a = &data->train, *b = &data->test;
  const uint64_t count = (uint64_t)a->count + b->count;
  dg_samples all = *a;
  if (!data->held_out) return true;
  data->held_out = NULL;
  if (a->inputs_mapping.at && b->borrowed) { /* a view of what follows */
    all.count = (uint32_t)count;
    *a = *b = (dg_samples){.kind = all.kind};
    return *(part == DG_PART_TRAIN ? a : b) = all, true;
  }
  if (count > UINT32_MAX) return dg_fail_memory(err, count);
  if (!dg_samples_new(&all, (uint32_t)count, &a->kind, err)) return false;
  dg_samples_copy(&all, 0, a, 0, a->count);
  dg_samples_copy(&all, a->count, b, 0, b->count);
  dg_samples_free(a);
  dg_samples_free(b);
  *a = *b = (dg_samples){.kind = all.kind};
  *(part == DG_PART_TRAIN ? a : b) = all;
  return true;
}

/* ---- names -------------------------------------------------------------- */

const char *dg_dataset_feature_name(const dg_dataset *data, uint32_t index, char *name,
                                    size_t size) {
  return data->columns ? dg_columns_feature(data->columns, index, name, size) : NULL;
}

const char *dg_dataset_target_name(const dg_dataset *data, uint32_t index) {
  return data->columns ? dg_columns_target(data->columns, index) : NULL;
}

/* ---- its classes -------------------------------------------------------- */

const dg_classes *dg_dataset_classes(const dg_dataset *data) {
  return &data->names;
}

bool dg_dataset_set_classes(dg_dataset *data, const dg_classes *classes, const char *where,
                            dg_error *err) {
  if (classes->count < data->classes)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s names %u classes, but the labels of %.400s go to %u: %u names, one a line, "
                   "the first for label 0",
                   where, classes->count, data->source, data->classes - 1, data->classes);
  data->names = *classes;
  return true;
}
