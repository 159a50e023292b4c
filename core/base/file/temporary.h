/**
 * Files that stand beside another one while that is written. Their names end in 16 random digits
 * and what they are: no two are the same, and none is ever taken from somebody else. Who writes one
 * holds a lock on it, so that one whose writer is gone can be told from one in use.
 */
#ifndef DG_TEMPORARY_H
#define DG_TEMPORARY_H

#include <stdint.h>

/** What names of files end in that are on their way; those whose writer is gone are removed. */
#define DG_TEMPORARY_END ".tmp"
/** What names of copies end in that are kept while the file itself is written in place. */
#define DG_COPY_END ".old"

/**
 * Makes a file beside `stem`, open for reading and writing; its name, in new memory, goes to
 * `name`. Returns its descriptor, or -1 with the reason in errno.
 */
int dg_temporary_new(const char *stem, const char *end, char **name);

/** A file without a name, in the folder of `stem`; -1 where the system has no such thing. */
int dg_temporary_nameless(const char *stem);

/** Gives a nameless file a name beside `stem`. Returns 0 or an errno. */
int dg_temporary_link(int descriptor, const char *stem, char **name);

/** Removes the files that an earlier writer of `stem` of this user left when it was killed. */
void dg_temporary_sweep(const char *stem);

/** Is it the name of a temporary file beside one of that name? */
int dg_temporary_is(const char *name, const char *of);

/** Brings the names in the folder of a path to the disk, where the file system can. */
void dg_sync_folder(const char *path);

#endif
