#include "core/base/mapping/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cache.h"
#include "core/base/file/file.h"
#include "core/base/limits/memory.h"

bool dg_maps_file(uint64_t bytes, uint64_t in_memory) {
  const uint64_t usual = (uint64_t)64 << 20;
  return bytes >= (in_memory ? in_memory : usual);
}

/** Maps all of an open file, and closes it. */
static bool map(dg_mapping *mapping, int descriptor, uint64_t size, int protection, int flags,
                const char *path, dg_error *err) {
  void *at = size > 0 && size <= SIZE_MAX
                 ? mmap(NULL, (size_t)size, protection, flags, descriptor, 0)
                 : MAP_FAILED;
  const int reason = size > 0 ? errno : EINVAL;
  close(descriptor);
  if (at == MAP_FAILED)
    return dg_fail(err, DG_ERR_MEMORY, "%s: %llu bytes can't be mapped (%s)", path,
                   (unsigned long long)size, strerror(reason));
  *mapping = (dg_mapping){at, (size_t)size, !(protection & PROT_WRITE)};
  return true;
}

bool dg_map_file(dg_mapping *mapping, const char *path, uint64_t *size, dg_error *err) {
  const int descriptor = dg_file_open(path, size, err);
  return descriptor >= 0 && map(mapping, descriptor, *size, PROT_READ, MAP_PRIVATE, path, err);
}

/** What a quarter of the memory holds. */
static uint64_t quarter(void) {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX,
                 left = dg_memory_of_group("");
  return (left < machine ? left : machine) / 4;
}

uint8_t *dg_map_room(dg_mapping *mapping, uint64_t bytes, uint64_t in_memory, const char *path,
                     dg_error *err) {
  *mapping = (dg_mapping){0};
  if (bytes >= (in_memory ? in_memory : quarter())) {
    const int descriptor = dg_cache_scratch(bytes, path, err);
    return descriptor >= 0 &&
                   map(mapping, descriptor, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, path, err)
               ? mapping->at
               : NULL;
  }
  if (!dg_memory_check(bytes, path, err)) return NULL;
  void *room = bytes <= SIZE_MAX ? malloc((size_t)bytes) : NULL;
  if (!room) dg_fail_memory(err, bytes);
  return room;
}

void dg_unmap(dg_mapping *mapping, void *bytes) {
  if (mapping->at)
    munmap(mapping->at, mapping->size);
  else
    free(bytes);
  *mapping = (dg_mapping){0};
}
