#include "core/exchange/pytorch/storages.h"

#include <stdlib.h>
#include <string.h>

bool dg_storages_entry(const dg_storages *s, const char *folder, const char *name, size_t length,
                       uint64_t *entry) {
  size_t ahead = s->prefix_length, within = strlen(folder);
  for (*entry = 0; *entry < dg_archive_count(s->archive); ++*entry) {
    const char *full = dg_archive_name(s->archive, *entry);
    if (full && strlen(full) == ahead + within + length && memcmp(full, s->prefix, ahead) == 0 &&
        memcmp(full + ahead, folder, within) == 0 &&
        memcmp(full + ahead + within, name, length) == 0)
      return true;
  }
  return false;
}

/** Unpacks an entry, unless it is the one that was unpacked last. */
static bool read_entry(dg_storages *s, uint64_t entry, dg_error *err) {
  if (s->held && s->entry == entry) return true;
  free(s->held);
  s->held = dg_archive_read(s->archive, entry, UINT64_MAX, &s->held_size, err);
  s->entry = entry;
  return s->held != NULL;
}

int dg_storages_compare(const void *a, const void *b) {
  const dg_storage_range *x = a, *y = b;
  size_t common = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->key, y->key, common);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

dg_storage_range *dg_storages_range(const dg_storages *s, const char *key, size_t length) {
  const dg_storage_range wanted = {.key = key, .length = length};
  return s->range_count
             ? bsearch(&wanted, s->ranges, s->range_count, sizeof wanted, dg_storages_compare)
             : NULL;
}

bool dg_storages_read(dg_storages *s, const char *key, size_t length, const unsigned char **bytes,
                      size_t *size, bool *found, dg_error *err) {
  if (!s->archive) {
    const dg_storage_range *range = dg_storages_range(s, key, length);
    *found = range != NULL;
    *bytes = range ? range->bytes : NULL;
    *size = range ? range->size : 0;
    return true;
  }
  uint64_t entry;
  *found = dg_storages_entry(s, "data/", key, length, &entry);
  if (!*found) return true;
  if (!read_entry(s, entry, err)) return false;
  *bytes = s->held;
  *size = s->held_size;
  return true;
}

void dg_storages_free(dg_storages *s) {
  free(s->held);
  free(s->ranges);
  *s = (dg_storages){0};
}
