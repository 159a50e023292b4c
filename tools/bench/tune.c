#include "tools/bench/tune.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cache.h"
#include "tools/common/say.h"

enum { MAX_TRIALS = 64, FOLDER_SIZE = 4096 };

static void print_trial(const dg_trial *t) {
  say("  %-8s %-18s ", t->kernel, t->tile);
  if (*t->fault)
    say("%8s  left out: %s\n", "-", t->fault);
  else
    say("%8.1f  %s%s%s\n", t->operations * 1e-9, t->by_default ? "by default" : "",
        t->by_default && t->chosen ? ", " : "", t->chosen ? "chosen" : "");
}

static void print_end(bool kept) {
  char folder[FOLDER_SIZE];
  if (kept && dg_cache_folder(folder, sizeof folder))
    say("kept in %s\n\n", folder);
  else if (dg_cache_folder(folder, sizeof folder))
    say("nothing is kept: %s can't be used; it must be a folder that is yours and that nobody "
        "else may write to\n\n",
        folder);
  else
    say("nothing is kept: there is no folder for it (DIGITS_CACHE is off, or HOME not set)\n\n");
}

static bool tune(void *user, const char *backend, const char *number, dg_error *err) {
  (void)user;
  dg_trial trials[MAX_TRIALS];
  size_t count = 0;
  bool kept = false;
  dg_device *device = dg_open(backend, number, 0, err);
  if (!device) return false;
  say("%s: %s\n", backend, dg_device_name(device));
  fflush(stdout);
  if (isatty(STDERR_FILENO)) fputs("measuring, this takes some seconds\r", stderr);
  bool ok = dg_device_tune(device, trials, sizeof(dg_trial), MAX_TRIALS, &count, &kept, err);
  if (isatty(STDERR_FILENO)) fputs("\033[K", stderr);
  if (ok && count == 0) {
    say("nothing to tune: its tiles are made for each instruction set when digits is built\n\n");
  } else if (ok) {
    say("  %-8s %-18s %8s\n", "kernel", "tile", "GFLOP/s");
    for (size_t i = 0; i < count && i < MAX_TRIALS; i++) print_trial(&trials[i]);
    print_end(kept);
  }
  dg_close(device);
  return ok;
}

bool bench_tune(const bench_options *options, dg_error *err) {
  return bench_for_devices(options, tune, NULL, err);
}
