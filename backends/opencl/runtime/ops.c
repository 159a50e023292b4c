/* Ops: one family a kind, how they are prepared and freed, and how they launch kernels. */
#include <stdlib.h>

#include "backends/opencl/runtime/opencl.h"

/* Is a linear layer CLBlast's? By default those are whose weights fill many tiles. */
static bool is_for_clblast(const dg_cl_device *device, const dg_op_desc *desc) {
  enum { LARGE = 1 << 16 };
  if (desc->kind != DG_OP_LINEAR || device->blast == DG_CL_BLAST_NEVER) return false;
  return device->blast == DG_CL_BLAST_ALWAYS ||
         (uint64_t)desc->linear.in * desc->linear.out >= LARGE;
}

/* Is a convolution one of minimal filtering? Its tiles want some samples. */
static bool is_for_winograd(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n) {
  enum { SOME = 8 };
  return desc->kind == DG_OP_CONV2D && device->form == DG_CL_TILE && max_n >= SOME &&
         dg_cl_winograd_is_faster(&desc->conv2d);
}

/* Is a convolution taken pixel by pixel? Its tiles want many channels, and some samples. */
static bool is_for_pixels(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n) {
  enum { MANY = 32, SOME = 8 };
  return desc->kind == DG_OP_CONV2D && device->form == DG_CL_TILE && max_n >= SOME &&
         desc->conv2d.channels >= MANY && desc->conv2d.filters >= MANY;
}

static const dg_cl_family *family_of(const dg_cl_device *device, const dg_op_desc *desc,
                                     uint32_t max_n) {
  static const dg_cl_family *const families[DG_OP_KINDS] = {
      [DG_OP_LINEAR] = &dg_cl_linear,         [DG_OP_CONV2D] = &dg_cl_conv2d,
      [DG_OP_MAXPOOL2D] = &dg_cl_maxpool2d,   [DG_OP_AVGPOOL2D] = &dg_cl_avgpool2d,
      [DG_OP_ACTIVATION] = &dg_cl_activation, [DG_OP_DROPOUT] = &dg_cl_dropout,
      [DG_OP_CHW_TO_HWC] = &dg_cl_chw_to_hwc, [DG_OP_ADD] = &dg_cl_add,
      [DG_OP_CONCAT] = &dg_cl_concat,         [DG_OP_CONV1D] = &dg_cl_conv1d,
      [DG_OP_BATCH_NORM] = &dg_cl_batch_norm, [DG_OP_LAYER_NORM] = &dg_cl_layer_norm,
      [DG_OP_GATHER] = &dg_cl_gather,         [DG_OP_LOSS] = &dg_cl_loss,
      [DG_OP_UPDATE] = &dg_cl_update,         [DG_OP_AVERAGE] = &dg_cl_average,
      [DG_OP_RECURRENT] = &dg_cl_recurrent,
  };
  if (is_for_winograd(device, desc, max_n)) return &dg_cl_conv2d_winograd;
  if (is_for_pixels(device, desc, max_n)) return &dg_cl_conv2d_pixels;
  return is_for_clblast(device, desc) ? &dg_cl_linear_clblast : families[desc->kind];
}

static bool family_supports(const dg_cl_family *family, const dg_cl_device *device,
                            const dg_op_desc *desc) {
  return family && (!family->supports || family->supports(device, desc));
}

bool dg_cl_op_supports(const dg_device *base, const dg_op_desc *desc) {
  const dg_cl_device *device = (const dg_cl_device *)base;
  if ((unsigned)desc->kind >= DG_OP_KINDS) return false;
  return family_supports(family_of(device, desc, 1), device, desc) &&
         family_supports(family_of(device, desc, UINT32_MAX), device, desc);
}

/* Half of what 32 bits count: what a range is rounded up to must not begin anew at 0. */
enum { MOST_NUMBERS = INT32_MAX };

bool dg_cl_check_count(uint64_t numbers, dg_error *err) {
  return numbers <= MOST_NUMBERS ||
         dg_fail(err, DG_ERR_MEMORY,
                 "a tensor of %llu numbers is too large, the opencl backend takes up to %d; "
                 "a smaller batch fits",
                 (unsigned long long)numbers, MOST_NUMBERS);
}

static dg_cl_op *op_new(dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                        dg_error *err) {
  const dg_cl_family *family = family_of(device, desc, max_n);
  dg_cl_op *op = calloc(1, family->size);
  dg_cl_profile *profile = device->profile ? calloc(1, sizeof *profile) : NULL;
  if (!op || (device->profile && !profile)) {
    free(op);
    free(profile);
    dg_fail_memory(err, family->size);
    return NULL;
  }
  op->base.desc = *desc;
  op->base.max_n = max_n;
  op->device = device;
  op->family = family;
  op->train = train;
  op->profile = profile;
  return op;
}

static dg_cl_op *op_make(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                         bool planned, dg_error *err) {
  if (!dg_op_check(desc, max_n, MOST_NUMBERS, err)) return NULL;
  if (!dg_cl_op_supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "the opencl backend lacks this op, or what is fused to it");
    return NULL;
  }
  dg_cl_op *op = op_new((dg_cl_device *)device, desc, max_n, train, err);
  if (!op) return NULL;
  op->planned = planned;
  if (op->family->prepare(op, err)) return op;
  dg_cl_op_free(&op->base);
  return NULL;
}

dg_op *dg_cl_op_prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                        dg_error *err) {
  dg_cl_op *op = op_make(device, desc, max_n, train, false, err);
  return op ? &op->base : NULL;
}

bool dg_cl_op_needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                    dg_op_needs *needs, dg_error *err) {
  dg_cl_op *op = op_make(device, desc, max_n, train, true, err);
  if (!op) return false;
  *needs = op->base.needs;
  dg_cl_op_free(&op->base);
  return true;
}

void dg_cl_op_free(dg_op *base) {
  dg_cl_op *op = (dg_cl_op *)base;
  if (!op) return;
  for (size_t i = 0; op->profile && i < op->profile->count; i++)
    clReleaseEvent(op->profile->events[i]);
  for (size_t i = 0; i < op->kernel_count; i++) clReleaseKernel(op->kernels[i]);
  for (size_t i = 0; i < op->table_count; i++) dg_cl_buffer_free(op->tables[i]);
  free(op->profile);
  free(op);
}

dg_buffer *dg_cl_scratch(dg_cl_op *op, size_t bytes, dg_error *err) {
  enum { LEAST = 64 };
  if (op->planned && bytes > LEAST) bytes = LEAST;
  dg_buffer *scratch = dg_cl_buffer_new(&op->device->base, bytes, err);
  if (scratch) op->tables[op->table_count++] = scratch;
  return scratch;
}

dg_buffer *dg_cl_table(dg_cl_op *op, const void *from, size_t bytes, dg_error *err) {
  dg_buffer *table = dg_cl_buffer_new(&op->device->base, bytes, err);
  if (table) op->tables[op->table_count++] = table;
  return table && dg_cl_buffer_write(table, 0, from, bytes, err) ? table : NULL;
}

/* ---- running ------------------------------------------------------------ */

static bool flush(dg_cl_op *op, dg_error *err) {
  cl_int code = clFlush(op->device->queue);
  return !code || dg_cl_fail(err, op->device, code, "starting work on the device");
}

bool dg_cl_op_forward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                      dg_error *err) {
  dg_cl_op *op = (dg_cl_op *)base;
  op->in_backward = false;
  if (op->profile) op->profile->times.forward_runs++;
  return op->family->forward(op, buffers, step, err) && flush(op, err);
}

bool dg_cl_op_backward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                       dg_error *err) {
  dg_cl_op *op = (dg_cl_op *)base;
  op->in_backward = true;
  if (op->profile) op->profile->times.backward_runs++;
  return op->family->backward(op, buffers, step, err) && flush(op, err);
}

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

static bool fail_launch(dg_cl_op *op, cl_kernel kernel, cl_int code, dg_error *err) {
  char name[64] = "";
  clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
  return dg_cl_fail(err, op->device, code, "running the kernel %s", name);
}

bool dg_cl_launch(dg_cl_op *op, cl_kernel kernel, dg_cl_range range, const dg_cl_arg *args,
                  dg_error *err) {
  cl_int code = CL_SUCCESS;
  for (cl_uint i = 0; args[i].size && !code; i++)
    code = clSetKernelArg(kernel, i, args[i].size, &args[i].value);
  cl_event event = NULL;
  if (!code)
    code = clEnqueueNDRangeKernel(op->device->queue, kernel, 3, range.first, range.global,
                                  range.local, 0, NULL, op->profile ? &event : NULL);
  if (code) return fail_launch(op, kernel, code, err);
  return !op->profile || dg_cl_note_event(op, event, err);
}

/* ---- measuring ---------------------------------------------------------- */

/* Adds the times of all noted events up, waiting for those that still run. */
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
    *(profile->backward[i] ? &profile->times.backward : &profile->times.forward) +=
        (double)(end - start) * 1e-9;
  }
  profile->count = 0;
  return !code || dg_cl_fail(err, op->device, code, "reading the time of an op");
}

bool dg_cl_note_event(dg_cl_op *op, cl_event event, dg_error *err) {
  dg_cl_profile *profile = op->profile;
  profile->events[profile->count] = event;
  profile->backward[profile->count++] = op->in_backward;
  return profile->count < DG_CL_MAX_EVENTS || read_events(op, err);
}

bool dg_cl_op_times(dg_op *base, dg_op_times *times, dg_error *err) {
  dg_cl_op *op = (dg_cl_op *)base;
  *times = (dg_op_times){0};
  if (!op->profile) return true;
  if (!read_events(op, err)) return false;
  *times = op->profile->times;
  return true;
}
