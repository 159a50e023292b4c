/** Model files that are found by name: those of one folder. */
#ifndef DG_CATALOG_H
#define DG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/support/error.h"

enum { DG_CATALOG_PATH = 1024, DG_CATALOG_MOST = 256 };

/** The folder and the names of the models in it (their files' names without .cfg), sorted. */
typedef struct {
  char folder[DG_CATALOG_PATH];
  size_t count;
  char *names[DG_CATALOG_MOST];
} dg_catalog;

/**
 * Reads the folder: $DIGITS_MODELS if it is set, else the one installed beside the running
 * program, else the one that the library was configured for. The caller frees the names with
 * dg_catalog_free, also on failure.
 */
bool dg_catalog_read(dg_catalog *catalog, dg_error *err);
void dg_catalog_free(dg_catalog *catalog);

/** Path of a model of the catalog: [DG_CATALOG_PATH]. */
bool dg_catalog_path(const dg_catalog *catalog, const char *name, char *path, dg_error *err);

/**
 * The file that `model` means: itself where it has a slash or ends in .cfg, else the file of that
 * name in the catalog. An unknown name is an error with the nearest right one. Writes `path`
 * [DG_CATALOG_PATH].
 */
bool dg_model_find(const char *model, char *path, dg_error *err);

#endif
