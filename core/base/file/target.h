/** Resolves the path of a file that is to be written. */
#ifndef DG_TARGET_H
#define DG_TARGET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/error.h"

/**
 * The real path of a file, in new memory, which the caller frees. Links are followed, even if their
 * target does not exist yet. NULL: an error. It is an error if a link in a sticky folder that all
 * may write to belongs to neither this user nor the folder's owner.
 */
char *dg_file_target(const char *path, dg_error *err);

/** The folder of a path, in new memory. NULL: out of memory. */
char *dg_folder_of(const char *path);

/** The part of a path after the last slash. */
const char *dg_last_name(const char *path);

/** Is it a sticky folder that all may write to, such as /tmp? */
bool dg_is_shared(const struct stat *folder);

#endif
