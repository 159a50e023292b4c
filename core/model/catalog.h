/** Finds models and weights by name, each in its own folder. */
#ifndef DG_CATALOG_H
#define DG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "digits/model.h"

enum { DG_CATALOG_MAX = 256 };

typedef enum { DG_CATALOG_MODELS, DG_CATALOG_WEIGHTS } dg_catalog_kind;

/** The folder and the names of the files in it (without .cfg, .safetensors), sorted. */
typedef struct {
  dg_catalog_kind kind;
  char folder[DG_PATH_SIZE];
  size_t count;
  char *names[DG_CATALOG_MAX];
} dg_catalog;

/**
 * Reads the folder: $DIGITS_MODELS or $DIGITS_WEIGHTS if it is set, else the one installed beside
 * the running program, else the one that the library was configured with. The caller frees the
 * names with dg_catalog_free, also on failure.
 */
bool dg_catalog_read(dg_catalog *catalog, dg_catalog_kind kind, dg_error *err);
void dg_catalog_free(dg_catalog *catalog);

/** Path of a file of the catalog: [DG_PATH_SIZE]. */
bool dg_catalog_path(const dg_catalog *catalog, const char *name, char *path, dg_error *err);

/**
 * Finds the file for a word: a path if it has a slash or ends in the kind's suffix, else the name
 * of a file in the catalog. An unknown name is an error that suggests the nearest known one. Writes
 * `path` [DG_PATH_SIZE].
 */
bool dg_catalog_find(dg_catalog_kind kind, const char *word, char *path, dg_error *err);

#endif
