#include "report/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "core/base/file/target.h"
#include "digits/version.h"
#include "report/markup.h"

enum { MAX_NAME = 40 };

/** Names of the figures of each target. */
#define OF_TARGETS(first, name)                                                                    \
  [first] = name "-1.svg", [first + 1] = name "-2.svg", [first + 2] = name "-3.svg",               \
  [first + 3] = name "-4.svg", [first + 4] = name "-5.svg", [first + 5] = name "-6.svg",           \
  [first + 6] = name "-7.svg", [first + 7] = name "-8.svg"

static const char *const names[REPORT_FILES] = {
    [REPORT_PAGE] = "index.html",
    [REPORT_LOG] = "run.jsonl",
    [REPORT_LOSS_BY_STEP] = "loss-by-step.svg",
    [REPORT_ACCURACY_BY_STEP] = "accuracy-by-step.svg",
    [REPORT_LOSS_BY_EPOCH] = "loss-by-epoch.svg",
    [REPORT_ACCURACY_BY_EPOCH] = "accuracy-by-epoch.svg",
    [REPORT_ACCURACY_BY_TIME] = "accuracy-by-time.svg",
    [REPORT_CONFUSION] = "confusion.svg",
    [REPORT_RELIABILITY] = "reliability.svg",
    [REPORT_MISTAKES] = "mistakes.png",
    [REPORT_MISTAKEN_LINES] = "mistakes.svg",
    [REPORT_SAMPLES] = "samples.svg",
    [REPORT_OUTPUTS] = "outputs.png",
    [REPORT_OUTPUT_LINES] = "outputs.svg",
    OF_TARGETS(REPORT_SCATTER, "scatter"),
    OF_TARGETS(REPORT_ERRORS, "errors"),
    [REPORT_ARCHITECTURE] = "architecture.svg",
    [REPORT_FILTERS] = "filters.png",
};

const char *report_name(report_file file) {
  return names[file];
}

void report_path(const char *folder, report_file file, char path[REPORT_PATH]) {
  snprintf(path, REPORT_PATH, "%s/%s", folder, names[file]);
}

/* ---- checking ----------------------------------------------------------- */

/** Does the folder have the page of a report, with our mark? */
static bool is_ours(const char *folder) {
  char path[REPORT_PATH], head[sizeof REPORT_MARK];
  report_path(folder, REPORT_PAGE, path);
  int page = dg_open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (page < 0) return false;
  bool ours = dg_read_at(page, head, sizeof REPORT_MARK - 1, 0) == 0 &&
              memcmp(head, REPORT_MARK, sizeof REPORT_MARK - 1) == 0;
  close(page);
  return ours;
}

/** Refuses files that a report would overwrite or remove, unless a report wrote them. */
static bool check_files(const char *folder, bool ours, dg_error *err) {
  char path[REPORT_PATH];
  struct stat info;
  for (report_file file = REPORT_PAGE; file < REPORT_FILES; file++) {
    report_path(folder, file, path);
    if (lstat(path, &info) != 0 || (ours && S_ISREG(info.st_mode))) continue;
    return dg_fail(err, DG_ERR_INPUT,
                   "%s is there, %s; give the report another folder than %s, or move it away", path,
                   ours                  ? "which is no file of a report"
                   : file == REPORT_PAGE ? "a page that digits didn't write"
                                         : "but no report of digits (its page is missing)",
                   folder);
  }
  return true;
}

/** Refuses a folder if a run is writing its log. */
static bool check_idle(const char *folder, dg_error *err) {
  char path[REPORT_PATH];
  report_path(folder, REPORT_LOG, path);
  int log = dg_open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  bool busy = log >= 0 && dg_lock(log) == EWOULDBLOCK;
  if (log >= 0) close(log);
  return !busy ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: another run writes its report to this folder now; give another one", folder);
}

/* ---- preparing ---------------------------------------------------------- */

/** Marks the folder as ours before the first file is written. Otherwise a killed run would leave
    files that no later report may overwrite. */
static bool write_mark(const char *folder, dg_error *err) {
  char path[REPORT_PATH];
  markup page = {0};
  report_path(folder, REPORT_PAGE, path);
  markup_add(&page,
             REPORT_MARK " %s\">\n<title>No report</title>\n</head>\n<body>\n<p>No report "
                         "yet: it is written when the run ends.</p>\n</body>\n</html>\n",
             dg_version());
  bool ok = markup_write(&page, path, err);
  markup_free(&page);
  return ok;
}

static void remove_pictures(const char *folder) {
  char path[REPORT_PATH];
  for (report_file file = REPORT_LOSS_BY_STEP; file < REPORT_FILES; file++) {
    report_path(folder, file, path);
    unlink(path);
  }
}

/** Makes the folder if it does not exist. */
static bool make_folder(const char *folder, dg_error *err) {
  struct stat info;
  char *target = dg_file_target(folder, err); /* refuses links that must not be followed */
  if (!target) return false;
  free(target);
  if (strlen(folder) + MAX_NAME > REPORT_PATH)
    return dg_fail(err, DG_ERR_INPUT, "%.80s…: the path is too long; use a shorter one", folder);
  if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
    return dg_fail(err, DG_ERR_INPUT, "%s is no folder; give another one for the report", folder);
  return mkdir(folder, 0777) == 0 || errno == EEXIST ||
         dg_fail(err, DG_ERR_RUNTIME, "%s: the folder can't be made: %s", folder, strerror(errno));
}

bool report_folder_open(const char *folder, dg_error *err) {
  char path[REPORT_PATH];
  if (!make_folder(folder, err)) return false;
  bool ours = is_ours(folder);
  if (!check_files(folder, ours, err) || !check_idle(folder, err)) return false;
  if (!ours) return write_mark(folder, err);
  report_path(folder, REPORT_PAGE, path);
  if (!dg_file_check(path, err)) return false;
  remove_pictures(folder);
  return true;
}
