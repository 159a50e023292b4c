/** Reads the text of a model file into a libconfig tree, and writes one. */
#ifndef DG_SOURCE_H
#define DG_SOURCE_H

#include <libconfig.h>

#include "digits/model.h"

/** Limits on the text of a model from any source, so that none takes long to read: bytes, nested
    groups and lists, keys in a group. */
enum { DG_SOURCE_SIZE = 256 << 10, DG_SOURCE_DEPTH = 16, DG_SOURCE_KEYS = 256 };

/**
 * Reads a model file into `config` (initialized by the caller, destroyed by the caller also on
 * failure). Some input that libconfig silently accepts is refused: text that is not UTF-8, whole
 * numbers that don't fit, and @include (a model is one file, so that weight files can contain it).
 * `path` must outlive `config`, see dg_source_parse.
 */
bool dg_source_read(config_t *config, const char *path, dg_error *err);

/**
 * The same from text. Messages name `where`, which must outlive `config`: it is the hook of the
 * root (the hook of any other setting is the override that it came from).
 */
bool dg_source_parse(config_t *config, const char *text, const char *where, dg_error *err);

/** Refuses what libconfig silently accepts or parses slowly; messages begin with `where`. */
bool dg_source_check(const char *text, const char *where, bool with_line, dg_error *err);

/** Does every setting have its name and text? libconfig drops them if it runs out of memory. */
bool dg_source_complete(const config_setting_t *setting);

/**
 * Writes a setting as text in libconfig's syntax, which reads back as the same setting with every
 * number exact; the root without braces. The caller frees it. NULL: out of memory.
 */
char *dg_source_text(const config_setting_t *setting);

#endif
