/** What a terminal supports besides plain lines. */
#ifndef DG_TERMINAL_H
#define DG_TERMINAL_H

#include <stdbool.h>

/** Is a descriptor a terminal on which lines can be redrawn, with TERM set and not dumb? */
bool terminal_obeys(int descriptor);

/** May it be colored too: is NO_COLOR unset or empty (no-color.org)? */
bool terminal_colored(int descriptor);

#endif
