/** The state of the pickle reader: values, a stack of them with marks, and the bytes. */
#ifndef DG_PICKLE_MACHINE_H
#define DG_PICKLE_MACHINE_H

#include "core/exchange/pytorch/pickle.h"

#define DG_MARK UINT32_MAX    /**< on the stack: where a collection begins */
#define DG_NOTHING UINT32_MAX /**< no value; the error is set */

typedef struct {
  dg_pickle *out;
  const char *path, *bytes;
  size_t size, at;
  const char *const *names;
  uint32_t *stack, *memo; /**< one entry per byte: no opcode adds more */
  uint32_t depth, memoized;
  uint64_t paired; /**< pairs of which dictionaries were made */
  dg_error *err;
} dg_machine;

/** Sets the error: "FILE: its pickle …". Returns false. */
__attribute__((format(printf, 2, 3))) bool dg_machine_refuse(const dg_machine *m,
                                                             const char *format, ...);

/** Pushes a value. */
bool dg_machine_push(dg_machine *m, dg_pickle_value value);
/** Pops the topmost value; DG_NOTHING: there is none. */
uint32_t dg_machine_pop(dg_machine *m);
/** The kind of the topmost value; false: there is none. */
bool dg_machine_top(const dg_machine *m, dg_pickle_kind *kind);
/** The index after the topmost mark; DG_NOTHING: there is none. */
uint32_t dg_machine_behind_mark(const dg_machine *m);

/** Appends a value to a tuple, list, dictionary or call. */
bool dg_machine_append(dg_machine *m, uint32_t to, uint32_t value);
/** Makes one value of all from `from` on; if they are after a mark, removes it too. */
bool dg_machine_gather(dg_machine *m, dg_pickle_kind kind, uint32_t from, bool marked);
/** Makes a tuple of the topmost `count` values. */
bool dg_machine_tuple(dg_machine *m, uint32_t count);
/** Appends all values from `from` on to the one before them and their mark; if that one is the
    result of a call, they are dropped. */
bool dg_machine_extend(dg_machine *m, dg_pickle_kind kind, uint32_t from, bool marked);

/** Are there so many more bytes? If not, the pickle is truncated. */
bool dg_machine_has(const dg_machine *m, uint64_t count);
/** Reads a little-endian number of up to 8 bytes. */
bool dg_machine_number(dg_machine *m, size_t size, bool is_signed, int64_t *out);
/** Reads a line, without its end. */
bool dg_machine_line(dg_machine *m, const char **line, size_t *length);

#endif
