/** Arrays of numbers as files hold them, and what samples are made of them. */
#ifndef DG_DATA_NUMBERS_H
#define DG_DATA_NUMBERS_H

#include "core/data/dataset.h"
#include "core/formats/npy.h"

/** An array, the last dimension fastest. */
typedef struct {
  const char *path, *name; /**< for messages; of the caller. `name` is empty: the path says all */
  uint32_t rank;           /**< 1 to DG_NDARRAY_RANK */
  uint64_t dim[DG_NDARRAY_RANK];
  uint64_t count; /**< the product of all dim */
  uint64_t first; /**< number of the first one, for messages: these are a piece of an array */
  dg_element element;
  bool big_endian;
  bool truths;         /**< bytes that are true and false */
  bool channels_first; /**< that is known, and three dimensions are pictures */
  uint8_t *bytes;
  dg_mapping mapping; /**< of the bytes, if they are not in malloc's memory */
  bool read_only;     /**< the mapping is of a file of the set */
  uint64_t in_memory; /**< see dg_dataset_options */
} dg_numbers;

/** Takes what the header of a .npy file says, which `left` bytes follow. */
bool dg_numbers_describe(dg_numbers *numbers, const dg_npy *npy, uint64_t left, dg_error *err);

/**
 * Takes an array from the bytes of a .npy file, which it owns from now on, also on failure; if they
 * are mapped, `mapping` was set before. Fortran order becomes C order.
 */
bool dg_numbers_from_npy(dg_numbers *numbers, uint8_t *bytes, size_t size, dg_error *err);

/** Frees the bytes, not the struct. */
void dg_numbers_free(dg_numbers *numbers);

/** "set.npz: x_train" or "x_train.npy". Returns `text`. */
char *dg_numbers_where(const dg_numbers *numbers, char *text, size_t capacity);

/** Their shape with the count of samples: "[60000, 28, 28]". Returns `text`. */
char *dg_numbers_shape(const dg_numbers *numbers, char *text, size_t capacity);

/** Fails on number `i`, naming its place: "x_train[3, 0, 5] WHAT". */
bool dg_numbers_fail(const dg_numbers *numbers, uint64_t i, const char *what, dg_error *err);

/** New memory of so many bytes; NULL: more than there is. Give it to dg_numbers_replace, or free it
    with dg_unmap. */
uint8_t *dg_numbers_room(const dg_numbers *numbers, uint64_t bytes, dg_mapping *mapping,
                         dg_error *err);

/** Puts other bytes in place of the numbers', which may be written to. */
void dg_numbers_replace(dg_numbers *numbers, uint8_t *bytes, const dg_mapping *mapping);

/** Copies numbers that are only to be read. */
bool dg_numbers_own(dg_numbers *numbers, dg_error *err);

/** A number of any type; a double holds each that a float can. */
double dg_numbers_at(const dg_numbers *numbers, uint64_t i);

/** Checks that floats can hold all numbers; errors name places, so this goes before any turning. */
bool dg_numbers_check(const dg_numbers *numbers, dg_error *err);

/**
 * Makes floats of all numbers, in place if they are that already. One that is not finite, or a
 * whole number that a float can't hold, is an error. They are then of type float32.
 */
bool dg_numbers_to_floats(dg_numbers *numbers, dg_error *err);

/** The shape of a sample of [samples, …], as dg_numbers_to_inputs has it. */
bool dg_numbers_shape_of_sample(const dg_numbers *numbers, const dg_dataset_options *options,
                                dg_shape *shape, dg_error *err);

/** Are the channels of these inputs last? */
bool dg_numbers_are_last(const dg_numbers *numbers, const dg_dataset_options *options);

/**
 * Moves [samples, …] into the inputs of `samples`, whose count and kind it sets. Bytes stay bytes.
 * `options` say the shape of the model's input, which decides where channels are: they become the
 * first dimension of a sample.
 */
bool dg_numbers_to_inputs(dg_numbers *numbers, dg_samples *samples,
                          const dg_dataset_options *options, dg_error *err);

/**
 * Makes the lengths of `samples` of them: of sequences whose steps are the second dimension of
 * `inputs`, whose numbers beyond become 0. One that isn't a whole number from 1 to their steps is
 * an error.
 */
bool dg_numbers_to_lengths(dg_numbers *numbers, dg_numbers *inputs, dg_samples *samples,
                           dg_error *err);

/** Are they labels: one number a sample, of a type of whole numbers, or whole and up to 255? */
bool dg_numbers_are_labels(const dg_numbers *numbers);

/** Makes the labels of `samples` of them; each must be a whole number from 0 to 255. */
bool dg_numbers_to_labels(dg_numbers *numbers, dg_samples *samples, dg_error *err);

/** Brings the channels of [samples, height, width, channels] to the first dimension of a sample, of
    the shape that it then has. */
bool dg_numbers_channels_first(dg_numbers *numbers, const dg_shape *shape, dg_error *err);

/** Does so with targets that are pictures, if `options` (the shape of the model's output) or else
    the inputs of `samples` say that theirs are last. */
bool dg_numbers_turn_targets(dg_numbers *numbers, const dg_samples *samples, bool inputs_last,
                             const dg_dataset_options *options, dg_error *err);

/** Moves them into the targets of `samples`, as floats. */
bool dg_numbers_to_targets(dg_numbers *numbers, dg_samples *samples, dg_error *err);

#endif
