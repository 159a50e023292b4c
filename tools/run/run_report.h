/** --report: what is noted of a run while it goes, for the page at its end. */
#ifndef DG_RUN_REPORT_H
#define DG_RUN_REPORT_H

#include "report/report.h"

/** All zero: no report is wanted, and nothing below does anything. */
typedef struct {
  const char *folder;
  const dg_model *model;
  dg_device *device;
  const dg_dataset *data; /**< whose test images the network is tested on */
  char log[REPORT_PATH];  /**< what the page is drawn from; empty: no report */
  char *description;
  bool begun;       /**< a run was logged */
  dg_dataset *pool; /**< the first test images, looked at early */
  float *early, *outputs, *values;
  char weights_name[128];
  report_contents contents;
  dg_error failure; /**< of a look that no one could be told of at once */
} run_report;

/** Makes the folder ready; `folder` NULL: no report. */
bool run_report_open(run_report *r, const char *folder, dg_error *err);

/** Says what is run; all must outlive the report. */
bool run_report_describe(run_report *r, const dg_model *model, dg_device *device,
                         const dg_dataset *data, dg_error *err);

/** A run begins: what was noted of the one before it is dropped. */
void run_report_begin(run_report *r);

/** An epoch has ended: after the first, looks at how some test images are read. */
void run_report_epoch(run_report *r, dg_trainer *trainer, uint32_t epoch);

/** A run has ended: notes all answers, where it was `tested`, and the first layer's weights. */
bool run_report_take(run_report *r, dg_trainer *trainer, bool tested, dg_error *err);

/** Writes the page; `stopped`: why the last run ended early, or NULL. */
bool run_report_write(run_report *r, const char *stopped, dg_error *err);

void run_report_close(run_report *r);

#endif
