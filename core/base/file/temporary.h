/**
 * Temporary files beside a file that is being written. Their names end in 16 random digits and a
 * suffix, so no two are the same and no existing file is taken. The writer holds a lock on its
 * file, so that a leftover file can be told from one in use.
 */
#ifndef DG_TEMPORARY_H
#define DG_TEMPORARY_H

#include <stdint.h>

/** Suffix of files that are being written; leftover ones are removed. */
#define DG_TEMPORARY_END ".tmp"
/** Suffix of copies that are kept while the file itself is written in place. */
#define DG_COPY_END ".old"

/**
 * Makes a file beside `stem`, open for reading and writing; its name, in new memory, goes to
 * `name`. Returns its descriptor, or -1 with the reason in errno.
 */
int dg_temporary_new(const char *stem, const char *end, char **name);

/** Makes a file without a name in the folder of `stem`; -1 if the system does not support that. */
int dg_temporary_nameless(const char *stem);

/** Gives a nameless file a name beside `stem`. Returns 0 or an errno. */
int dg_temporary_link(int descriptor, const char *stem, char **name);

/** Removes the files of this user that an earlier, killed writer of `stem` left. */
void dg_temporary_sweep(const char *stem);

/** Is it the name of a temporary file beside one of that name? */
int dg_temporary_is(const char *name, const char *of);

/** Flushes the folder of a path to the disk if the file system can. */
void dg_sync_folder(const char *path);

#endif
