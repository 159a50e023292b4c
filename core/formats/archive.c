#include "core/formats/archive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "core/base/file/file.h"
#include "core/base/limits/memory.h"
#include "core/base/size.h"

/* Limit on all unpacked bytes of one file: more than the largest weights, less than the memory of a
   machine. It is lower for a small file, as in dg_arrays_bound with numbers of eight bytes. What is
   not packed may be as large as the file. */
static const uint64_t MAX_BYTES = (uint64_t)3 << 30;
enum { FEW_BYTES = 1 << 26, UNPACKED_A_BYTE = 256 };
/* Deflate packs at most 1032 bytes into one. */
enum { MAX_INFLATION = 1032 };
enum { MAX_ENTRIES = 1 << 14, MAX_COMMENT = UINT16_MAX };

struct dg_archive {
  zip_t *zip;
  char *path;
  uint64_t size, left; /**< bytes of the file; bytes that may still be unpacked */
};

/* ---- reading ------------------------------------------------------------ */

/** Reads the last bytes of a file, at most `capacity`; returns how many, or -1. */
static ssize_t read_tail(int descriptor, uint64_t size, char *bytes, size_t capacity) {
  uint64_t begin = size > capacity ? size - capacity : 0;
  size_t done = 0, wanted = (size_t)(size - begin);
  while (done < wanted) {
    ssize_t got = pread(descriptor, bytes + done, wanted - done, (off_t)(begin + done));
    if (got <= 0) return -1;
    done += (size_t)got;
  }
  return (ssize_t)done;
}

/**
 * Checks that only a few places look like the end of the central directory. libzip tries each of
 * them and reads the whole directory for it, so a file full of them takes minutes.
 */
static bool ends_once(int descriptor, uint64_t size, dg_error *err, const char *path) {
  enum { END = 22, MAX_ENDS = 8 };
  static const char mark[] = "PK\5\6";
  size_t capacity = END + MAX_COMMENT, mark_length = sizeof mark - 1;
  char *tail = malloc(capacity);
  if (!tail) return dg_fail_memory(err, capacity);
  ssize_t length = read_tail(descriptor, size, tail, capacity);
  int ends = 0;
  for (ssize_t i = 0; i + (ssize_t)mark_length <= length; i++)
    ends += memcmp(tail + i, mark, mark_length) == 0;
  free(tail);
  if (length < 0) return dg_fail(err, DG_ERR_INPUT, "%s: can't be read", path);
  return ends <= MAX_ENDS ||
         dg_fail(err, DG_ERR_INPUT, "%s: no sound zip file: it ends %d times", path, ends);
}

static zip_t *open_zip(const char *path, uint64_t *size, dg_error *err) {
  int descriptor = dg_file_open(path, size, err), reason = 0;
  if (descriptor < 0) return NULL;
  if (!ends_once(descriptor, *size, err, path)) return close(descriptor), NULL;
  zip_t *zip = zip_fdopen(descriptor, 0, &reason); /* it closes the descriptor */
  if (zip) return zip;
  close(descriptor);
  zip_error_t error;
  zip_error_init_with_code(&error, reason);
  dg_fail(err, DG_ERR_INPUT, "%s: no sound zip file: %s", path, zip_error_strerror(&error));
  zip_error_fini(&error);
  return NULL;
}

/** Limit on unpacked bytes for a file of so many bytes. */
static uint64_t bytes_of(uint64_t size) {
  uint64_t most = size < MAX_BYTES / UNPACKED_A_BYTE ? size * UNPACKED_A_BYTE : MAX_BYTES;
  if (most < FEW_BYTES) most = FEW_BYTES;
  return most > size ? most : size;
}

dg_archive *dg_archive_open(const char *path, dg_error *err) {
  dg_archive *archive = calloc(1, sizeof *archive);
  if (!archive) return dg_fail_memory(err, sizeof *archive), NULL;
  archive->path = strdup(path);
  if (!archive->path)
    dg_fail_memory(err, strlen(path) + 1);
  else
    archive->zip = open_zip(path, &archive->size, err);
  archive->left = bytes_of(archive->size);
  if (archive->zip && zip_get_num_entries(archive->zip, 0) <= MAX_ENTRIES) return archive;
  if (archive->zip)
    dg_fail(err, DG_ERR_INPUT, "%s: more than %d entries are in the zip file", path, MAX_ENTRIES);
  dg_archive_close(archive);
  return NULL;
}

void dg_archive_close(dg_archive *archive) {
  if (!archive) return;
  if (archive->zip) zip_discard(archive->zip);
  free(archive->path);
  free(archive);
}

uint64_t dg_archive_size(const dg_archive *archive) {
  return archive->size;
}

uint64_t dg_archive_count(const dg_archive *archive) {
  zip_int64_t count = zip_get_num_entries(archive->zip, 0);
  return count > 0 ? (uint64_t)count : 0;
}

uint64_t dg_archive_entry_size(const dg_archive *archive, uint64_t entry) {
  zip_stat_t stat;
  bool known = zip_stat_index(archive->zip, entry, 0, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE);
  return known ? stat.size : 0;
}

const char *dg_archive_name(const dg_archive *archive, uint64_t entry) {
  return zip_get_name(archive->zip, entry, ZIP_FL_ENC_RAW);
}

const char *dg_archive_comment(const dg_archive *archive, size_t *length) {
  int size = 0;
  const char *comment = zip_get_archive_comment(archive->zip, &size, ZIP_FL_ENC_RAW);
  *length = size > 0 ? (size_t)size : 0;
  return comment;
}

/** Unpacks exactly `size` bytes, and reads to the end after them, where libzip checks the CRC. */
static bool unpack(zip_file_t *file, unsigned char *bytes, uint64_t size) {
  for (uint64_t done = 0; done < size;) {
    zip_int64_t got = zip_fread(file, bytes + done, size - done);
    if (got <= 0) return false;
    done += (uint64_t)got;
  }
  unsigned char beyond;
  return zip_fread(file, &beyond, 1) == 0;
}

/** Finds an entry and its size. */
static bool find_size(const dg_archive *archive, uint64_t entry, uint64_t *size, dg_error *err) {
  zip_stat_t stat;
  if (zip_stat_index(archive->zip, entry, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE) ||
      !dg_archive_name(archive, entry))
    return dg_fail(err, DG_ERR_INPUT, "%s: entry %llu of the zip file can't be read", archive->path,
                   (unsigned long long)entry);
  *size = stat.size;
  return true;
}

/** Is an entry of `size` bytes one of at most `most`, and not packed more than is possible? */
static bool check_most(const dg_archive *archive, uint64_t entry, uint64_t size, uint64_t most,
                       dg_error *err) {
  return (size <= most && size / MAX_INFLATION <= archive->size) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: \"%.100s\" unpacks to %llu bytes, more than a file of %llu may here",
                 archive->path, dg_archive_name(archive, entry), (unsigned long long)size,
                 (unsigned long long)archive->size);
}

bool dg_archive_check(const dg_archive *archive, uint64_t entry, uint64_t *size, dg_error *err) {
  const uint64_t most = dg_size_times(archive->size, UNPACKED_A_BYTE);
  return find_size(archive, entry, size, err) &&
         check_most(archive, entry, *size, most > FEW_BYTES ? most : FEW_BYTES, err);
}

bool dg_archive_unpack(dg_archive *archive, uint64_t entry, unsigned char *bytes, uint64_t size,
                       dg_error *err) {
  zip_file_t *file = zip_fopen_index(archive->zip, entry, 0);
  bool ok = file && unpack(file, bytes, size);
  if (file && zip_fclose(file) != 0) ok = false;
  return ok || dg_fail(err, DG_ERR_INPUT, "%s: \"%.100s\" in the zip file is damaged or cut",
                       archive->path, dg_archive_name(archive, entry));
}

unsigned char *dg_archive_read(dg_archive *archive, uint64_t entry, uint64_t most, size_t *size,
                               dg_error *err) {
  uint64_t bytes = 0;
  if (!find_size(archive, entry, &bytes, err) ||
      !check_most(archive, entry, bytes, most < archive->left ? most : archive->left, err) ||
      !dg_memory_check(bytes, archive->path, err))
    return NULL;
  archive->left -= bytes;
  unsigned char *room = malloc(bytes + 1);
  if (!room) return dg_fail_memory(err, bytes + 1), NULL;
  *size = bytes;
  if (dg_archive_unpack(archive, entry, room, bytes, err)) return room;
  free(room);
  return NULL;
}

/* ---- writing ------------------------------------------------------------ */

/** Adds one entry; the date is always the same. */
static bool add(zip_t *zip, const dg_archive_entry *entry) {
  zip_source_t *source = zip_source_buffer(zip, entry->bytes, entry->size, 0);
  zip_int64_t index =
      source ? zip_file_add(zip, entry->name, source, ZIP_FL_ENC_UTF_8) : (zip_int64_t)-1;
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  return zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
         zip_file_set_dostime(zip, (zip_uint64_t)index, 0, 1 << 5 | 1, 0) == 0;
}

/** Packs all entries into `to`. */
static bool pack(zip_source_t *to, const dg_archive_entry *entries, size_t count,
                 const char *comment) {
  zip_t *zip = zip_open_from_source(to, ZIP_TRUNCATE, NULL);
  if (!zip) return false;
  zip_source_keep(to); /* zip_close drops one reference */
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) ok = add(zip, &entries[i]);
  size_t length = comment ? strlen(comment) : 0;
  if (ok && length > 0 && length <= MAX_COMMENT)
    ok = zip_set_archive_comment(zip, comment, (zip_uint16_t)length) == 0;
  if (ok && zip_close(zip) == 0) return true;
  zip_discard(zip);
  return false;
}

/** The content of an archive to write. */
typedef struct {
  const dg_archive_entry *entries;
  size_t count;
} contents;

/** Does an archive hold this entry completely? libzip checks the CRC at the end. */
static bool holds(zip_t *zip, zip_uint64_t index, const dg_archive_entry *entry) {
  const char *name = zip_get_name(zip, index, ZIP_FL_ENC_RAW);
  unsigned char bytes[1 << 14];
  zip_file_t *file = name && strcmp(name, entry->name) == 0 ? zip_fopen_index(zip, index, 0) : NULL;
  zip_int64_t got = -1;
  size_t done = 0;
  while (file && (got = zip_fread(file, bytes, sizeof bytes)) > 0) {
    if ((size_t)got > entry->size - done ||
        memcmp(bytes, (const unsigned char *)entry->bytes + done, (size_t)got) != 0)
      break;
    done += (size_t)got;
  }
  if (file) zip_fclose(file);
  return got == 0 && done == entry->size;
}

/** Checks that the written file is the right archive. */
static const char *look(int descriptor, uint64_t size, const void *expected) {
  (void)size;
  const contents *c = expected;
  int own = dup(descriptor), reason;
  zip_t *zip = own < 0 ? NULL : zip_fdopen(own, ZIP_CHECKCONS, &reason);
  if (!zip && own >= 0) close(own);
  bool same = zip && zip_get_num_entries(zip, 0) == (zip_int64_t)c->count;
  for (size_t i = 0; same && i < c->count; i++) same = holds(zip, i, &c->entries[i]);
  if (zip) zip_discard(zip);
  return same ? NULL : "the zip file, read back, is not what was to be written; memory ran out?";
}

/** Copies the packed archive to a file; false if reading or writing failed. */
static bool copy(zip_source_t *from, const char *path, const contents *c, dg_error *err) {
  dg_new_file file;
  unsigned char bytes[1 << 14];
  if (zip_source_open(from) != 0) return dg_fail_memory(err, sizeof bytes);
  bool ok = dg_file_begin(&file, path, err);
  if (ok) {
    zip_int64_t got;
    while ((got = zip_source_read(from, bytes, sizeof bytes)) > 0)
      dg_file_write(&file, bytes, (size_t)got);
    if (got < 0) dg_file_abandon(&file);
    ok = got == 0 ? dg_file_commit_seen(&file, look, c, err) : dg_fail_memory(err, sizeof bytes);
  }
  zip_source_close(from);
  return ok;
}

bool dg_archive_write(const char *path, const dg_archive_entry *entries, size_t count,
                      const char *comment, dg_error *err) {
  const contents c = {entries, count};
  zip_error_t reason;
  zip_error_init(&reason);
  zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &reason);
  bool ok = memory && pack(memory, entries, count, comment);
  if (!ok)
    dg_fail(err, DG_ERR_RUNTIME, "%s can't be written: the zip file could not be made", path);
  ok = ok && copy(memory, path, &c, err);
  zip_source_free(memory);
  zip_error_fini(&reason);
  return ok;
}
