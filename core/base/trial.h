/** What was measured when a device was tuned: shared by the backends and the public interface. */
#ifndef DG_TRIAL_H
#define DG_TRIAL_H

#include <stdbool.h>

/** A tile that a kernel was tried with. */
typedef struct {
  char kernel[16];
  char tile[32];
  double operations; /**< a second, the mean over some ops that the kernel does; 0: not measured */
  bool by_default, chosen;
  char fault[96]; /**< why it was left out; empty: it was not */
} dg_trial;

#endif
