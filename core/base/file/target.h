/** Where the path of something to be written leads. */
#ifndef DG_TARGET_H
#define DG_TARGET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/error.h"

/**
 * Where a file of that path would lie in the end, in new memory, which the caller frees: links are
 * followed, also one whose end is not there yet. NULL: an error. A link that somebody else than
 * this user or the folder's owner put into a sticky folder where all may write is one.
 */
char *dg_file_target(const char *path, dg_error *err);

/** The folder of a path, in new memory. NULL: out of memory. */
char *dg_folder_of(const char *path);

/** What follows the last slash of a path. */
const char *dg_last_name(const char *path);

/** Is it a folder where all may write, but remove nothing of others (sticky, as /tmp)? */
bool dg_is_shared(const struct stat *folder);

#endif
