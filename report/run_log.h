/** Runs read from the logs of digits-run (--log). */
#ifndef DG_RUN_LOG_H
#define DG_RUN_LOG_H

#include <stddef.h>

#include "digits/train.h"

struct json_t;

typedef struct {
  uint64_t step;         /**< from 0 over the whole run */
  double loss, accuracy; /**< of its batch; accuracy NaN if it was not logged */
} logged_step;

typedef struct {
  dg_epoch_report report; /**< `epochs` is 0: not logged */
  uint64_t steps;         /**< of the run, at the epoch's end */
  double seconds;         /**< of training, up to the epoch's end */
} logged_epoch;

/** A run. Strings belong to it; NULL: not logged. */
typedef struct {
  struct json_t *start;
  const char *path; /**< of the log, as given */
  const char *model, *backend, *device, *data, *test_data, *recipe, *command, *version;
  uint64_t seed, parameters, train_samples, validation_samples;
  uint32_t threads; /**< 0: not logged */
  bool resumed;     /**< stopped and resumed */
  logged_step *step;
  size_t steps, step_capacity;
  logged_epoch *epoch;
  size_t epochs, epoch_capacity;
  bool tested;
  dg_score test;        /**< its accuracy is NaN for values */
  double mae, rmse, r2; /**< of values; else NaN, as r2 may be for them */
} logged_run;

/** All runs of one or more logs; all zero before its first use. */
typedef struct {
  logged_run *run;
  size_t count, capacity;
} run_log;

/**
 * Adds the runs of a log; a run that was resumed counts as one. `path` must outlive the log. A line
 * that is not a record is an error that names it, but an unfinished line of a killed program is
 * skipped.
 */
bool run_log_read(run_log *log, const char *path, dg_error *err);

void run_log_free(run_log *log);

/** Logged seconds of training. */
double logged_seconds(const logged_run *run);
/** Images per second in the last logged epoch; NaN: none. */
double logged_speed(const logged_run *run);
/** Was there a validation after every epoch? */
bool logged_validated(const logged_run *run);

#endif
