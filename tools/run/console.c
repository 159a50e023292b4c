#include "tools/run/console.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/terminal.h"

console console_open(bool quiet) {
  return (console){.quiet = quiet,
                   .live = terminal_obeys(STDOUT_FILENO),
                   .colored = terminal_colored(STDOUT_FILENO)};
}

void console_clear(const console *c) {
  if (!c->live || c->quiet) return;
  fputs("\r\033[K", stdout);
  fflush(stdout);
}

static void print_time(double seconds) {
  long s = (long)(seconds + 0.5);
  if (s >= 3600)
    printf("%ld h %02ld min", s / 3600, s / 60 % 60);
  else if (s >= 60)
    printf("%ld min %02ld s", s / 60, s % 60);
  else
    printf("%ld s", s);
}

void console_progress(const console *c, const dg_progress *p) {
  if (!c->live || c->quiet) return;
  printf("\r\033[Kepoch %u/%u  %3.0f %%  %.0f samples/s  ", p->epoch, p->epochs,
         100.0 * p->step / p->steps, p->samples_per_second);
  print_time(p->seconds_left);
  fputs(p->may_stop_early ? " left at most" : " left", stdout);
  fflush(stdout);
}

/** The metric that the best is kept by, unless it is shown anyway. */
static void print_metric(const dg_epoch_report *r) {
  if (strcmp(r->metric, "loss") != 0 && strcmp(r->metric, "accuracy") != 0)
    printf("  %s %.4g", r->metric, r->value);
}

void console_epoch(const console *c, const dg_epoch_report *r) {
  if (c->quiet) return;
  console_clear(c);
  bool best = c->colored && r->best;
  printf("epoch %2u/%u  loss %.4f", r->epoch, r->epochs, r->train.loss);
  if (!isnan(r->train.accuracy)) printf("  accuracy %6.2f %%", 100 * r->train.accuracy);
  if (r->validated) {
    printf("  validation %.4f%s", r->validation.loss, best ? "\033[32m" : "");
    if (!isnan(r->validation.accuracy)) printf("  %6.2f %%", 100 * r->validation.accuracy);
    print_metric(r);
    printf("%s%s", r->best ? " *" : "  ", best ? "\033[0m" : "");
  }
  printf("  %.1f s  %.0f samples/s\n", r->seconds, r->samples_per_second);
  if (r->stopped_early)
    printf("stopped early: %u epoch%s without a better validation (%s)\n", r->waited,
           r->waited == 1 ? "" : "s", r->metric);
  fflush(stdout);
}
