#include "core/training/schedule.h"

#include <math.h>

/** From `from` to `to` along half a cosine as `part` goes from 0 to 1. */
static double cosine_between(double from, double to, double part) {
  return to + (from - to) * 0.5 * (1.0 + cos(3.14159265358979323846 * part));
}

/** OneCycleLR (Smith and Topin, arXiv:1708.07120) with two cosine phases. */
static double one_cycle(const dg_schedule_recipe *s, double lr, double step, double total) {
  double first = lr / s->div, last = first / s->final_div;
  double peak = s->warmup * total - 1.0, end = total - 1.0;
  if (step <= peak) return cosine_between(first, lr, peak > 0 ? step / peak : 1.0);
  if (end <= peak) return last;
  return cosine_between(lr, last, fmin((step - peak) / (end - peak), 1.0));
}

double dg_learning_rate(const dg_schedule_recipe *schedule, double lr, uint64_t step,
                        uint64_t steps, uint64_t total) {
  double epoch = (double)(step / steps);
  switch (schedule->kind) {
  case DG_SCHEDULE_CONSTANT:
    break;
  case DG_SCHEDULE_STEP:
    return lr * pow(schedule->gamma, floor(epoch / schedule->every));
  case DG_SCHEDULE_EXPONENTIAL:
    return lr * pow(schedule->gamma, epoch);
  case DG_SCHEDULE_COSINE:
    return cosine_between(lr, schedule->min, (double)step / (double)total);
  case DG_SCHEDULE_ONE_CYCLE:
    return one_cycle(schedule, lr, (double)step, (double)total);
  }
  return lr;
}
