/**
 * Data sets: samples with a label or a target each, for training and for testing.
 */
#ifndef DG_DATASET_H
#define DG_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/mapping/mapping.h"
#include "core/base/size.h"
#include "digits/data.h"

/** What all samples of a set have in common. */
typedef struct {
  dg_shape
      shape; /**< {columns}, {steps, features}, or that of pictures: {channels, height, width} */
  dg_numbers_type type;
  uint32_t targets; /**< numbers in the target of a sample; 0: it has a label */
  dg_numbers_type targets_type;
  bool lengths; /**< samples are sequences, each with a length of its own */
} dg_sample_kind;

/** Samples; the arrays are owned, unless they are borrowed. */
typedef struct {
  uint32_t count;
  bool borrowed; /**< they are the caller's, who does not change or free them meanwhile */
  dg_sample_kind kind;
  uint8_t *inputs;  /**< [count, shape], of its type */
  uint8_t *labels;  /**< [count]; NULL with targets */
  uint8_t *targets; /**< [count, targets], of their type; NULL with labels */
  /** [count], steps of the samples: 1 to shape.dim[0]. Beyond, a sample's numbers are 0, or not
      looked at if they are borrowed. NULL: all are whole. */
  uint32_t *lengths;
  /** Of the inputs, and of labels or targets, where they are not in malloc's memory. Inputs and
      targets of a file are only to be read. */
  dg_mapping inputs_mapping, targets_mapping;
} dg_samples;

/** The kind of labelled pictures of one channel. */
static inline dg_sample_kind dg_gray_kind(uint32_t height, uint32_t width) {
  return (dg_sample_kind){.shape = {3, {1, height, width}}};
}

static inline size_t dg_numbers_size(dg_numbers_type type) {
  return type == DG_NUMBERS_FLOATS ? sizeof(float) : 1;
}

/** Bytes of a sample's input, or SIZE_MAX if they are too many. */
size_t dg_input_bytes(const dg_sample_kind *kind);

/** Bytes of a sample's label or target. */
size_t dg_target_bytes(const dg_sample_kind *kind);

bool dg_kind_equal(const dg_sample_kind *a, const dg_sample_kind *b);

/** Text for messages: "28x28", "[3, 32, 32]", "12 columns". Returns `text`. */
char *dg_kind_text(const dg_sample_kind *kind, char *text, size_t capacity);

struct dg_dataset {
  char source[512];     /**< for messages: a path, or "built-in digits" */
  uint32_t classes;     /**< largest label of either part + 1 */
  dg_classes names;     /**< of the classes */
  const char *held_out; /**< see dg_dataset_held_out */
  dg_samples train, test;
  dg_columns *columns; /**< of a table of numbers; else NULL */
};

/** Can samples of a kind have lengths: is their first dimension one of steps? */
static inline bool dg_kind_has_steps(const dg_sample_kind *kind) {
  return kind->shape.rank == 1 || kind->shape.rank == 2;
}

/** Checks the lengths of a part, and writes 0 beyond them unless they are borrowed or those of a
    mapped file, where it is there; a wrong one is an error that shows `where` they are from. */
bool dg_samples_check_lengths(dg_samples *samples, const char *where, dg_error *err);

/** Makes an empty set with that source, or returns NULL. */
dg_dataset *dg_dataset_new(const char *source, dg_error *err);

/** Counts the classes after the labels were read. */
void dg_dataset_count_classes(dg_dataset *set);

/** How many of `count` samples are held out for testing: a tenth; of two to nine, one. */
uint32_t dg_dataset_held_out_of(uint32_t count);

/** Moves the last tenth of the training samples to the test part. */
bool dg_dataset_hold_out(dg_dataset *set, dg_error *err);

/** Allocates `count` samples if there is memory for them; on failure there are none. */
bool dg_samples_new(dg_samples *samples, uint32_t count, const dg_sample_kind *kind, dg_error *err);

/** The same for what is read from `path`, with dg_dataset_options.in_memory. */
bool dg_samples_new_of(dg_samples *samples, uint32_t count, const dg_sample_kind *kind,
                       uint64_t in_memory, const char *path, dg_error *err);

/** Copies `count` samples of the same kind, from number `begin` of one to number `at` of another.
 */
void dg_samples_copy(dg_samples *to, uint32_t at, const dg_samples *from, uint32_t begin,
                     uint32_t count);

/** Frees the samples, not the struct. */
void dg_samples_free(dg_samples *samples);

#endif
