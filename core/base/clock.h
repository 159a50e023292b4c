/** Time. */
#ifndef DG_CLOCK_H
#define DG_CLOCK_H

/** Seconds of a monotonic clock. */
double dg_seconds(void);

#endif
