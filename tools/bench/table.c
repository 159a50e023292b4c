#include "tools/bench/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/command.h"
#include "tools/common/say.h"

void bench_table_begin(const bench_options *o, const bench_side *sides, uint32_t count,
                       const dg_dataset *data) {
  for (uint32_t i = 0; i < count; i++)
    say("%-10s %s, %u %s%s\n", sides[i].label, dg_device_name(sides[i].opened),
        command_units(sides[i].opened),
        strcmp(sides[i].backend, "cpu") == 0 ? "thread" : "compute unit",
        command_units(sides[i].opened) == 1 ? "" : "s");
  say("medians of %u round%s of %g s each, images: %s\n\n", o->rounds, o->rounds == 1 ? "" : "s",
      o->seconds, dg_dataset_source(data));
  say("%-24s   ---------- training ----------   ---------- testing -----------  one image  "
      "      MiB         start, s    losses\n",
      "");
  say("%-13s %-10s  %9s %8s %5s %5s   %9s %8s %5s %5s  %9s %7s %7s %7s %6s %8s\n", "model",
      "device", "images/s", "GFLOP/s", "peak", "mem", "images/s", "GFLOP/s", "peak", "mem", "us",
      "device", "process", "cold", "warm", "apart");
}

/** Prints a number with so many decimals, or a dash if it wasn't measured. */
static void cell(int width, int decimals, double number) {
  if (isnan(number))
    say(" %*s", width, "-");
  else
    say(" %*.*f", width, decimals, number);
}

/** A share as per cent. */
static void share(double number) {
  if (isnan(number))
    say(" %5s", "-");
  else
    say(" %4.0f%%", 100 * number);
}

/** Samples per second, and their shares of the peak operations and bytes. */
static void speed(const bench_result *r, bench_series series, double operations, double bytes) {
  double rate = r->median[series];
  cell(10, 0, rate);
  cell(8, 1, rate * operations * 1e-9);
  share(rate * operations / r->median[SERIES_PRODUCT]);
  share(rate * bytes / r->median[SERIES_MEMORY]);
}

static void print_line(const char *model, const bench_side *side, const bench_result *r) {
  const double mebibyte = 1 << 20;
  say("%-13s %-10s ", model, side->label);
  speed(r, SERIES_TRAIN, r->train_operations, r->train_bytes);
  putchar(' ');
  speed(r, SERIES_TEST, r->test_operations, r->test_bytes);
  cell(10, 1, 1e6 * r->median[SERIES_LATENCY]);
  cell(7, 1, (double)r->memory / mebibyte);
  cell(7, 1, r->host_memory ? (double)r->host_memory / mebibyte : NAN);
  cell(7, 2, r->cold);
  cell(6, 2, r->warm);
  if (isnan(r->apart))
    say(" %8s\n", "-");
  else
    say(" %8.1e\n", r->apart);
}

/* ---- layer by layer ----------------------------------------------------- */

/** Milliseconds of a step, GFLOP/s, and the share of the step's time. */
static void part(double seconds, double operations, double all) {
  if (seconds <= 0) {
    say(" %10s %8s %5s", "-", "-", "-");
    return;
  }
  cell(10, 3, 1e3 * seconds);
  cell(8, 1, operations > 0 ? operations / seconds * 1e-9 : NAN);
  share(seconds / all);
}

static void print_layers(const char *model, const bench_side *side, const bench_result *r) {
  double all, forward = 0, backward = 0, ahead = 0, behind = 0;
  for (size_t i = 0; i < r->layer_count; i++) {
    ahead += r->layers[i].forward_operations * r->batch;
    behind += r->layers[i].backward_operations * r->batch;
    forward += r->layers[i].forward_seconds;
    backward += r->layers[i].backward_seconds;
  }
  all = forward + backward;
  putchar('\n');
  say("%s on %s: a step of %u images\n", model, side->label, r->batch);
  say("  %-16s %-36s %10s %8s %5s %10s %8s %5s\n", "layer", "op", "forward ms", "GFLOP/s", "share",
      "backward", "GFLOP/s", "share");
  for (size_t i = 0; i < r->layer_count; i++) {
    const dg_cost *c = &r->layers[i];
    say("  %-16s %-36s", c->layer, c->op);
    part(c->forward_seconds, c->forward_operations * r->batch, all);
    part(c->backward_seconds, c->backward_operations * r->batch, all);
    putchar('\n');
  }
  say("  %-53s", "in all");
  part(forward, ahead, all);
  part(backward, behind, all);
  putchar('\n');
}

void bench_table_model(const char *model, const bench_side *sides, uint32_t count,
                       const bench_result *results) {
  for (uint32_t i = 0; i < count; i++) print_line(model, &sides[i], &results[i]);
  for (uint32_t i = 0; i < count; i++)
    if (results[i].layer_count) print_layers(model, &sides[i], &results[i]);
  if (results[0].layer_count) putchar('\n');
  fflush(stdout);
}

void bench_table_end(const bench_side *sides, uint32_t count) {
  putchar('\n');
  for (uint32_t i = 0; i < count && sides[i].models > 0; i++)
    say("%-10s peak %.1f GFLOP/s, mem %.1f GB/s\n", sides[i].label,
        1e-9 * sides[i].reached.operations / sides[i].models,
        1e-9 * sides[i].reached.bytes / sides[i].models);
}
