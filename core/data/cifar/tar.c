#include "core/data/cifar/tar.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/size.h"

/* Offsets and sizes of fields in the header of a file. */
enum {
  BLOCK = 512,
  NAME = 100,
  SIZE = 124,
  SIZE_DIGITS = 12,
  SUM = 148,
  SUM_DIGITS = 8,
  TYPE = 156
};

bool dg_tar_open(dg_tar *tar, const char *path, dg_error *err) {
  /* Only archives of blank images pack better. */
  enum { INFLATION = DG_MAX_INFLATION / 4, FEW_BYTES = 1 << 26 };
  *tar = (dg_tar){0};
  if (!dg_packed_open(&tar->file, path, err)) return false;
  tar->file.most = dg_size_times(tar->file.size, INFLATION);
  if (tar->file.most < FEW_BYTES) tar->file.most = FEW_BYTES;
  return true;
}

void dg_tar_close(dg_tar *tar) {
  dg_packed_close(&tar->file);
}

/** An octal number, or GNU's for large files: a set highest bit, then bytes. */
static uint64_t number_at(const uint8_t *at, size_t digits) {
  uint64_t number = 0;
  if (*at & 0x80) {
    for (size_t i = 1; i < digits; i++)
      number = number > UINT64_MAX >> 8 ? UINT64_MAX : number << 8 | at[i];
    return number;
  }
  while (digits > 0 && *at == ' ') at++, digits--;
  for (; digits > 0 && *at >= '0' && *at <= '7'; at++, digits--) number = number << 3 | (*at - '0');
  return number;
}

static bool sum_is_right(const uint8_t header[BLOCK]) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < BLOCK; i++)
    sum += i >= SUM && i < SUM + SUM_DIGITS ? (uint8_t)' ' : header[i];
  return sum == number_at(header + SUM, SUM_DIGITS);
}

static bool fail_damaged(dg_tar *tar) {
  return dg_fail(tar->file.err, DG_ERR_INPUT,
                 "%s: no sound tar archive: damaged or cut at byte %llu; download it again",
                 tar->file.path, (unsigned long long)tar->file.read);
}

/** Reads past what is left of the current file. */
static bool skip_rest(dg_tar *tar) {
  uint8_t bytes[1 << 14];
  while (tar->left > 0) {
    const size_t wanted = tar->left < sizeof bytes ? (size_t)tar->left : sizeof bytes;
    size_t got;
    if (!dg_packed_read(&tar->file, bytes, wanted, &got)) return false;
    if (got < wanted) return fail_damaged(tar);
    tar->left -= got;
  }
  return true;
}

/** Takes name and size of a file; false: it is none that holds bytes. */
static bool take_header(dg_tar *tar, const uint8_t header[BLOCK]) {
  char path[NAME + 1];
  memcpy(path, header, NAME);
  path[NAME] = '\0';
  const char *slash = strrchr(path, '/');
  strcpy(tar->name, slash ? slash + 1 : path);
  tar->size = number_at(header + SIZE, SIZE_DIGITS);
  tar->left = tar->size > UINT64_MAX - BLOCK ? tar->size : (tar->size + BLOCK - 1) / BLOCK * BLOCK;
  return header[TYPE] == '0' || header[TYPE] == '\0';
}

bool dg_tar_next(dg_tar *tar, bool *more) {
  uint8_t header[BLOCK];
  *more = false;
  do {
    size_t got;
    if (!skip_rest(tar) || !dg_packed_read(&tar->file, header, BLOCK, &got)) return false;
    if (got == 0 || (got == BLOCK && header[0] == '\0')) return true; /* the end */
    if (got < BLOCK || !sum_is_right(header)) return fail_damaged(tar);
  } while (!take_header(tar, header));
  return *more = true;
}

uint8_t *dg_tar_read(dg_tar *tar, uint64_t in_memory, dg_mapping *mapping) {
  dg_error *err = tar->file.err;
  size_t got;
  if (tar->size > tar->file.most - tar->file.read)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: a file of %llu bytes is said to be in it, more than in an archive of %llu "
                   "may be",
                   tar->file.path, (unsigned long long)tar->size,
                   (unsigned long long)tar->file.size),
           NULL;
  uint8_t *bytes = dg_map_room(mapping, tar->size + 1, in_memory, tar->file.path, err);
  if (!bytes) return NULL;
  bool ok = dg_packed_read(&tar->file, bytes, (size_t)tar->size, &got);
  if (ok && got < tar->size) ok = fail_damaged(tar);
  if (!ok) return dg_unmap(mapping, bytes), NULL;
  bytes[tar->size] = '\0';
  tar->left -= tar->size;
  return bytes;
}
