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
  if (!parent) ck_abort_msg("%s: %s", report->place->label, err.message);
  dg_buffer *view = calls->buffer_view(parent, alignment, BYTES, &err);
  if (!view) ck_abort_msg("%s: %s", report->place->label, err.message);

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

/** A device opened with `profile` counts and times the runs of each op. */
static void check_times(rig_report *report) {
  rig_place place = *report->place;
  place.options.device = place.number;
  place.options.profile = true;
  dg_device *device = rig_open(&place);
  const uint32_t width = rig_small() ? 16 : 64;
  dg_op_desc desc = {
      DG_OP_LINEAR, {DG_GRAD_WRITE}, .linear = {.in = width, .out = width, .bias = true}};
  dg_error err = {0};
  dg_op *op = device->calls->prepare(device, &desc, 8, true, &err);
  if (!op) ck_abort_msg("%s: %s", place.label, err.message);
  enum { IN, D_IN, OUT, D_OUT, WEIGHT, BIAS, D_WEIGHT, D_BIAS, KEPT, FORWARD, BACKWARD, TENSORS };
  rig_tensor t[TENSORS];
  for (int i = 0; i < KEPT; i++) t[i] = rig_tensor_new(device, "tensor", 64 * 64 * sizeof(float));
  t[KEPT] = rig_tensor_new(device, "kept", op->needs.kept);
  t[FORWARD] = rig_tensor_new(device, "workspace", op->needs.forward_workspace);
  t[BACKWARD] = rig_tensor_new(device, "workspace", op->needs.backward_workspace);
  dg_op_buffers b = {.in = {t[IN].view},
                     .d_in = {t[D_IN].view},
                     .out = {t[OUT].view},
                     .d_out = t[D_OUT].view,
                     .param = {t[WEIGHT].view, t[BIAS].view},
                     .d_param = {t[D_WEIGHT].view, t[D_BIAS].view},
                     .kept = t[KEPT].view};
  dg_step step = {.n = 8, .train = true};
  dg_op_times times = {0};
  bool ok = true;
  for (int i = 0; i < 3; i++) {
    b.workspace = t[FORWARD].view;
    ok = ok && device->calls->forward(op, &b, &step, &err);
    b.workspace = t[BACKWARD].view;
    if (i > 0) ok = ok && device->calls->backward(op, &b, &step, &err);
  }
  ok = ok && device->calls->finish(device, &err) && device->calls->times(op, &times, &err);
  if (!ok) rig_fail(report, "times: %s", err.message);
  if (times.forward_runs != 3 || times.backward_runs != 2)
    rig_fail(report, "3 runs forward and 2 backward were counted as %llu and %llu",
             (unsigned long long)times.forward_runs, (unsigned long long)times.backward_runs);
  const double most = rig_small() ? 1e9 : 10; /* emulators invent times */
  if (!(times.forward > 0 && times.forward < most && times.backward > 0 && times.backward < most))
    rig_fail(report, "the runs took %g and %g seconds", times.forward, times.backward);
  for (int i = 0; i < TENSORS; i++) rig_tensor_free(&t[i]);
  device->calls->op_free(op);
  device->calls->close(device);
}

static void check_wrong_device(rig_report *report) {
  dg_error err = {0};
  dg_open_options options = report->place->options;
  options.device = "no such device";
  dg_device *device = report->place->backend->open(&options, &err);
  if (device) {
    rig_fail(report, "a device that isn't there was opened");
    device->calls->close(device);
  } else if (err.kind != DG_ERR_INPUT || !strstr(err.message, "no such device")) {
    rig_fail(report, "a device that isn't there: error %d, \"%s\"", err.kind, err.message);
  }
}

void try_device(const rig_place *place, int number) {
  if (!rig_turn()) return;
  (void)number;
  rig_report report = {.place = place, .what = "device"};
  dg_device *device = rig_open(place);
  if (strcmp(device->backend, place->backend->name) != 0)
    rig_fail(&report, "calls itself %s", device->backend);
  check_buffers(&report, device);
  check_too_much(&report, device);
  check_copies(&report, device);
  device->calls->close(device);
  check_times(&report);
  check_wrong_device(&report);
  rig_conclude(&report);
}
