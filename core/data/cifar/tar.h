/** Files in a tar archive (POSIX ustar, GNU), gzipped or not, read in their order. */
#ifndef DG_TAR_H
#define DG_TAR_H

#include "core/base/mapping/mapping.h"
#include "core/data/packed.h"

enum { DG_TAR_NAME = 101 };

/** An archive that is being read; all zero but `file`, which was opened. */
typedef struct {
  dg_packed file;
  char name[DG_TAR_NAME]; /**< of the current file, without its folders */
  uint64_t size;          /**< of its bytes */
  uint64_t left; /**< bytes of it that have not been read, with what fills its last block */
} dg_tar;

bool dg_tar_open(dg_tar *tar, const char *path, dg_error *err);

/** Goes to the next regular file; `*more` is false if there is none. */
bool dg_tar_next(dg_tar *tar, bool *more);

/** Reads the current file into new memory (dg_map_room), which the caller frees; it ends in a zero
    byte. */
uint8_t *dg_tar_read(dg_tar *tar, uint64_t in_memory, dg_mapping *mapping);

void dg_tar_close(dg_tar *tar);

#endif
