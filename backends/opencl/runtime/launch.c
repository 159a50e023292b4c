/* Launches of an op's kernels, and the time they took. */
#include "backends/opencl/runtime/groups.h"

dg_cl_range dg_cl_range_of(const size_t items[3], const size_t local[3]) {
  dg_cl_range range = {0};
  for (int d = 0; d < 3; d++) {
    range.global[d] = dg_cl_round_up(items[d], local[d]);
    range.local[d] = local[d];
  }
  return range;
}

dg_cl_range dg_cl_blocks(const dg_cl_device *device, size_t count, size_t samples) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(count, dg_cl_width(device)), samples, 1},
                        (size_t[3]){64, 1, 1});
}

/* Work-items of the largest work-group of one of the op's kernels. */
static size_t items_of(const dg_cl_op *op, cl_kernel kernel) {
  size_t i = 0;
  while (i + 1 < op->kernel_count && op->kernels[i] != kernel) i++;
  return op->items[i];
}

static bool fail_launch(const dg_cl_op *op, cl_kernel kernel, cl_int code, dg_error *err) {
  char name[64] = "";
  clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
  return dg_cl_fail(err, op->device, code, "running the kernel %s", name);
}

bool dg_cl_launch(dg_cl_op *op, cl_kernel kernel, dg_cl_range range, const dg_cl_arg *args,
                  dg_error *err) {
  cl_int code = CL_SUCCESS;
  dg_cl_fit_range(&range, &op->device->groups, items_of(op, kernel));
  for (cl_uint i = 0; args[i].size && !code; i++)
    code = clSetKernelArg(kernel, i, args[i].size, &args[i].value);
  cl_event event = NULL;
  if (!code)
    code = clEnqueueNDRangeKernel(op->device->queue, kernel, 3, range.first, range.global,
                                  range.local, 0, NULL, op->profile ? &event : NULL);
  if (code) return fail_launch(op, kernel, code, err);
  return !op->profile || dg_cl_note_event(op, event, err);
}

/* Adds up the times of all recorded events, waiting for those that still run. */
static bool read_events(dg_cl_op *op, dg_error *err) {
  dg_cl_profile *profile = op->profile;
  if (profile->count == 0) return true;
  cl_int code = clWaitForEvents((cl_uint)profile->count, profile->events);
  for (size_t i = 0; i < profile->count; i++) {
    cl_ulong start = 0, end = 0;
    cl_event event = profile->events[i];
    if (!code)
      code = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (!code)
      code = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    clReleaseEvent(event);
    profile->seconds += (double)(end - start) * 1e-9;
  }
  profile->count = 0;
  return !code || dg_cl_fail(err, op->device, code, "reading the time of an op");
}

bool dg_cl_note_event(dg_cl_op *op, cl_event event, dg_error *err) {
  op->profile->events[op->profile->count++] = event;
  return op->profile->count < DG_CL_MAX_EVENTS || read_events(op, err);
}

bool dg_cl_op_seconds(dg_cl_op *op, double *seconds, dg_error *err) {
  *seconds = 0;
  if (!op->profile) return true;
  if (!read_events(op, err)) return false;
  *seconds = op->profile->seconds;
  return true;
}
