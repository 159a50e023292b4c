/**
 * Checks that a command does not overwrite its inputs, by any path that leads to them. Do this
 * before anything is opened for writing, truncated or removed. First name all outputs, then all
 * inputs; the first conflict is an error.
 */
#ifndef DG_TARGETS_H
#define DG_TARGETS_H

#include <sys/types.h>

#include "digits/error.h"

enum { TARGETS = 48 };

/** The identity of a file. */
typedef struct {
  bool counts; /**< false: a device, a pipe or a folder, in which nothing is overwritten */
  bool there;
  dev_t device;
  ino_t inode; /**< of the file; of a missing file, that of the nearest existing folder above it */
  char *path;  /**< of a missing file */
  const char *rest; /**< the rest of it, relative to that folder */
} target_file;

/** An output. */
typedef struct {
  const char *option, *path;
  const char *between, *name; /**< appended to the path: "/" and a name, or "" and a suffix */
  const char *over;           /**< the input that it may overwrite; NULL: none */
  target_file file;
} target;

/** All zero before the first output; free with targets_close. */
typedef struct {
  target output[TARGETS];
  unsigned count;
} targets;

/** Names an output; `over`: the input that it may overwrite, or NULL. Does nothing if the path is
    NULL. */
bool targets_write(targets *t, const char *option, const char *path, const char *over,
                   dg_error *err);

/** Names a file in a folder as an output; the strings must stay valid. */
bool targets_write_in(targets *t, const char *option, const char *folder, const char *name,
                      dg_error *err);

/** Names a file beside an output as another output: its path with a suffix. */
bool targets_write_beside(targets *t, const char *option, const char *path, const char *ending,
                          const char *over, dg_error *err);

/** Names an input; `what` describes what is read from it: "the model is". */
bool targets_read(const targets *t, const char *what, const char *path, dg_error *err);

/** The same for each file of a data set. */
bool targets_read_set(const targets *t, const char *what, const char *path, dg_error *err);

/** The same for a model or weights, by name or path. */
bool targets_read_model(const targets *t, const char *model, dg_error *err);
bool targets_read_weights(const targets *t, const char *weights, dg_error *err);

void targets_close(targets *t);

#endif
