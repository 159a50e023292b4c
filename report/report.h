/**
 * Reports: what a run of digits-run was and came to, on one page with its pictures; and several
 * runs on one page. The curves come out of logs (run_log.h), all else from the caller.
 */
#ifndef DG_REPORT_H
#define DG_REPORT_H

#include "digits/data.h"
#include "digits/model.h"
#include "digits/train.h"
#include "report/folder.h"

/** What a report shows beside its log. */
typedef struct {
  const dg_model *model;
  const char *description; /**< dg_model_describe's text */
  const char *stopped;     /**< why the run ended early; NULL: it didn't */
  dg_part_view tested;     /**< the images that it was tested on */
  const dg_classes *names; /**< of the classes */
  uint32_t classes;        /**< outputs of the network */
  const float *outputs;    /**< [tested.count, classes]; NULL: not tested */
  uint32_t early_epoch;    /**< the first epoch that was seen to end */
  uint32_t early_count;    /**< the first of `tested`; 0: none were looked at */
  const float *early;      /**< outputs after that epoch [early_count, classes] */
  dg_parameter weights;    /**< of the first layer that has some; name NULL: unknown */
  const float *values;     /**< [weights.count] */
} report_contents;

/** Writes the page of the runs that the folder's log tells of, which report_folder_open opened. */
bool report_write(const char *folder, const report_contents *contents, dg_error *err);

/**
 * Writes a page into a folder that compares the runs of logs. `paths` [count] are logs, or folders
 * of reports, which hold one. `runs` gets how many runs were found.
 */
bool report_compare(const char *folder, const char *title, const char *const *paths, size_t count,
                    size_t *runs, dg_error *err);

#endif
