/** Runs as digits-run logged them (--log): what they were, and how they went. */
#ifndef DG_RUN_LOG_H
#define DG_RUN_LOG_H

#include <stddef.h>

#include "digits/train.h"

struct json_t;

typedef struct {
  uint64_t step;         /**< from 0 over the whole run */
  double loss, accuracy; /**< of its batch; accuracy NaN where it was not logged */
} logged_step;

typedef struct {
  dg_epoch_report report; /**< `epochs` is 0: not logged */
  uint64_t steps;         /**< of the run, at its end */
  double seconds;         /**< of training up to its end */
} logged_epoch;

/** A run. Strings belong to it; NULL: not logged. */
typedef struct {
  struct json_t *start;
  const char *path; /**< of the log, as it was given */
  const char *model, *backend, *device, *data, *test_data, *recipe, *command, *version;
  uint64_t seed, parameters, train_samples, validation_samples;
  uint32_t threads; /**< 0: not logged */
  bool resumed;     /**< stopped and went on */
  logged_step *step;
  size_t steps, step_capacity;
  logged_epoch *epoch;
  size_t epochs, epoch_capacity;
  bool tested;
  dg_score test;
} logged_run;

/** All runs of one or several logs; all zero before its first use. */
typedef struct {
  logged_run *run;
  size_t count, capacity;
} run_log;

/**
 * Adds the runs of a log; a run that went on after it stopped is one. `path` must outlive the log.
 * A line that is no record is an error that names it, but a line that a killed program left
 * unfinished is passed over.
 */
bool run_log_read(run_log *log, const char *path, dg_error *err);

void run_log_free(run_log *log);

/** Seconds of training that were logged. */
double logged_seconds(const logged_run *run);
/** Images a second of the last epoch that was logged; NaN: none. */
double logged_speed(const logged_run *run);
/** Was there a validation after every epoch? */
bool logged_validated(const logged_run *run);

#endif
