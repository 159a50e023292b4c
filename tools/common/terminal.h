/** What may be sent to a terminal besides plain lines. */
#ifndef DG_TERMINAL_H
#define DG_TERMINAL_H

#include <stdbool.h>

/** Is a descriptor a terminal that lines can be drawn over on: neither TERM=dumb nor without TERM?
 */
bool terminal_obeys(int descriptor);

/** Is it one that may be colored too: NO_COLOR is not set, or empty (no-color.org)? */
bool terminal_colored(int descriptor);

#endif
