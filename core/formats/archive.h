/** Zip files, by libzip, with limits against hostile files. */
#ifndef DG_ARCHIVE_H
#define DG_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

typedef struct dg_archive dg_archive;

/** Opens a zip file for reading. */
dg_archive *dg_archive_open(const char *path, dg_error *err);
void dg_archive_close(dg_archive *archive); /**< NULL is allowed */

/** Bytes of the file. */
uint64_t dg_archive_size(const dg_archive *archive);
/** Number of entries. */
uint64_t dg_archive_count(const dg_archive *archive);
/** Bytes that an entry unpacks to; 0: it does not say. */
uint64_t dg_archive_entry_size(const dg_archive *archive, uint64_t entry);
/** The name of an entry; belongs to the archive. NULL: it has no readable name. */
const char *dg_archive_name(const dg_archive *archive, uint64_t entry);
/** The comment of the file, or NULL; belongs to the archive, not NUL-terminated. */
const char *dg_archive_comment(const dg_archive *archive, size_t *length);

/**
 * Unpacks an entry of at most `most` bytes into new memory, which the caller frees. The total of
 * all entries that are read is limited too, by the size of the file.
 */
unsigned char *dg_archive_read(dg_archive *archive, uint64_t entry, uint64_t most, size_t *size,
                               dg_error *err);

/** The bytes that an entry unpacks to, if a file of this size may hold so many; they need not fit
    the memory. */
bool dg_archive_check(const dg_archive *archive, uint64_t entry, uint64_t *size, dg_error *err);

/** Unpacks an entry, whose size dg_archive_check told, to memory of the caller. */
bool dg_archive_unpack(dg_archive *archive, uint64_t entry, unsigned char *bytes, uint64_t size,
                       dg_error *err);

/** An entry to write. */
typedef struct {
  const char *name;
  const void *bytes;
  size_t size;
} dg_archive_entry;

/** Writes a zip file of uncompressed entries; `comment` may be NULL. */
bool dg_archive_write(const char *path, const dg_archive_entry *entries, size_t count,
                      const char *comment, dg_error *err);

#endif
