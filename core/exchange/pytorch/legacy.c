#include "core/exchange/pytorch/legacy.h"

#include <stdlib.h>
#include <string.h>

#include "core/exchange/pytorch/globals.h"

/* A pickle of the integer 0x1950a86a20f9469cfc6c. */
static const char magic[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
enum { MAGIC = sizeof magic - 1, SMALL_PICKLE = 1 << 12, VERSION = 1001 };

/** The rest of a file. */
typedef struct {
  const char *at;
  size_t left;
} rest;

static bool fail(const dg_pytorch_file *file, const char *what) {
  return dg_fail(file->err, DG_ERR_INPUT,
                 "%s: %s; load it with PyTorch and save it again with torch 1.6 or later",
                 file->arrays->path, what);
}

bool dg_pytorch_is_legacy(const char *bytes, size_t size) {
  return size >= MAGIC && memcmp(bytes, magic, MAGIC) == 0;
}

/** Reads the next pickle, of at most `most` bytes. */
static bool read_pickle(dg_pytorch_file *file, rest *r, size_t most, dg_pickle *pickle) {
  size_t size = r->left < most ? r->left : most;
  if (!dg_pickle_read(pickle, file->arrays->path, r->at, size, dg_pytorch_globals, file->err))
    return false;
  r->at += pickle->used;
  r->left -= pickle->used;
  return true;
}

/** The version of the format. */
static bool read_version(dg_pytorch_file *file, rest *r) {
  dg_pickle pickle;
  if (!read_pickle(file, r, SMALL_PICKLE, &pickle)) return false;
  const dg_pickle_value *root = &pickle.values[pickle.root];
  bool known = root->kind == DG_PICKLE_INTEGER && root->integer == VERSION;
  dg_pickle_free(&pickle);
  return known || fail(file, "its version is not that of PyTorch before 1.6");
}

/** {"protocol_version": …, "little_endian": …, "type_sizes": …}: the order of bytes. */
static bool read_machine(dg_pytorch_file *file, rest *r) {
  dg_pickle pickle;
  bool told = false;
  if (!read_pickle(file, r, SMALL_PICKLE, &pickle)) return false;
  const dg_pickle_value *root = &pickle.values[pickle.root];
  for (uint32_t i = 0; root->kind == DG_PICKLE_DICT && i + 1 < root->count; i += 2) {
    const dg_pickle_value *value = dg_pickle_item(&pickle, root, i + 1);
    if (!dg_pickle_is(dg_pickle_item(&pickle, root, i), "little_endian") ||
        value->kind != DG_PICKLE_BOOL)
      continue;
    file->big_endian = value->integer == 0;
    told = true;
  }
  dg_pickle_free(&pickle);
  return told || fail(file, "it does not say the order of its bytes");
}

/** The storages that the state dict mentions; their sizes are those of one element yet. */
static bool list_storages(dg_pytorch_file *file) {
  const dg_pickle *p = &file->pickle;
  dg_storages *s = &file->storages;
  size_t count = 0;
  for (uint32_t i = 0; i < p->value_count; i++) count += p->values[i].kind == DG_PICKLE_PERSISTENT;
  s->ranges = calloc(count + 1, sizeof *s->ranges);
  if (!s->ranges) return dg_fail_memory(file->err, (count + 1) * sizeof *s->ranges);
  for (uint32_t i = 0; i < p->value_count; i++) {
    if (p->values[i].kind != DG_PICKLE_PERSISTENT) continue;
    const dg_pickle_value *id = dg_pickle_item(p, &p->values[i], 0),
                          *key = dg_pickle_item(p, id, 2);
    const dg_storage_type *type = dg_storage_type_of(dg_pickle_item(p, id, 1));
    if (type && key && key->kind == DG_PICKLE_TEXT)
      s->ranges[s->range_count++] =
          (dg_storage_range){.key = key->text, .length = key->length, .size = type->size};
  }
  if (s->range_count) qsort(s->ranges, s->range_count, sizeof *s->ranges, dg_storages_compare);
  return true;
}

/** The first range of a key; NULL: the state dict does not mention it. */
static dg_storage_range *range_of(const dg_storages *s, const dg_pickle_value *key) {
  dg_storage_range *found = dg_storages_range(s, key->text, key->length);
  while (found && found > s->ranges && dg_storages_compare(found - 1, found) == 0) found--;
  return found;
}

/** Finds the bytes of a storage: a count of elements and the elements. */
static bool find_bytes(dg_pytorch_file *file, rest *r, const dg_pickle_value *key) {
  dg_storages *s = &file->storages;
  dg_storage_range *range = key->kind == DG_PICKLE_TEXT ? range_of(s, key) : NULL;
  uint64_t count = 0;
  unsigned char number[8];
  if (!range || range->bytes) return fail(file, "its list of storages is not that of its tensors");
  if (r->left < sizeof number) return fail(file, "it is cut");
  memcpy(number, r->at, sizeof number);
  for (int i = 0; i < 8; i++) count |= (uint64_t)number[i] << 8 * (file->big_endian ? 7 - i : i);
  r->at += sizeof number;
  r->left -= sizeof number;
  if (count > r->left / range->size) return fail(file, "it is cut");
  size_t size = count * range->size;
  const dg_storage_range same = *range;
  for (; range < s->ranges + s->range_count && dg_storages_compare(range, &same) == 0; range++) {
    if (range->size != same.size) return fail(file, "a storage has two types");
    range->bytes = (const unsigned char *)r->at;
    range->size = size;
  }
  r->at += size;
  r->left -= size;
  return true;
}

/** The list of keys, in whose order the storages follow. */
static bool read_storages(dg_pytorch_file *file, rest *r) {
  dg_pickle pickle;
  if (!list_storages(file) || !read_pickle(file, r, DG_PICKLE_LARGEST, &pickle)) return false;
  const dg_pickle_value *root = &pickle.values[pickle.root];
  bool ok = root->kind == DG_PICKLE_LIST || fail(file, "its list of storages is none");
  uint32_t cell = root->first;
  for (uint32_t i = 0; ok && i < root->count; i++, cell = pickle.cells[cell].next)
    ok = find_bytes(file, r, &pickle.values[pickle.cells[cell].value]);
  dg_pickle_free(&pickle);
  return ok;
}

bool dg_pytorch_open_legacy(dg_pytorch_file *file, const char *bytes, size_t size) {
  rest r = {bytes + MAGIC, size - MAGIC};
  return read_version(file, &r) && read_machine(file, &r) &&
         read_pickle(file, &r, DG_PICKLE_LARGEST, &file->pickle) && read_storages(file, &r);
}
