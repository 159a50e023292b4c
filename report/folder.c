#include "report/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/support/file.h"

enum { LONGEST_NAME = 40, HEAD = 1024 };

static const char *const names[REPORT_FILES] = {
    [REPORT_PAGE] = "index.html",
    [REPORT_LOG] = "run.jsonl",
    [REPORT_LOSS_BY_STEP] = "loss-by-step.svg",
    [REPORT_ACCURACY_BY_STEP] = "accuracy-by-step.svg",
    [REPORT_LOSS_BY_EPOCH] = "loss-by-epoch.svg",
    [REPORT_ACCURACY_BY_EPOCH] = "accuracy-by-epoch.svg",
    [REPORT_ACCURACY_BY_TIME] = "accuracy-by-time.svg",
    [REPORT_CONFUSION] = "confusion.svg",
    [REPORT_MISTAKES] = "mistakes.png",
    [REPORT_SAMPLES] = "samples.svg",
    [REPORT_ARCHITECTURE] = "architecture.svg",
    [REPORT_FILTERS] = "filters.png",
};

const char *report_name(report_file file) {
  return names[file];
}

void report_path(const char *folder, report_file file, char path[REPORT_PATH]) {
  snprintf(path, REPORT_PATH, "%s/%s", folder, names[file]);
}

/** Is there no page, or one of ours? */
static bool check_page(const char *folder, const char *path, dg_error *err) {
  char head[HEAD];
  FILE *file = fopen(path, "r");
  if (!file) return true;
  head[fread(head, 1, sizeof head - 1, file)] = '\0';
  fclose(file);
  return strstr(head, REPORT_MARK) != NULL ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s is a page that digits didn't write; give the report another folder than %s",
                 path, folder);
}

bool report_folder_open(const char *folder, dg_error *err) {
  char path[REPORT_PATH];
  struct stat info;
  if (strlen(folder) + LONGEST_NAME > sizeof path)
    return dg_fail(err, DG_ERR_INPUT, "%.80s…: the path is too long; use a shorter one", folder);
  if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
    return dg_fail(err, DG_ERR_INPUT, "%s is no folder; give another one for the report", folder);
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return dg_fail(err, DG_ERR_RUNTIME, "%s: the folder can't be made: %s", folder,
                   strerror(errno));
  report_path(folder, REPORT_PAGE, path);
  if (!check_page(folder, path, err) || !dg_file_check(path, err)) return false;
  for (report_file file = REPORT_LOSS_BY_STEP; file < REPORT_FILES; file++) {
    report_path(folder, file, path);
    unlink(path);
  }
  return true;
}
