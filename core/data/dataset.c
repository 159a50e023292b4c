#include "core/data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/limits/memory.h"
#include "core/base/size.h"
#include "core/base/text.h"

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
    for (uint32_t i = 0; i < parts[p]->count; i++)
      if (parts[p]->labels[i] >= set->classes) set->classes = parts[p]->labels[i] + 1u;
}

bool dg_samples_new(dg_samples *samples, uint32_t count, uint32_t height, uint32_t width,
                    dg_error *err) {
  const uint64_t pixels = dg_size_times((uint64_t)height * width, count);
  const uint64_t bytes = dg_size_plus(pixels, count);
  char what[64];
  *samples = (dg_samples){.height = height, .width = width};
  snprintf(what, sizeof what, "a set of %u images of %ux%u", count, height, width);
  if (!dg_memory_check(bytes, what, err)) return false;
  if (bytes <= SIZE_MAX) {
    samples->images = malloc((size_t)pixels);
    samples->labels = malloc(count);
  }
  if (samples->images && samples->labels) return samples->count = count, true;
  dg_samples_free(samples);
  return dg_fail_memory(err, bytes);
}

void dg_samples_free(dg_samples *samples) {
  free(samples->images);
  free(samples->labels);
  *samples = (dg_samples){0};
}

void dg_dataset_close(dg_dataset *set) {
  if (!set) return;
  dg_samples_free(&set->train);
  dg_samples_free(&set->test);
  free(set);
}

/* ---- its parts ---------------------------------------------------------- */

dg_part_view dg_dataset_part(const dg_dataset *data, dg_part part) {
  const dg_samples *s = part == DG_PART_TRAIN ? &data->train : &data->test;
  return (dg_part_view){s->count, s->height, s->width, s->images, s->labels};
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
  size_t pixels = (size_t)a->height * a->width, count = (size_t)a->count + b->count;
  if (!data->held_out) return true;
  dg_samples all;
  if (!dg_samples_new(&all, (uint32_t)count, a->height, a->width, err)) return false;
  memcpy(all.images, a->images, a->count * pixels);
  memcpy(all.labels, a->labels, a->count);
  if (b->count) {
    memcpy(all.images + a->count * pixels, b->images, b->count * pixels);
    memcpy(all.labels + a->count, b->labels, b->count);
  }
  dg_samples_free(a);
  dg_samples_free(b);
  *a = *b = (dg_samples){.height = all.height, .width = all.width};
  *(part == DG_PART_TRAIN ? a : b) = all;
  data->held_out = NULL;
  return true;
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
