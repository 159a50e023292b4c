/** digits-report: compares runs of digits-run on one page. */
#include <stdio.h>

#include "digits/version.h"
#include "report/report.h"
#include "tools/common/command.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"

static const char help[] =
    "Usage: digits-report [options] OUT RUN...\n"
    "Writes the page OUT/index.html, which compares runs: a table of results, and charts that\n"
    "show the losses and accuracies of all runs together. The charts are also written as SVG\n"
    "files. Each RUN is a log that digits-run --log wrote, or a folder that digits-run\n"
    "--report wrote; every run of a log is shown (--runs). OUT is a folder, which is created if\n"
    "needed. If it has files with the names of a report's, it must hold an earlier report, and\n"
    "none of the runs.\n"
    "\n"
    "  --title TEXT   heading of the page; default: Runs compared\n"
    "  --quiet        print nothing\n"
    "  -h, --help     this help\n"
    "  --version\n"
    "\n"
    "Exit status: 0 success; 1 failure while running; 2 wrong usage or input.\n";

/** The options; strings point into argv. */
typedef struct {
  bool help, version, quiet;
  const char *title, *folder;
  const char *const *runs;
  size_t count;
} report_options;

static bool read_options(report_options *o, int argc, char **argv, dg_error *err) {
  enum { TITLE, QUIET, HELP, VERSION };
  static const struct option known[] = {{"title", required_argument, NULL, TITLE},
                                        {"quiet", no_argument, NULL, QUIET},
                                        {"help", no_argument, NULL, HELP},
                                        {"version", no_argument, NULL, VERSION},
                                        {0}};
  *o = (report_options){.title = "Runs compared"};
  int index;
  for (int which; (which = command_option(argc, argv, known, &index, err)) != -1;) {
    if (which == '?') return false;
    if (which == TITLE) o->title = optarg;
    o->quiet |= which == QUIET;
    o->help |= which == HELP;
    o->version |= which == VERSION;
  }
  if (o->help || o->version) return true;
  if (argc - optind < 2)
    return dg_fail(err, DG_ERR_INPUT,
                   "give the folder of the page and one run at least; see --help");
  o->folder = argv[optind];
  o->runs = (const char *const *)(argv + optind + 1);
  o->count = (size_t)(argc - optind - 1);
  return true;
}

/** Checks that the report does not overwrite the runs that it reads. */
static bool check_targets(const report_options *o, dg_error *err) {
  targets t = {0};
  char path[REPORT_PATH];
  bool ok = true;
  for (report_file file = REPORT_PAGE; ok && file < REPORT_FILES; file++)
    ok = targets_write_in(&t, "OUT", o->folder, report_name(file), err);
  for (size_t i = 0; ok && i < o->count; i++) {
    bool long_path = snprintf(path, sizeof path, "%s/%s", o->runs[i], report_name(REPORT_LOG)) >=
                     (int)sizeof path;
    ok = targets_read(&t, "a run is", o->runs[i], err) &&
         (long_path || targets_read(&t, "a run is", path, err));
  }
  targets_close(&t);
  return ok;
}

static bool perform(const report_options *o, dg_error *err) {
  size_t runs;
  if (o->help) return command_help(help);
  if (!check_targets(o, err)) return false;
  if (o->version) return say("digits-report %s\n", dg_version());
  if (!report_compare(o->folder, o->title, o->runs, o->count, &runs, err)) return false;
  if (!o->quiet)
    say("%s/%s: %zu run%s\n", o->folder, report_name(REPORT_PAGE), runs, runs == 1 ? "" : "s");
  return true;
}

int main(int argc, char **argv) {
  report_options o;
  dg_error err = {0};
  command_begin();
  bool ok = read_options(&o, argc, argv, &err) && perform(&o, &err);
  return command_end("digits-report", "", ok, &err);
}
