/** The folder of a report: names of its files, and checks whether they may be written. */
#ifndef DG_REPORT_FOLDER_H
#define DG_REPORT_FOLDER_H

#include <stddef.h>

#include "core/base/error.h"

enum { REPORT_TARGETS = 8 }; /* targets with figures of their own */

typedef enum {
  REPORT_PAGE,
  REPORT_LOG,
  REPORT_LOSS_BY_STEP,
  REPORT_ACCURACY_BY_STEP,
  REPORT_LOSS_BY_EPOCH,
  REPORT_ACCURACY_BY_EPOCH,
  REPORT_ACCURACY_BY_TIME,
  REPORT_CONFUSION,
  REPORT_RELIABILITY,
  REPORT_MISTAKES,
  REPORT_MISTAKEN_LINES,
  REPORT_SAMPLES,
  REPORT_OUTPUTS,
  REPORT_OUTPUT_LINES,
  REPORT_SCATTER, /* of the first target, as the next, then those of the others */
  REPORT_ERRORS = REPORT_SCATTER + REPORT_TARGETS,
  REPORT_ERRORS_END = REPORT_ERRORS + REPORT_TARGETS - 1,
  REPORT_ARCHITECTURE,
  REPORT_FILTERS,
  REPORT_FILES
} report_file;

enum { REPORT_PATH = 4096 };

/** The path of a file in the folder; report_folder_open has checked its length. */
void report_path(const char *folder, report_file file, char path[REPORT_PATH]);

/** The file's name in the folder. */
const char *report_name(report_file file);

/**
 * Makes the folder if it does not exist, with a page that says that there is no report yet, and
 * removes the pictures of an earlier report. It is an error if the folder has files with a report's
 * names but no page of ours, links with such names, or if a run is writing its report there.
 */
bool report_folder_open(const char *folder, dg_error *err);

/** The mark of our pages: they begin with it. */
#define REPORT_MARK                                                                                \
  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                        \
  "<meta name=\"generator\" content=\"digits"

#endif
