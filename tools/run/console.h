/** What digits-run prints: plain lines in a file or pipe, a progress line on a terminal. */
#ifndef DG_CONSOLE_H
#define DG_CONSOLE_H

#include <stdbool.h>

#include "digits/train.h"

typedef struct {
  bool quiet;
  bool live;    /**< standard output is a terminal: progress lines are drawn over */
  bool colored; /**< the best epoch so far is green */
} console;

/** The console of standard output; quiet: it shows neither progress nor epochs. */
console console_open(bool quiet);
/** Draws the progress line over the last one; nothing where output is no terminal. */
void console_progress(const console *c, const dg_progress *progress);
/** Prints what an epoch came to, in a line that stays. */
void console_epoch(const console *c, const dg_epoch_report *report);
/** Ends a progress line that was left standing, before something else is printed. */
void console_clear(const console *c);

#endif
