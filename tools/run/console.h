/** Output of digits-run: plain lines to a file or pipe, a progress line on a terminal. */
#ifndef DG_CONSOLE_H
#define DG_CONSOLE_H

#include <stdbool.h>

#include "digits/train.h"

typedef struct {
  bool quiet;
  bool live;    /**< standard output is a terminal: progress lines are redrawn */
  bool colored; /**< the best epoch so far is green */
} console;

/** The console of standard output; quiet: shows neither progress nor epochs. */
console console_open(bool quiet);
/** Redraws the progress line; does nothing if the output is not a terminal. */
void console_progress(const console *c, const dg_progress *progress);
/** Prints the result of an epoch on a permanent line. */
void console_epoch(const console *c, const dg_epoch_report *report);
/** Ends an open progress line before other output. */
void console_clear(const console *c);

#endif
