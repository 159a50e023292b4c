/** The text of a model file, from the disk to a libconfig tree with overrides applied. */
#ifndef DG_SOURCE_H
#define DG_SOURCE_H

#include <libconfig.h>

#include "digits/model.h"

/** What a model's text may have at most, wherever it comes from: bytes, groups and lists within
   each other, keys of a group. So none takes long to read. */
enum { DG_SOURCE_SIZE = 256 << 10, DG_SOURCE_DEPTH = 16, DG_SOURCE_KEYS = 256 };

/**
 * Reads a model file into `config` (initialized by the caller, destroyed by the caller also on
 * failure). What libconfig would take silently is refused: what is not UTF-8, whole numbers that
 * don't fit, and @include (a model is one file, so that it can travel with its weights). `path`
 * must outlive `config`, see dg_source_parse.
 */
bool dg_source_read(config_t *config, const char *path, dg_error *err);

/**
 * The same from text; `where` is named in messages and must outlive `config`, whose root has it as
 * its hook (the hook of any other setting is the override that it came from).
 */
bool dg_source_parse(config_t *config, const char *text, const char *where, dg_error *err);

enum { DG_OVERRIDE_PART = 63 }; /**< longest part of an override path */

/** Puts a value in place of the key that the override's path names, or adds it. */
bool dg_source_override(config_t *config, const dg_override *override, dg_error *err);

/**
 * The tree as text, in libconfig's syntax, that is read as the same tree, every number to its last
 * bit. The caller frees it. NULL: out of memory.
 */
char *dg_source_text(const config_t *config);

#endif
