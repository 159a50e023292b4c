/** What a folder holds, in the order of the names. */
#ifndef DG_ENTRIES_H
#define DG_ENTRIES_H

#include <stddef.h>

#include "core/base/error.h"

typedef struct {
  char **name; /**< [count] */
  size_t count, capacity;
} dg_entries;

/**
 * Lists the folders in a folder, or the files with one of the extensions (".png", …, ended by
 * NULL), whatever their case; what begins with a dot is passed over. Free with dg_entries_free,
 * also on failure.
 */
bool dg_list_folders(dg_entries *entries, const char *folder, dg_error *err);
bool dg_list_files(dg_entries *entries, const char *folder, const char *const *extensions,
                   dg_error *err);

/** The index of a name; `count` where it is none of them. */
size_t dg_entries_find(const dg_entries *entries, const char *name);

void dg_entries_free(dg_entries *entries);

/** `folder`/`name` in new memory. */
char *dg_path_join(const char *folder, const char *name, dg_error *err);

#endif
