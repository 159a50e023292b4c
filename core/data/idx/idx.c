#include "core/data/idx/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/data/packed.h"

enum {
  TYPE_UNSIGNED_BYTE = 0x08,
  TYPE_SIGNED_BYTE = 0x09,
  TYPE_SHORT = 0x0b,
  TYPE_INT = 0x0c,
  MAGIC_BYTES = 4,
  QMNIST_COLUMNS = 8
};

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

/** Bytes of an element of a type of whole numbers; 0: another type. */
static unsigned element_size(unsigned type) {
  return type == TYPE_UNSIGNED_BYTE || type == TYPE_SIGNED_BYTE ? 1
         : type == TYPE_SHORT                                   ? 2
         : type == TYPE_INT                                     ? 4
                                                                : 0;
}

bool dg_idx_element(unsigned type, dg_element *element) {
  static const struct {
    unsigned type;
    dg_element element;
  } known[] = {{TYPE_UNSIGNED_BYTE, DG_ELEMENT_U8}, {TYPE_SIGNED_BYTE, DG_ELEMENT_I8},
               {TYPE_SHORT, DG_ELEMENT_I16},        {TYPE_INT, DG_ELEMENT_I32},
               {DG_IDX_FLOAT, DG_ELEMENT_F32},      {DG_IDX_DOUBLE, DG_ELEMENT_F64}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].type == type) return *element = known[i].element, true;
  return false;
}

/** A magic number that lies backwards: its last bytes are zero. */
static bool is_backwards(uint32_t magic) {
  dg_element element;
  return !(magic & 0xffff) && dg_idx_element(magic >> 16 & 0xff, &element) &&
         magic >> 24 <= DG_IDX_MAX_RANK;
}

static bool check_magic(dg_packed *f, uint32_t magic, unsigned rank) {
  if (!(magic >> 16)) return true;
  return dg_fail(
      f->err, DG_ERR_INPUT, "%s: field magic: expected 0x%08x, found 0x%08" PRIx32 ": %s", f->path,
      TYPE_UNSIGNED_BYTE << 8 | rank, magic,
      is_backwards(magic) ? "its numbers begin with their low bytes; write them with the "
                            "high bytes first, as IDX files are"
                          : "not an IDX file; download it again");
}

static bool check_type(dg_packed *f, unsigned found, unsigned type) {
  return found == type ||
         dg_fail(f->err, DG_ERR_INPUT,
                 "%s: field type: expected 0x%02x%s, found 0x%02x; download it again, or give it "
                 "the name of its type",
                 f->path, type, type == TYPE_UNSIGNED_BYTE ? " (unsigned bytes)" : "", found);
}

static bool check_rank(dg_packed *f, unsigned found, unsigned rank) {
  return found == rank ||
         dg_fail(f->err, DG_ERR_INPUT,
                 "%s: field rank: expected %u dimensions, found %u: images have 3, labels 1; "
                 "download it again",
                 f->path, rank, found);
}

/** Reads the dimensions and checks that a file of this size can hold so many elements of `size`
    bytes: `*total` bytes. */
static bool read_dimensions(dg_packed *f, dg_idx *array, unsigned element, uint64_t *total) {
  uint64_t header = MAGIC_BYTES + 4 * (uint64_t)array->rank;
  bool packed = !gzdirect(f->stream);
  uint64_t limit = packed ? f->size * DG_MAX_INFLATION : f->size > header ? f->size - header : 0;
  *total = element;
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

/** Maps a file that is not packed and holds `total` bytes after its header. */
static bool map_elements(dg_packed *f, dg_idx *array, uint64_t total) {
  uint64_t size;
  if (!dg_map_file(&array->mapping, f->path, &size, f->err)) return false;
  array->bytes = (uint8_t *)array->mapping.at + f->read;
  return size - f->read == total ||
         dg_fail(f->err, DG_ERR_INPUT,
                 "%s: field data: expected %" PRIu64 " bytes by its dimensions, found %" PRIu64
                 "; download it again",
                 f->path, total, size - f->read);
}

/** Reads the elements and makes sure that nothing follows; the end verifies a gzip checksum. */
static bool read_elements(dg_packed *f, dg_idx *array, uint64_t total, uint64_t in_memory) {
  uint8_t more;
  size_t got, trailing;
  if (gzdirect(f->stream) && dg_maps_file(total, in_memory)) return map_elements(f, array, total);
  array->bytes = dg_map_room(&array->mapping, total, in_memory, f->path, f->err);
  if (!array->bytes) return false;
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

/** Reads an array that follows a magic number. */
static bool read_array(dg_packed *f, dg_idx *array, unsigned element, uint64_t in_memory) {
  uint64_t total;
  return read_dimensions(f, array, element, &total) && read_elements(f, array, total, in_memory);
}

bool dg_idx_read_large(dg_idx *array, const char *path, unsigned rank, unsigned type,
                       uint64_t in_memory, dg_error *err) {
  dg_packed f;
  uint32_t magic = 0;
  dg_element element = DG_ELEMENT_U8;
  *array = (dg_idx){.rank = rank, .type = type};
  if (!dg_packed_open(&f, path, err)) return false;
  bool ok = read_header_field(&f, "magic", &magic) && check_magic(&f, magic, rank) &&
            check_type(&f, magic >> 8, type) && check_rank(&f, magic & 0xff, rank) &&
            dg_idx_element(type, &element) &&
            read_array(&f, array, (unsigned)dg_element_size(element), in_memory);
  dg_packed_close(&f);
  if (!ok) dg_idx_free(array);
  return ok;
}

bool dg_idx_read(dg_idx *array, const char *path, unsigned rank, unsigned type, dg_error *err) {
  return dg_idx_read_large(array, path, rank, type, UINT64_MAX, err);
}

/* ---- labels ------------------------------------------------------------- */

/** Types and ranks that labels may have: bytes or whole numbers in one dimension, or QMNIST's rows,
    which begin with the class. */
static bool check_labels(dg_packed *f, unsigned type, unsigned rank) {
  if (type == TYPE_INT && rank == 2) return true;
  if (element_size(type)) return check_rank(f, rank, 1);
  return dg_fail(f->err, DG_ERR_INPUT,
                 "%s: field type: 0x%02x is no type of whole numbers (0x08, 0x09, 0x0b, 0x0c), "
                 "which labels are; write bytes",
                 f->path, type);
}

static bool check_columns(dg_packed *f, const dg_idx *labels) {
  return labels->rank == 1 || labels->dims[1] == QMNIST_COLUMNS ||
         dg_fail(f->err, DG_ERR_INPUT,
                 "%s: field dimension 2: rows of %" PRIu32
                 " numbers; the labels of QMNIST have %d, "
                 "others have one dimension",
                 f->path, labels->dims[1], QMNIST_COLUMNS);
}

/** Makes a byte of the first number of each row. */
static bool to_bytes(dg_packed *f, dg_idx *labels, unsigned type) {
  const unsigned size = element_size(type);
  const size_t row = labels->rank == 2 ? (size_t)size * labels->dims[1] : size;
  for (uint32_t i = 0; i < labels->dims[0]; i++) {
    const uint8_t *from = labels->bytes + i * row;
    int64_t value = type == TYPE_UNSIGNED_BYTE ? from[0] : (int8_t)from[0];
    for (unsigned b = 1; b < size; b++) value = value * 256 + from[b];
    if (value < 0 || value > UINT8_MAX)
      return dg_fail(f->err, DG_ERR_INPUT, "%s: label %" PRIu32 " is %lld; labels go from 0 to %d",
                     f->path, i, (long long)value, UINT8_MAX);
    labels->bytes[i] = (uint8_t)value;
  }
  labels->rank = 1;
  return true;
}

bool dg_idx_read_labels(dg_idx *labels, const char *path, dg_error *err) {
  dg_packed f;
  uint32_t magic = 0;
  *labels = (dg_idx){.rank = 1};
  if (!dg_packed_open(&f, path, err)) return false;
  bool ok = read_header_field(&f, "magic", &magic) && check_magic(&f, magic, 1) &&
            check_labels(&f, magic >> 8, magic & 0xff);
  if (ok) labels->rank = magic & 0xff;
  ok = ok && read_array(&f, labels, element_size(magic >> 8), UINT64_MAX) &&
       check_columns(&f, labels) && to_bytes(&f, labels, magic >> 8);
  dg_packed_close(&f);
  if (!ok) dg_idx_free(labels);
  return ok;
}

void dg_idx_free(dg_idx *array) {
  dg_unmap(&array->mapping, array->bytes);
  array->bytes = NULL;
}
