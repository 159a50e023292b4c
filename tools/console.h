/** What digits-run prints: plain lines in a file or pipe, a progress line on a terminal. */
#ifndef DG_CONSOLE_H
#define DG_CONSOLE_H

#include <stdbool.h>

#include "core/digits.h"

typedef struct {
  bool quiet;
  bool live; /**< standard output is a terminal: progress lines are drawn over */
} console;

console console_open(bool quiet);
void console_progress(const console *c, const dg_progress *progress);
void console_epoch(const console *c, const dg_epoch_report *report);
/** Ends a progress line that was left standing, before something else is printed. */
void console_clear(const console *c);

#endif
