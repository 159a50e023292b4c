/**
 * Reads Python's pickles as data: the opcodes of protocols 2 to 5
 * (https://docs.python.org/3/library/pickletools.html). Nothing is looked up, made or called: a
 * name that is not on the caller's list stays a text, a call is noted with its arguments, and what
 * a pickle does with the result of a call is read past.
 */
#ifndef DG_PICKLE_H
#define DG_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

typedef enum {
  DG_PICKLE_NONE,
  DG_PICKLE_BOOL,
  DG_PICKLE_INTEGER,
  DG_PICKLE_OTHER, /**< a float, or an integer of more than 64 bits: its value is not stored */
  DG_PICKLE_TEXT,
  DG_PICKLE_UNKNOWN, /**< a name that is not on the list, as text: "module\nname" or "name" */
  DG_PICKLE_TUPLE,
  DG_PICKLE_LIST,
  DG_PICKLE_SET,
  DG_PICKLE_DICT,       /**< keys and values alternate */
  DG_PICKLE_GLOBAL,     /**< a name on the list */
  DG_PICKLE_CALL,       /**< items: what would be called, the tuple of its arguments */
  DG_PICKLE_PERSISTENT, /**< items: the persistent id, of data elsewhere in the file */
} dg_pickle_kind;

typedef struct {
  dg_pickle_kind kind;
  union {
    int64_t integer; /**< INTEGER, BOOL; GLOBAL: its index in the list of names */
    struct {
      const char *text; /**< TEXT, UNKNOWN: points into the pickle, not NUL-terminated */
      size_t length;
    };
    struct {
      uint32_t first, last, count; /**< cells */
    };
  };
} dg_pickle_value;

/** A cell of a list: which value, and the next cell. */
typedef struct {
  uint32_t value, next;
} dg_pickle_cell;

typedef struct {
  dg_pickle_value *values;
  dg_pickle_cell *cells;
  uint32_t value_count, value_capacity, cell_count, cell_capacity;
  uint32_t root; /**< the value of the whole pickle */
  size_t used;   /**< bytes of the pickle up to its end */
} dg_pickle;

enum { DG_PICKLE_LARGEST = 1 << 22 }; /**< most bytes of a pickle */

/**
 * Reads a pickle at the beginning of `size` bytes, which must outlive it. `names` are the globals
 * that the caller knows, "module name", ended by NULL; `path` is for messages. Free with
 * dg_pickle_free.
 */
bool dg_pickle_read(dg_pickle *pickle, const char *path, const char *bytes, size_t size,
                    const char *const *names, dg_error *err);
void dg_pickle_free(dg_pickle *pickle);

/** Item `i` of a tuple, list, dictionary or call; NULL if there is none. */
const dg_pickle_value *dg_pickle_item(const dg_pickle *pickle, const dg_pickle_value *of,
                                      uint32_t i);

/** Is it this text? */
bool dg_pickle_is(const dg_pickle_value *value, const char *text);

/** Writes a text or the unknown name of a value, of any length, to `out`; what can't be printed
    becomes '?'. Returns `out`. */
char *dg_pickle_text(const dg_pickle_value *value, char *out, size_t capacity);

#endif
