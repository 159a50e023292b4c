/** Learning-rate schedules, by PyTorch's formulas (torch.optim.lr_scheduler). */
#ifndef DG_SCHEDULE_H
#define DG_SCHEDULE_H

#include "core/model/model.h"

/**
 * Learning rate of step `step` (from 0) in a run of `total` steps, `steps` per epoch; `lr` is the
 * optimizer's (for one_cycle, the highest).
 */
double dg_learning_rate(const dg_schedule_recipe *schedule, double lr, uint64_t step,
                        uint64_t steps, uint64_t total);

#endif
