#include "core/data/idx/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/data/packed.h"

enum { TYPE_UNSIGNED_BYTE = 0x08, MAGIC_BYTES = 4 };

static bool read_header_field(dg_packed *f, const char *field, uint32_t *value) {
  uint8_t b[4];
  size_t got;
  if (!dg_packed_read(f, b, sizeof b, &got)) return false;
  if (got < sizeof b)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field %s: the file ends inside it, expected 4 bytes, found %zu; "
                   "download it again",
                   f->path, field, got);
  *value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  return true;
}

static bool check_magic(dg_packed *f, uint32_t magic, unsigned rank) {
  unsigned type = magic >> 8 & 0xff, found_rank = magic & 0xff;
  if (magic >> 16)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field magic: expected 0x%08x, found 0x%08" PRIx32
                   ": not an IDX file; download it again",
                   f->path, TYPE_UNSIGNED_BYTE << 8 | rank, magic);
  if (type != TYPE_UNSIGNED_BYTE)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field type: expected 0x%02x (unsigned bytes), found 0x%02x; "
                   "download it again",
                   f->path, TYPE_UNSIGNED_BYTE, type);
  if (found_rank != rank)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field rank: expected %u dimensions, found %u: images have 3, labels 1; "
                   "download it again",
                   f->path, rank, found_rank);
  return true;
}

/** Reads the dimensions and checks that a file of this size can hold their product, `*total`. */
static bool read_dimensions(dg_packed *f, dg_idx *array, uint64_t *total) {
  uint64_t header = MAGIC_BYTES + 4 * (uint64_t)array->rank;
  bool packed = !gzdirect(f->stream);
  uint64_t limit = packed ? f->size * DG_MAX_INFLATION : f->size > header ? f->size - header : 0;
  *total = 1;
  for (unsigned i = 0; i < array->rank; i++) {
    char field[32];
    snprintf(field, sizeof field, "dimension %u", i + 1);
    if (!read_header_field(f, field, &array->dims[i])) return false;
    uint32_t size = array->dims[i];
    if (size == 0)
      return dg_fail(f->err, DG_ERR_INPUT,
                     "%s: field %s: expected at least 1, found 0: the set is empty; "
                     "download it again",
                     f->path, field);
    if (size > limit / *total)
      return dg_fail(f->err, DG_ERR_INPUT,
                     "%s: field %s: found %" PRIu32 ", which makes %" PRIu64 " x %" PRIu32
                     " bytes, but a file of %" PRIu64 " bytes%s can hold %" PRIu64
                     " of data at most: damaged or truncated; download it again",
                     f->path, field, size, *total, size, f->size, packed ? " (gzipped)" : "",
                     limit);
    *total *= size;
  }
  return true;
}

/** Reads the elements and makes sure that nothing follows; the end verifies a gzip checksum. */
static bool read_elements(dg_packed *f, dg_idx *array, uint64_t total) {
  uint8_t more;
  size_t got, trailing;
  array->bytes = total <= SIZE_MAX ? malloc((size_t)total) : NULL;
  if (!array->bytes) return dg_fail_memory(f->err, total);
  if (!dg_packed_read(f, array->bytes, (size_t)total, &got)) return false;
  if (!dg_packed_read(f, &more, 1, &trailing)) return false;
  if (got < total)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field data: truncated, expected %" PRIu64
                   " bytes by its dimensions, found %zu; download it again",
                   f->path, total, got);
  if (trailing)
    return dg_fail(f->err, DG_ERR_INPUT,
                   "%s: field data: expected %" PRIu64
                   " bytes by its dimensions, but more follow them; download it again",
                   f->path, total);
  return true;
}

bool dg_idx_read(dg_idx *array, const char *path, unsigned rank, dg_error *err) {
  dg_packed f;
  uint32_t magic = 0;
  uint64_t total = 0;
  *array = (dg_idx){.rank = rank};
  if (!dg_packed_open(&f, path, err)) return false;
  bool ok = read_header_field(&f, "magic", &magic) && check_magic(&f, magic, rank) &&
            read_dimensions(&f, array, &total) && read_elements(&f, array, total);
  dg_packed_close(&f);
  if (!ok) dg_idx_free(array);
  return ok;
}

void dg_idx_free(dg_idx *array) {
  free(array->bytes);
  array->bytes = NULL;
}
