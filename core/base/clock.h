/** Time. */
#ifndef DG_CLOCK_H
#define DG_CLOCK_H

/** Seconds on a clock that only goes forward. */
double dg_seconds(void);

#endif
