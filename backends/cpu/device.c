#include "backends/checks.h"
#include "backends/cpu/instruction_sets.h"
#include "backends/cpu/runtime/batch_split.h"
#include "backends/cpu/runtime/blas.h"
#include "backends/cpu/runtime/buffer.h"
#include "backends/cpu/runtime/calls.h"
#include "core/base/limits/processors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- ops ---------------------------------------------------------------- */

static bool supports(const dg_device *device, const dg_op_desc *desc) {
  const dg_cpu_ops *ops = ((const dg_cpu_device *)device)->ops;
  const dg_cpu_family *family = (unsigned)desc->kind < DG_OP_KINDS ? ops->family[desc->kind] : NULL;
  return family && family->supports(desc);
}

static void op_free(dg_op *base) {
  dg_cpu_partitioned_op *partitioned = (dg_cpu_partitioned_op *)base;
  if (!partitioned) return;
  dg_cpu_batch_split_finish(partitioned->op.device->splits);
  dg_cpu_partition_free(partitioned->partition);
  dg_cpu_release(&partitioned->op);
  free(partitioned);
}

static dg_op *op_new(dg_device *device, const dg_cpu_request *request, dg_error *err) {
  static const uint64_t most = (uint64_t)1 << 57; /* in numbers: bytes are counted in 64 bits */
  const dg_op_desc *desc = request->desc;
  if (!dg_op_check(desc, request->max_n, most, err)) return NULL;
  if (!supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "the cpu backend can't run this %s", dg_op_name(desc->kind));
    return NULL;
  }
  dg_cpu_partitioned_op *partitioned = calloc(1, sizeof *partitioned);
  if (!partitioned) {
    dg_fail_memory(err, sizeof *partitioned);
    return NULL;
  }
  if (dg_cpu_prepare(&partitioned->op, (const dg_cpu_device *)device, request, err) &&
      dg_cpu_batch_split_prepare(partitioned, err))
    return &partitioned->op.base;
  op_free(&partitioned->op.base);
  return NULL;
}

static dg_op *prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                      dg_error *err) {
  return op_new(device, &(dg_cpu_request){desc, max_n, train, false}, err);
}

static void share(dg_op *op, const dg_op *other) {
  dg_cpu_share(&((dg_cpu_partitioned_op *)op)->op, &((const dg_cpu_partitioned_op *)other)->op);
}

static bool needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                  dg_op_needs *needs, dg_error *err) {
  dg_op *op = op_new(device, &(dg_cpu_request){desc, max_n, train, true}, err);
  if (!op) return false;
  *needs = op->needs;
  op_free(op);
  return true;
}

/** Runs an op together with others over the same splits, or by itself and immediately. */
static void run(dg_cpu_partitioned_op *partitioned, bool backward, const dg_op_buffers *buffers,
                const dg_step *step) {
  if (!dg_cpu_batch_split_take(partitioned, backward, buffers, step))
    dg_cpu_run(&partitioned->op, backward, buffers, step);
}

static bool forward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step, dg_error *err) {
  if (!dg_check_forward(base, buffers, step, err)) return false;
  run((dg_cpu_partitioned_op *)base, false, buffers, step);
  return true;
}

static bool backward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                     dg_error *err) {
  dg_cpu_partitioned_op *partitioned = (dg_cpu_partitioned_op *)base;
  if (!dg_check_backward(base, step, partitioned->op.by.backward, err)) return false;
  run(partitioned, true, buffers, step);
  return true;
}

static bool times(dg_op *base, dg_op_times *out, dg_error *err) {
  const dg_cpu_prepared *op = &((const dg_cpu_partitioned_op *)base)->op;
  if (!dg_cpu_finish((dg_device *)op->device, err)) return false;
  *out = op->times;
  return true;
}

/* ---- the device --------------------------------------------------------- */

/** The processor's name from /proc/cpuinfo (x86), else the architecture of the build. */
static void processor_name(char *name, size_t capacity) {
#if defined(__aarch64__)
  snprintf(name, capacity, "AArch64 processor");
#else
  snprintf(name, capacity, "processor");
#endif
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (!file) return;
  char line[256];
  while (fgets(line, sizeof line, file)) {
    char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !value) continue;
    value += 1 + strspn(value + 1, " \t");
    value[strcspn(value, "\n")] = '\0';
    snprintf(name, capacity, "%.*s", (int)capacity - 1, value);
    break;
  }
  fclose(file);
}

/** The number of processors, but at most DG_CPU_MAX_THREADS. */
static int available_threads(void) {
  size_t processors = dg_processors();
  return processors < DG_CPU_MAX_THREADS ? (int)processors : DG_CPU_MAX_THREADS;
}

static dg_device_properties describe(int threads) {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  uint64_t memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
  dg_device_properties info = {.compute_units = (uint32_t)dg_processors(),
                               .threads = (uint32_t)threads,
                               .memory = memory,
                               .max_alloc = memory ? memory : UINT64_MAX,
                               .alignment = DG_CPU_ALIGNMENT};
  processor_name(info.name, sizeof info.name);
  return info;
}

static bool list(dg_device_properties *infos, size_t capacity, size_t *count, dg_error *err) {
  (void)err;
  *count = 1;
  if (capacity > 0) infos[0] = describe(available_threads());
  return true;
}

static void close_device(dg_device *device) {
  dg_cpu_batch_split_free(((dg_cpu_device *)device)->splits);
  dg_pool_free(((dg_cpu_device *)device)->pool);
  dg_cpu_calls_free(((dg_cpu_device *)device)->calls);
  free(device);
}

static const dg_device_calls calls = {
    .close = close_device,
    .buffer_new = dg_cpu_buffer_new,
    .buffer_view = dg_cpu_buffer_view,
    .buffer_free = dg_cpu_buffer_free,
    .write = dg_cpu_buffer_write,
    .upload = dg_cpu_buffer_upload,
    .read = dg_cpu_buffer_read,
    .copy = dg_cpu_buffer_copy,
    .fill = dg_cpu_buffer_fill,
    .finish = dg_cpu_finish,
    .memory_left = dg_cpu_memory_left,
    .supports = supports,
    .prepare = prepare,
    .needs = needs,
    .share = share,
    .op_free = op_free,
    .forward = forward,
    .backward = backward,
    .times = times,
};

static dg_device *open_device(const dg_open_options *options, dg_error *err) {
  if (options->threads > DG_CPU_MAX_THREADS) {
    dg_fail(err, DG_ERR_INPUT, "the cpu backend runs on at most %d threads, not on %u",
            DG_CPU_MAX_THREADS, options->threads);
    return NULL;
  }
  const dg_cpu_ops *ops = dg_cpu_ops_for(options->form, err);
  if (!ops) return NULL;
  int threads = options->threads ? (int)options->threads : available_threads();
  dg_device_properties info = describe(threads);
  if (dg_pick_device(&info, 1, options->device, err) < 0) return NULL;
  dg_cpu_device *device = calloc(1, sizeof *device);
  if (!device) {
    dg_fail_memory(err, sizeof *device);
    return NULL;
  }
  device->base = (dg_device){.calls = &calls, .backend = "cpu", .info = info};
  device->threads = threads;
  device->profile = options->profile;
  device->ops = ops;
  if (!options->keep_blas_threads) dg_blas_set_up();
  if ((threads > 1 && (!(device->pool = dg_pool_new((size_t)threads, err)) ||
                       !(device->calls = dg_cpu_calls_new(err)))) ||
      !(device->splits = dg_cpu_batch_split_new(device, err))) {
    close_device(&device->base);
    return NULL;
  }
  return &device->base;
}

const dg_backend dg_backend_cpu = {
    .name = "cpu", .forms = dg_cpu_instruction_sets, .list = list, .open = open_device};
