/** The numbers of tensors in a file of torch.save, which has them in pieces called storages. */
#ifndef DG_STORAGES_H
#define DG_STORAGES_H

#include <stddef.h>
#include <stdint.h>

#include "core/formats/archive.h"

/** A storage in a file that is in memory. */
typedef struct {
  const char *key; /**< not NUL-terminated */
  size_t length;
  const unsigned char *bytes;
  size_t size;
} dg_storage_range;

/** All storages of a file: entries of a zip file, or, if `archive` is NULL, ranges in memory. */
typedef struct {
  dg_archive *archive;
  const char *prefix; /**< of the entries' names: "archive/" */
  size_t prefix_length;
  uint64_t entry;      /**< the one whose bytes are in `held` */
  unsigned char *held; /**< owned */
  size_t held_size;
  dg_storage_range *ranges; /**< owned; sorted by dg_storages_compare */
  size_t range_count;
} dg_storages;

/** Finds the entry PREFIX FOLDER NAME, whose name has `length` bytes. */
bool dg_storages_entry(const dg_storages *storages, const char *folder, const char *name,
                       size_t length, uint64_t *entry);

/**
 * The bytes of a storage, valid until the next call. `*found` is false if there is none of that
 * key; false is returned if it can't be read.
 */
bool dg_storages_read(dg_storages *storages, const char *key, size_t length,
                      const unsigned char **bytes, size_t *size, bool *found, dg_error *err);

/** A range of that key, of those in memory; NULL: there is none. */
dg_storage_range *dg_storages_range(const dg_storages *storages, const char *key, size_t length);

/** The order of ranges by their keys, for qsort. */
int dg_storages_compare(const void *a, const void *b);

void dg_storages_free(dg_storages *storages);

#endif
