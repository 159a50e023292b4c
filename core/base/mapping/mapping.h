/** Memory for large arrays: parts of files, and memory behind which a file of its own stands. The
    system may take its pages back, so it may be larger than the machine's memory. */
#ifndef DG_MAPPING_H
#define DG_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** All zero: none, the memory is that of malloc. */
typedef struct {
  void *at;
  size_t size;
  bool read_only; /**< it is a file of others: writing to it ends the program */
} dg_mapping;

/**
 * Maps a file from its begin, to be read only; `size` gets its bytes. The pages are read when they
 * are used: if the file is shortened before, the system ends the program with SIGBUS; what is
 * written to it meanwhile is seen or not.
 */
bool dg_map_file(dg_mapping *mapping, const char *path, uint64_t *size, dg_error *err);

/**
 * New memory of `bytes` bytes for what is read from `path`. From `in_memory` bytes on, a file
 * without a name stands behind it (dg_cache_scratch); 0: from a quarter of the machine's memory, or
 * of what limits leave of it.
 */
uint8_t *dg_map_room(dg_mapping *mapping, uint64_t bytes, uint64_t in_memory, const char *path,
                     dg_error *err);

/** Is a file of so many bytes to be mapped rather than read? `in_memory` 0: from 64 MB on. */
bool dg_maps_file(uint64_t bytes, uint64_t in_memory);

/** Frees memory, mapped or not. */
void dg_unmap(dg_mapping *mapping, void *bytes);

#endif
