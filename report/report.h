/**
 * Reports: one page about a run of digits-run, with pictures, or one page that compares several
 * runs. The curves come from logs (run_log.h), everything else from the caller.
 */
#ifndef DG_REPORT_H
#define DG_REPORT_H

#include "digits/data.h"
#include "digits/model.h"
#include "digits/train.h"
#include "report/folder.h"

enum { REPORT_EACH = 256 }; /* outputs whose metrics a report holds */

/** What a report shows in addition to its log. */
typedef struct {
  const dg_model *model;
  const char *description;          /**< dg_model_describe's text */
  const char *stopped;              /**< why the run ended early; NULL: it didn't */
  const dg_dataset *data;           /**< the set with the samples of the test */
  dg_part_view tested;              /**< they */
  const dg_classes *names;          /**< of the classes */
  dg_task task;                     /**< of the network */
  uint32_t classes;                 /**< outputs of the network */
  const float *outputs;             /**< [tested.count, classes]; NULL: not tested */
  dg_metrics_of_all metrics;        /**< of the test */
  const dg_metrics_of_output *each; /**< [each_count] of the outputs */
  uint32_t each_count;              /**< 0: unknown, or more than REPORT_EACH */
  double temperature;               /**< of the probabilities of classes; 0: none */
  uint32_t early_epoch;             /**< the first epoch that ended in this process */
  uint32_t early_count; /**< number of the first samples of `tested` with early answers; may be 0 */
  const float *early;   /**< [early_count, classes], outputs after that epoch */
  dg_parameter weights; /**< of the first layer that has weights; name NULL: unknown */
  const float *values;  /**< [weights.count] */
} report_contents;

/** Writes the page for the runs in the folder's log; report_folder_open has opened the folder. */
bool report_write(const char *folder, const report_contents *contents, dg_error *err);

/**
 * Writes a page that compares the runs of logs to a folder. `paths` [count] are logs, or folders of
 * reports with a log. `runs` gets the number of runs.
 */
bool report_compare(const char *folder, const char *title, const char *const *paths, size_t count,
                    size_t *runs, dg_error *err);

#endif
