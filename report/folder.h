/** The folder of a report: what its files are called, and whether they may be written. */
#ifndef DG_REPORT_FOLDER_H
#define DG_REPORT_FOLDER_H

#include <stddef.h>

#include "core/base/error.h"

typedef enum {
  REPORT_PAGE,
  REPORT_LOG,
  REPORT_LOSS_BY_STEP,
  REPORT_ACCURACY_BY_STEP,
  REPORT_LOSS_BY_EPOCH,
  REPORT_ACCURACY_BY_EPOCH,
  REPORT_ACCURACY_BY_TIME,
  REPORT_CONFUSION,
  REPORT_MISTAKES,
  REPORT_SAMPLES,
  REPORT_ARCHITECTURE,
  REPORT_FILTERS,
  REPORT_FILES
} report_file;

enum { REPORT_PATH = 4096 };

/** The path of a file in the folder, which report_folder_open found short enough. */
void report_path(const char *folder, report_file file, char path[REPORT_PATH]);

/** Its name within the folder. */
const char *report_name(report_file file);

/**
 * Makes the folder where there is none, with a page that says that no report is in it yet, and
 * removes the pictures of an earlier report. Files of a report's names in a folder whose page is
 * none of ours, links of such names, and a folder that a run writes its report to are errors.
 */
bool report_folder_open(const char *folder, dg_error *err);

/** What marks a page as ours: it begins so. */
#define REPORT_MARK                                                                                \
  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                        \
  "<meta name=\"generator\" content=\"digits"

#endif
