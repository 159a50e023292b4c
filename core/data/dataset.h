/**
 * Data sets: images as bytes with a label each, for training and for testing.
 */
#ifndef DG_DATASET_H
#define DG_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/data/files.h"
#include "core/digits.h"

/** `count` samples; images [count, height, width], labels [count]. */
typedef struct {
  uint32_t count, height, width;
  uint8_t *images, *labels;
} dg_samples;

struct dg_dataset {
  char source[512];     /**< what the programs print: a path, or "built-in digits" */
  uint32_t classes;     /**< largest label of either part + 1 */
  dg_classes names;     /**< of the classes */
  const char *held_out; /**< see dg_data_held_out */
  dg_samples train, test;
};

/** An empty set of that source, or NULL. */
dg_dataset *dg_dataset_new(const char *source, dg_error *err);

/** Counts the classes after the labels were read. */
void dg_dataset_count_classes(dg_dataset *set);

/** Frees the samples, not the struct. */
void dg_samples_free(dg_samples *samples);

/** Seed of the built-in set unless a caller wants another. */
enum { DG_DIGITS_SEED = 1 };

/** Does a folder hold one of the IDX files of a set? */
bool dg_dataset_is_idx(const char *folder);

/** dg_data_files of a folder of IDX files. */
bool dg_dataset_files(const char *folder, dg_data_file *file, void *user, dg_error *err);

/**
 * Reads the four IDX files with MNIST's names (train-images-idx3-ubyte, …, with or without .gz;
 * "." for the dash before "idx" is accepted too) from a folder, and the names of the classes from
 * its classes.txt where it has one.
 * Errors name the file, what is wrong with it and the remedy. The caller frees the result.
 */
dg_dataset *dg_dataset_read(const char *folder, dg_error *err);

/**
 * Writes a set into a folder, which is made where there is none, as four IDX files with MNIST's
 * names, gzipped or not, and classes.txt where the classes have names. A folder that holds such a
 * file already is an error: no set is overwritten. On failure no file is left behind.
 */
bool dg_dataset_write(const dg_dataset *set, const char *folder, bool gzip, dg_error *err);

/**
 * Draws the built-in digits, `train` + `test` images of 28x28 from a seed, on `threads` threads
 * (0: all cores). The same seed gives the same bytes for any number of threads, and the first
 * images of a larger set are those of a smaller one.
 */
dg_dataset *dg_dataset_builtin(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                               dg_error *err);

void dg_dataset_free(dg_dataset *set); /**< NULL is allowed */

#endif
