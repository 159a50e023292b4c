/** Texts in attributes of HDF5 files. */
#ifndef DG_HDF5_TEXT_H
#define DG_HDF5_TEXT_H

#define H5_USE_110_API /* in newer libraries too */
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

enum { DG_HDF5_NAMES = 4096, DG_HDF5_PATH = 512 };

/** Texts of an attribute. */
typedef struct {
  size_t count;
  char *text; /**< `count` of them, DG_HDF5_PATH bytes each, NUL-terminated; of the caller */
} dg_hdf5_names;

static inline const char *dg_hdf5_name(const dg_hdf5_names *names, size_t i) {
  return names->text + i * DG_HDF5_PATH;
}

/**
 * Reads a list of names, also one that Keras spread over the attributes NAME0, NAME1, … because it
 * is long; a missing one is empty. False: it can't be read.
 */
bool dg_hdf5_read_names(hid_t group, const char *list, dg_hdf5_names *names);

/**
 * Reads a text of at most `most` bytes into new memory; NULL: there is none. False: it can't be
 * read, or is longer.
 */
bool dg_hdf5_read_text(hid_t group, const char *name, size_t most, char **text);

#endif
