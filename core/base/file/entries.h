/** The entries of a folder, sorted by name. */
#ifndef DG_ENTRIES_H
#define DG_ENTRIES_H

#include <stddef.h>

#include "core/base/error.h"

typedef struct {
  char **name; /**< [count] */
  size_t count, capacity;
} dg_entries;

/**
 * Lists the folders in a folder, or the files with one of the extensions (".png", …, ended by NULL;
 * case is ignored). Names that begin with a dot are skipped. Free with dg_entries_free, also on
 * failure.
 */
bool dg_list_folders(dg_entries *entries, const char *folder, dg_error *err);
bool dg_list_files(dg_entries *entries, const char *folder, const char *const *extensions,
                   dg_error *err);

/** The index of a name; `count` if it is not there. */
size_t dg_entries_find(const dg_entries *entries, const char *name);

void dg_entries_free(dg_entries *entries);

/** `folder`/`name` in new memory. */
char *dg_path_join(const char *folder, const char *name, dg_error *err);

#endif
