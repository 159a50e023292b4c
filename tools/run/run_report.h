/** --report: records data during a run for the page at its end. */
#ifndef DG_RUN_REPORT_H
#define DG_RUN_REPORT_H

#include "report/report.h"
#include "tools/run/test_result.h"

/** All zero: no report; the functions below do nothing. */
typedef struct {
  const char *folder;
  const dg_model *model;
  dg_device *device;
  const dg_dataset *data; /**< the set with the test images */
  char log[REPORT_PATH];  /**< source of the page; empty: no report */
  char *description;
  bool begun;       /**< a run was logged */
  dg_dataset *pool; /**< the first test images, for early answers */
  float *early, *outputs, *values;
  char weights_name[128];
  dg_metrics_of_output each[REPORT_EACH];
  report_contents contents;
  dg_error failure; /**< of an early test; reported later */
} run_report;

/** Prepares the folder; `folder` NULL: no report. */
bool run_report_open(run_report *r, const char *folder, dg_error *err);

/** Sets what is run; all arguments must outlive the report. */
bool run_report_describe(run_report *r, const dg_model *model, dg_device *device,
                         const dg_dataset *data, dg_error *err);

/** A run begins: frees the data of the run before. */
void run_report_begin(run_report *r);

/** An epoch has ended: after the first one, records the answers to some test images. */
void run_report_epoch(run_report *r, dg_trainer *trainer, uint32_t epoch);

/** A run has ended: records the first layer's weights, and the network's outputs for the test
    samples, which then belong to the report (NULL: it was not tested), with their `result`. */
bool run_report_take(run_report *r, dg_trainer *trainer, float *outputs, const test_result *result,
                     dg_error *err);

/** Writes the page; `stopped`: why the last run ended early, or NULL. */
bool run_report_write(run_report *r, const char *stopped, dg_error *err);

void run_report_close(run_report *r);

#endif
