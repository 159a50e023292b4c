/* Conformance of devices. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/conformance.h"

static void check_buffers(rig_report *report, dg_device *device) {
  enum { BYTES = 1000 };
  const dg_device_calls *calls = device->calls;
  size_t alignment = device->info.alignment;
  unsigned char *bytes = rig_alloc(BYTES, 1);
  dg_error err = {0};
  if (alignment == 0 || alignment % 64 != 0) rig_fail(report, "alignment %zu", alignment);
  dg_buffer *parent = calls->buffer_new(device, alignment + BYTES, &err);
  if (!parent) ck_abort_msg("%s: %s", report->target->label, err.message);
  dg_buffer *view = calls->buffer_view(parent, alignment, BYTES, &err);
  if (!view) ck_abort_msg("%s: %s", report->target->label, err.message);

  bool ok = calls->read(parent, alignment, bytes, BYTES, &err);
  for (size_t i = 0; i < BYTES; i++)
    if (ok && bytes[i]) ok = rig_fail(report, "new memory is not zero at byte %zu", i);
  for (size_t i = 0; i < BYTES; i++) bytes[i] = (unsigned char)(i * 7);
  ok = calls->write(view, 3, bytes, BYTES - 3, &err) && calls->finish(device, &err);
  memset(bytes, 0, BYTES);
  ok = ok && calls->read(parent, alignment + 5, bytes, BYTES - 5, &err);
  for (size_t i = 0; i + 5 < BYTES; i++)
    if (ok && bytes[i] != (unsigned char)((i + 2) * 7))
      ok = rig_fail(report, "what a view was given is not in its parent at byte %zu", i);
  if (!ok) rig_fail(report, "write and read: %s", err.message);

  calls->buffer_free(view);
  calls->buffer_free(parent);
  calls->buffer_free(NULL);
  calls->op_free(NULL);
  free(bytes);
}

static void check_too_much(rig_report *report, dg_device *device) {
  dg_error err = {0};
  dg_buffer *buffer = device->calls->buffer_new(device, (size_t)1 << 50, &err);
  if (buffer)
    rig_fail(report, "a petabyte was allocated");
  else if (err.kind != DG_ERR_MEMORY || !err.message[0])
    rig_fail(report, "a petabyte: error %d, \"%s\"", err.kind, err.message);
  device->calls->buffer_free(buffer);
}

/* ---- runs ---------------------------------------------------------------- */

enum { SAMPLES = 8 };

/** A linear op for up to SAMPLES samples, with tensors of more. */
typedef struct {
  dg_device *device;
  dg_op *op;
  rig_tensor in, d_in, out, d_out, weight, bias, d_weight, d_bias, saved, forward, backward;
} linear_rig;

static linear_rig linear_new(const rig_report *report, dg_device *device, bool train) {
  const uint32_t width = rig_small() ? 16 : 64;
  const size_t bytes = width * width * sizeof(float); /* no fewer than SAMPLES rows */
  dg_op_desc desc = {
      DG_OP_LINEAR, {DG_GRAD_WRITE}, .linear = {.in = width, .out = width, .bias = true}};
  dg_error err = {0};
  dg_op *op = device->calls->prepare(device, &desc, SAMPLES, train, &err);
  if (!op) ck_abort_msg("%s: %s", report->target->label, err.message);
  return (linear_rig){.device = device,
                      .op = op,
                      .in = rig_tensor_new(device, "in", bytes),
                      .d_in = rig_tensor_new(device, "d_in", bytes),
                      .out = rig_tensor_new(device, "out", bytes),
                      .d_out = rig_tensor_new(device, "d_out", bytes),
                      .weight = rig_tensor_new(device, "weight", bytes),
                      .bias = rig_tensor_new(device, "bias", bytes),
                      .d_weight = rig_tensor_new(device, "d_weight", bytes),
                      .d_bias = rig_tensor_new(device, "d_bias", bytes),
                      .saved = rig_tensor_new(device, "saved", op->needs.saved),
                      .forward = rig_tensor_new(device, "workspace", op->needs.forward_workspace),
                      .backward =
                          rig_tensor_new(device, "workspace", op->needs.backward_workspace)};
}

static void linear_free(linear_rig *r) {
  rig_tensor *all[] = {&r->in,       &r->d_in,   &r->out,   &r->d_out,   &r->weight,  &r->bias,
                       &r->d_weight, &r->d_bias, &r->saved, &r->forward, &r->backward};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) rig_tensor_free(all[i]);
  r->device->calls->op_free(r->op);
}

static bool linear_run(const linear_rig *r, bool backward, const dg_step *step, dg_error *err) {
  const dg_device_calls *calls = r->device->calls;
  dg_op_buffers b = {.in = {r->in.view},
                     .d_in = {r->d_in.view},
                     .out = {r->out.view},
                     .d_out = r->d_out.view,
                     .param = {r->weight.view, r->bias.view},
                     .d_param = {r->d_weight.view, r->d_bias.view},
                     .saved = r->saved.view,
                     .workspace = backward ? r->backward.view : r->forward.view};
  return (backward ? calls->backward : calls->forward)(r->op, &b, step, err);
}

/** A run must be refused with a message that names the op and says `why`. */
static void unprepared(rig_report *report, const linear_rig *r, bool backward, uint32_t n,
                       const char *why) {
  dg_error err = {0};
  bool ok = linear_run(r, backward, &(dg_step){.n = n, .train = backward}, &err);
  if (!ok && (!strstr(err.message, "linear") || !strstr(err.message, why)))
    rig_fail(report, "\"%s\" was expected, not \"%s\"", why, err.message);
  rig_refused(report, why, ok, &err);
}

/** What an op was not prepared for it doesn't run; what it was prepared for it runs afterwards. */
static void check_unprepared(rig_report *report, dg_device *device) {
  linear_rig tests = linear_new(report, device, false), trains = linear_new(report, device, true);
  unprepared(report, &tests, true, SAMPLES, "not prepared for a backward pass");
  unprepared(report, &tests, false, SAMPLES + 1, "prepared for 1 to 8 samples, not for 9");
  for (int backward = 0; backward < 2; backward++) {
    unprepared(report, &trains, backward, 0, "prepared for 1 to 8 samples, not for 0");
    unprepared(report, &trains, backward, SAMPLES + 1, "prepared for 1 to 8 samples, not for 9");
  }
  dg_error err = {0};
  const dg_step test = {.n = SAMPLES}, train = {.n = SAMPLES, .train = true};
  if (!linear_run(&tests, false, &test, &err) || !linear_run(&trains, false, &train, &err) ||
      !linear_run(&trains, true, &train, &err) || !device->calls->finish(device, &err))
    rig_fail(report, "after runs that were refused: %s", err.message);
  linear_free(&tests);
  linear_free(&trains);
}

/** A device opened with `profile` counts and times the runs of each op. */
static void check_times(rig_report *report) {
  rig_target target = *report->target;
  target.options.device = target.number;
  target.options.profile = true;
  dg_device *device = rig_open(&target);
  linear_rig r = linear_new(report, device, true);
  const dg_step step = {.n = SAMPLES, .train = true};
  dg_error err = {0};
  dg_op_times times = {0};
  bool ok = true;
  for (int i = 0; i < 3; i++) {
    ok = ok && linear_run(&r, false, &step, &err);
    if (i > 0) ok = ok && linear_run(&r, true, &step, &err);
  }
  ok = ok && device->calls->finish(device, &err) && device->calls->times(r.op, &times, &err);
  if (!ok) rig_fail(report, "times: %s", err.message);
  if (times.forward_runs != 3 || times.backward_runs != 2)
    rig_fail(report, "3 runs forward and 2 backward were counted as %llu and %llu",
             (unsigned long long)times.forward_runs, (unsigned long long)times.backward_runs);
  const double most = rig_small() ? 1e9 : 10; /* emulators invent times */
  if (!(times.forward > 0 && times.forward < most && times.backward > 0 && times.backward < most))
    rig_fail(report, "the runs took %g and %g seconds", times.forward, times.backward);
  linear_free(&r);
  device->calls->close(device);
}

/* ---- the group ----------------------------------------------------------- */

static void check_wrong_device(rig_report *report) {
  dg_error err = {0};
  dg_open_options options = report->target->options;
  options.device = "no such device";
  dg_device *device = report->target->backend->open(&options, &err);
  if (device) {
    rig_fail(report, "a device that isn't there was opened");
    device->calls->close(device);
  } else if (err.kind != DG_ERR_INPUT || !strstr(err.message, "no such device")) {
    rig_fail(report, "a device that isn't there: error %d, \"%s\"", err.kind, err.message);
  }
}

void try_device(const rig_target *target, int number) {
  if (!rig_turn()) return;
  (void)number;
  rig_report report = {.target = target, .what = "device"};
  dg_device *device = rig_open(target);
  if (strcmp(device->backend, target->backend->name) != 0)
    rig_fail(&report, "calls itself %s", device->backend);
  check_buffers(&report, device);
  check_too_much(&report, device);
  check_copies(&report, device);
  check_unprepared(&report, device);
  device->calls->close(device);
  check_times(&report);
  check_wrong_device(&report);
  rig_conclude(&report);
}
