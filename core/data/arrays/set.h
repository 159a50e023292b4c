/** Sets of arrays: which arrays of a file or folder are what. */
#ifndef DG_ARRAYS_SET_H
#define DG_ARRAYS_SET_H

#include "core/data/arrays/numbers.h"

enum {
  DG_SET_ARRAYS = 4,             /**< inputs and targets of both parts */
  DG_ARRAYS = DG_SET_ARRAYS + 2, /**< then their lengths */
  DG_ARRAY_NAME = 100
};

/** Names of the training inputs and targets, of those to test, and of the lengths of both; empty
    where there are none. */
typedef struct {
  char name[DG_ARRAYS][DG_ARRAY_NAME];
} dg_array_names;

/** Is there an array of that name? */
typedef bool dg_has_array(const void *user, const char *name);

/**
 * Finds out which arrays make the set: those that options name, or else the first known names that
 * are there. `path` is for messages.
 */
bool dg_arrays_find(dg_array_names *names, const dg_dataset_options *options, dg_has_array *has,
                    const void *user, const char *path, dg_error *err);

/** The known names to which an array belongs as the training inputs; false: none. */
bool dg_arrays_known(dg_array_names *names, const char *inputs);

/**
 * Fills a set with arrays by the order of their names; those to test without bytes: the last tenth
 * is held out. The arrays are empty then, or partly so on failure.
 */
bool dg_arrays_take(dg_dataset *set, dg_numbers arrays[DG_ARRAYS],
                    const dg_dataset_options *options, dg_error *err);

#endif
