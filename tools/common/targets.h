/**
 * What a command writes against what it reads: nothing that is read may be written over, by no path
 * that leads to it. Asked before anything is opened for writing, emptied or removed. First all
 * outputs are named, then all inputs; the first that meet are an error.
 */
#ifndef DG_TARGETS_H
#define DG_TARGETS_H

#include <sys/types.h>

#include "digits/error.h"

enum { TARGETS = 24 };

/** A file by what its path leads to. */
typedef struct {
  bool counts; /**< false: a device, a pipe or a folder, which nothing is written over in */
  bool there;
  dev_t device;
  ino_t inode;      /**< of the file, or of the nearest folder above one that is not there */
  char *path;       /**< of one that is not there */
  const char *rest; /**< its end, seen from that folder */
} target_file;

/** An output. */
typedef struct {
  const char *option, *path;
  const char *between, *name; /**< what follows the path: "/" and a name, "" and an ending */
  const char *over;           /**< the input that it may replace; NULL: none */
  target_file file;
} target;

/** All zero before the first output; ended with targets_close. */
typedef struct {
  target output[TARGETS];
  unsigned count;
} targets;

/** Names an output; `over`: the input that it may replace, or NULL. A path that is NULL is none. */
bool targets_write(targets *t, const char *option, const char *path, const char *over,
                   dg_error *err);

/** Names a file in a folder as an output; the strings must last. */
bool targets_write_in(targets *t, const char *option, const char *folder, const char *name,
                      dg_error *err);

/** Names a file beside an output as another one: its path with an ending. */
bool targets_write_beside(targets *t, const char *option, const char *path, const char *ending,
                          const char *over, dg_error *err);

/** Names an input; `what` says what is read from it: "the model is". */
bool targets_read(const targets *t, const char *what, const char *path, dg_error *err);

/** The same of a data set: each file of it. */
bool targets_read_set(const targets *t, const char *what, const char *path, dg_error *err);

/** The same of a model or of weights, by their name or path. */
bool targets_read_model(const targets *t, const char *model, dg_error *err);
bool targets_read_weights(const targets *t, const char *weights, dg_error *err);

void targets_close(targets *t);

#endif
