/** What a program's --help says, taken apart: what man pages and completions are made of. */
#ifndef DG_MANUAL_HELP_H
#define DG_MANUAL_HELP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "report/markup.h"

typedef enum {
  HELP_USAGE,   /**< "digits-data [options] stats" */
  HELP_TEXT,    /**< a paragraph */
  HELP_HEADING, /**< a line above items */
  HELP_ITEM     /**< an option, or another word that is explained */
} help_kind;

enum { HELP_TERMS = 4, HELP_BLOCKS = 128 };

typedef struct {
  help_kind kind;
  bool apart; /**< an empty line stands before it */
  uint32_t terms;
  const char *term[HELP_TERMS]; /**< of an item: "--lr X", "-h, --help" */
  markup text;                  /**< on one line; of an item: what it means */
} help_block;

typedef struct {
  char *store; /**< what the terms lie in */
  uint32_t count;
  help_block block[HELP_BLOCKS];
} help;

/**
 * Reads what --help printed from a file:
 *
 *     Usage: digits-NAME [options] WORDS        (further usages below, under the program's name)
 *     Paragraphs and headings begin at the edge; a heading has an indented line below it.
 *       --option VALUE    two columns in; two columns before its meaning,
 *                         which may go on further in
 *
 * Several terms on a line stand two columns apart. --help and --version explain themselves, any
 * other option without a meaning is an error.
 */
bool help_read(help *h, const char *path, dg_error *err);
void help_free(help *h);

/** An option of a term: `name` "--lr" and `value` "X", empty where it takes none; false: the term
   is no option. Each has `capacity` bytes. */
bool help_option(const char *term, char *name, char *value, size_t capacity);

#endif
