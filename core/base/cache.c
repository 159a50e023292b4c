#include "core/base/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/file/temporary.h"

enum { PATH_SIZE = 4096, HASH_LENGTH = 16, NAME_LENGTH = 7 + HASH_LENGTH };

static const char prefix[] = "digits-";

/** Header of a cache file. The key and the bytes follow, and nothing else. */
typedef struct {
  char magic[8];
  uint64_t key_length, size;
  uint64_t checksum; /**< of key and bytes */
} header;

static const char magic[8] = "dgcache1";

/* ---- the folder --------------------------------------------------------- */

bool dg_cache_folder(char *folder, size_t capacity) {
  const char *own = getenv("DIGITS_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = -1;
  if (own && *own)
    length = strcmp(own, "off") == 0 ? -1 : snprintf(folder, capacity, "%s", own);
  else if (xdg && *xdg == '/') /* the XDG Base Directory standard says to ignore a relative one */
    length = snprintf(folder, capacity, "%s/digits", xdg);
  else if (home && *home == '/')
    length = snprintf(folder, capacity, "%s/.cache/digits", home);
  return length >= 0 && (size_t)length < capacity;
}

/** Makes a folder and its missing parents, accessible to the owner alone. */
static bool make_folder(char *path) {
  for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made) return false;
  }
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool is_private(const char *folder) {
  struct stat status;
  return stat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool dg_cache_check(dg_error *err) {
  static const char remedy[] = "set DIGITS_CACHE to a folder that can be written, or to off";
  const char *own = getenv("DIGITS_CACHE");
  char folder[PATH_SIZE];
  if (own && strcmp(own, "off") == 0) return true;
  if (!dg_cache_folder(folder, sizeof folder))
    return dg_fail(err, DG_ERR_RUNTIME, "HOME names no folder; %s", remedy);
  if (!make_folder(folder) || access(folder, W_OK | X_OK) != 0)
    return dg_fail(err, DG_ERR_RUNTIME, "%s: %s; %s", folder, strerror(errno), remedy);
  return is_private(folder) ||
         dg_fail(err, DG_ERR_RUNTIME, "%s: it is no folder that only its owner may write to; %s",
                 folder, remedy);
}

/* ---- scratch files ------------------------------------------------------- */

/** A file without a name in a folder, or -1. */
static int scratch_in(const char *folder) {
  char path[PATH_SIZE];
#ifdef O_TMPFILE
  int nameless = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (nameless >= 0) return nameless;
#endif
  if (snprintf(path, sizeof path, "%s/%sscratch-XXXXXX", folder, prefix) >= PATH_SIZE) return -1;
  int descriptor = mkstemp(path);
  if (descriptor >= 0) unlink(path);
  return descriptor;
}

int dg_cache_scratch(uint64_t bytes, const char *path, dg_error *err) {
  char folder[PATH_SIZE];
  int descriptor = -1;
  if (dg_cache_folder(folder, sizeof folder) && make_folder(folder) && is_private(folder))
    descriptor = scratch_in(folder);
  if (descriptor < 0) {
    snprintf(folder, sizeof folder, "/var/tmp");
    descriptor = scratch_in(folder);
  }
  int reason = descriptor < 0       ? errno
               : bytes <= INT64_MAX ? posix_fallocate(descriptor, 0, (off_t)bytes)
                                    : EFBIG;
  if (reason == 0) return descriptor;
  if (descriptor >= 0) close(descriptor);
  dg_fail(err, DG_ERR_RUNTIME,
          "%s: it takes %llu MB when it is unpacked, for which %s has no room (%s); DIGITS_CACHE "
          "names another folder",
          path, (unsigned long long)(bytes >> 20) + 1, folder, strerror(reason));
  return -1;
}

/* ---- files -------------------------------------------------------------- */

/** FNV-1a over `size` bytes, starting from `hash` (Fowler, Noll, Vo; 64 bits). */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * 0x100000001b3u;
  return hash;
}

static const uint64_t hash_start = 0xcbf29ce484222325u;

/** The file of a key. Keys with the same hash share it; it holds the last one that was put. */
static bool file_path(const char *folder, const char *key, char path[PATH_SIZE]) {
  uint64_t hash = hash_bytes(hash_start, key, strlen(key));
  int length = snprintf(path, PATH_SIZE, "%s/%s%016llx", folder, prefix, (unsigned long long)hash);
  return length < PATH_SIZE;
}

static header header_of(const char *key, const void *bytes, size_t size) {
  header h = {.key_length = strlen(key), .size = size};
  memcpy(h.magic, magic, sizeof magic);
  h.checksum = hash_bytes(hash_bytes(hash_start, key, h.key_length), bytes, size);
  return h;
}

/** Where the bytes of `key` start in a file's content; NULL: the file is not of this key. */
static const char *find_bytes(const char *content, size_t length, const char *key) {
  const size_t start = sizeof(header) + strlen(key);
  if (length < start) return NULL;
  header expected = header_of(key, content + start, length - start);
  bool ok = memcmp(content, &expected, sizeof expected) == 0 &&
            memcmp(content + sizeof expected, key, expected.key_length) == 0;
  return ok ? content + start : NULL;
}

void *dg_cache_get(const char *key, size_t *size) {
  char folder[PATH_SIZE], path[PATH_SIZE];
  if (!dg_cache_folder(folder, sizeof folder) || !is_private(folder) ||
      !file_path(folder, key, path))
    return NULL;
  size_t length;
  char *content = dg_file_read(path, DG_CACHE_BYTES, &length, NULL);
  const char *bytes = content ? find_bytes(content, length, key) : NULL;
  if (!bytes) {
    free(content);
    return NULL;
  }
  utimensat(AT_FDCWD, path, NULL, 0); /* mark as used now, see evict */
  *size = length - (size_t)(bytes - content);
  return memmove(content, bytes, *size);
}

/* ---- size limit --------------------------------------------------------- */

typedef struct {
  char name[64];
  off_t size;
  struct timespec used;
} entry;

/** Is it the name of a result, or of a temporary file of one? */
static bool is_entry(const char *name) {
  if (strncmp(name, prefix, sizeof prefix - 1) != 0 ||
      strspn(name + sizeof prefix - 1, "0123456789abcdef") != HASH_LENGTH)
    return false;
  char result[NAME_LENGTH + 1];
  memcpy(result, name, NAME_LENGTH);
  result[NAME_LENGTH] = '\0';
  return strcmp(name, result) == 0 || dg_temporary_is(name, result);
}

/** Reads size and time of a file that this cache wrote; false: the cache did not write it. */
static bool read_entry(const char *folder, const char *name, entry *e) {
  char path[PATH_SIZE];
  struct stat status;
  const size_t length = strlen(name);
  if (!is_entry(name) || length >= sizeof e->name ||
      snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_SIZE ||
      lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  *e = (entry){.size = status.st_size, .used = status.st_mtim};
  memcpy(e->name, name, length + 1);
  return true;
}

static bool is_older(const entry *a, const entry *b) {
  if (a->used.tv_sec != b->used.tv_sec) return a->used.tv_sec < b->used.tv_sec;
  return a->used.tv_nsec < b->used.tv_nsec;
}

/** Bytes of all files in the folder, and the least recently used one (an empty name: none). */
static uint64_t measure(const char *folder, entry *oldest) {
  uint64_t total = 0;
  oldest->name[0] = '\0';
  DIR *files = opendir(folder);
  if (!files) return 0;
  for (struct dirent *file; (file = readdir(files));) {
    entry e;
    if (!read_entry(folder, file->d_name, &e)) continue;
    total += (uint64_t)e.size;
    if (!oldest->name[0] || is_older(&e, oldest)) *oldest = e;
  }
  closedir(files);
  return total;
}

/** Removes the least recently used files until `size` more bytes fit. */
static void evict(const char *folder, uint64_t size) {
  entry oldest;
  while (measure(folder, &oldest) + size > DG_CACHE_BYTES && oldest.name[0]) {
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", folder, oldest.name) >= PATH_SIZE) return;
    if (unlink(path) != 0 && errno != ENOENT) return;
  }
}

bool dg_cache_put(const char *key, const void *bytes, size_t size) {
  char folder[PATH_SIZE], path[PATH_SIZE];
  const uint64_t length = sizeof(header) + strlen(key) + size;
  if (length > DG_CACHE_BYTES || !dg_cache_folder(folder, sizeof folder) || !make_folder(folder) ||
      !is_private(folder) || !file_path(folder, key, path))
    return false;
  evict(folder, length);
  dg_new_file file;
  if (!dg_file_begin(&file, path, NULL)) return false;
  fchmod(file.descriptor, S_IRUSR | S_IWUSR);
  header h = header_of(key, bytes, size);
  dg_file_write(&file, &h, sizeof h);
  dg_file_write(&file, key, h.key_length);
  dg_file_write(&file, bytes, size);
  return dg_file_commit(&file, NULL);
}
