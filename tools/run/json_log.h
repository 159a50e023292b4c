/** --log: events as JSON objects, one per line. */
#ifndef DG_JSON_LOG_H
#define DG_JSON_LOG_H

#include "tools/run/test_result.h"

enum { JSON_LOGS = 2 };

/** Log files that get the same lines. */
typedef struct {
  struct {
    const char *path;
    int descriptor;
    int reason; /**< errno of the first write that failed */
  } target[JSON_LOGS];
  unsigned count;
  bool lost; /**< a line was lost: out of memory */
} json_log;

/** The settings of a run. */
typedef struct {
  const char *model, *backend, *device, *data, *test_data, *recipe;
  const char *tuned;   /**< choices of tuning the device; empty: none */
  const char *command; /**< command that repeats the run */
  uint32_t seed, threads, train_samples, validation_samples;
  uint64_t parameters;
  bool exact;                        /**< same bits with any number of threads */
  const dg_checkpoint_info *resumed; /**< NULL: not resumed */
} json_start;

/** Mean and deviation over runs of test_result_figure, and of the seconds of training. */
typedef struct {
  uint32_t runs;
  dg_task task;
  double mean, deviation, seconds_mean, seconds_deviation;
} json_summary;

/** Checks that no other run writes to the log, before anything is changed; NULL: no log. */
bool json_log_check(const char *path, dg_error *err);

/**
 * Opens one more file, truncating it or appending to it; path NULL: none. The log is all zero
 * before the first file. It is an error if another run writes its log to the file.
 */
bool json_log_open(json_log *log, const char *path, bool append, dg_error *err);
/** Closes all files; reports lines that could not be written as an error. */
bool json_log_close(json_log *log, dg_error *err);

/* A line for each event; numbers that are not finite are null. */

/** A run begins: model, device and recipe. */
void json_log_start(json_log *log, const json_start *start);
/** A training step, counted from 0 over the whole run: loss and accuracy of its batch. */
void json_log_step(json_log *log, uint64_t step, double loss, double accuracy);
/** An epoch has ended: its scores, the last learning rate and its speed. */
void json_log_epoch(json_log *log, const dg_epoch_report *report);
/** A test on the samples of `data`, which names its outputs, has ended; it took `seconds`. */
void json_log_test(json_log *log, const test_result *result, const dg_dataset *data,
                   double seconds);
/** Several runs have ended. */
void json_log_summary(json_log *log, const json_summary *summary);

#endif
