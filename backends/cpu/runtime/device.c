#include "backends/cpu/runtime/blas.h"
#include "backends/cpu/runtime/cpu.h"
#include "backends/cpu/runtime/lanes.h"
#include "core/base/clock.h"
#include "core/base/size.h"
#include "core/base/text.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 1024 };

/** Below this many operations a thread costs more to wake than it saves. */
enum { OPERATIONS_PER_THREAD = 16 * 1024 };

/** The instruction sets that the ops were compiled for (CMakeLists.txt). */
extern const dg_cpu_ops dg_cpu_ops_baseline;
#ifdef DG_CPU_AVX2
extern const dg_cpu_ops dg_cpu_ops_avx2;
#endif
#ifdef DG_CPU_AVX512
extern const dg_cpu_ops dg_cpu_ops_avx512;
#endif

/** Ops for an instruction set, and whether this processor has it. */
typedef struct {
  const char *name;
  bool here;
  const dg_cpu_ops *ops;
} isa;

/** The ops to run: of the instruction set `wanted`, or (NULL) the best that this processor has. */
static const dg_cpu_ops *choose_ops(const char *wanted, dg_error *err) {
  const isa sets[] = {
#ifdef DG_CPU_AVX512
      {"avx512",
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"),
       &dg_cpu_ops_avx512},
#endif
#ifdef DG_CPU_AVX2
      {"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), &dg_cpu_ops_avx2},
#endif
      {"baseline", true, &dg_cpu_ops_baseline},
  };
  char names[64] = "";
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    dg_append(names, sizeof names, "%s%s", i ? ", " : "", sets[i].name);
    if (wanted ? strcmp(wanted, sets[i].name) != 0 : !sets[i].here) continue;
    if (sets[i].here) return sets[i].ops;
    dg_fail(err, DG_ERR_UNSUPPORTED, "this processor has no %s", wanted);
    return NULL;
  }
  dg_fail(err, DG_ERR_INPUT, "the cpu backend has no ops of form \"%s\"; there are %s", wanted,
          names);
  return NULL;
}

int dg_cpu_threads(const dg_cpu_device *device, size_t operations) {
  size_t useful = operations / OPERATIONS_PER_THREAD;
  return useful >= (size_t)device->threads ? device->threads : useful > 1 ? (int)useful : 1;
}

dg_span dg_cpu_share(size_t count, size_t grain) {
  size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
  size_t grains = (count + grain - 1) / grain;
  size_t begin = grains * thread / threads * grain, end = grains * (thread + 1) / threads * grain;
  return (dg_span){begin < count ? begin : count, end < count ? end : count};
}

/* ---- buffers ------------------------------------------------------------ */

/** A number that no state of a buffer had before. */
static uint64_t new_version(dg_device *device) {
  return ++((dg_cpu_device *)device)->versions;
}

static dg_buffer *buffer_wrap(dg_device *device, void *data, size_t bytes, dg_buffer *parent,
                              dg_error *err) {
  dg_buffer *buffer = malloc(sizeof *buffer);
  if (!buffer) {
    dg_fail_memory(err, sizeof *buffer);
    return NULL;
  }
  *buffer = (dg_buffer){.device = device, .data = data, .bytes = bytes, .parent = parent};
  buffer->version = new_version(device);
  return buffer;
}

/** Does what the device has taken and not done. */
static void settle(dg_device *device) {
  dg_cpu_lanes_run(((dg_cpu_device *)device)->lanes);
}

static void buffer_free(dg_buffer *buffer) {
  if (!buffer) return;
  settle(buffer->device);
  if (!buffer->parent) {
    ((dg_cpu_device *)buffer->device)->used -= buffer->bytes;
    free(buffer->data);
  }
  free(buffer);
}

static dg_buffer *buffer_new(dg_device *device, size_t bytes, dg_error *err) {
  uint64_t rounded = dg_size_round_up(bytes, DG_CPU_ALIGNMENT);
  uint64_t *used = &((dg_cpu_device *)device)->used;
  /* more than there is would be promised, and the program ended when it is written */
  bool fits = bytes > 0 && dg_size_plus(*used, rounded) <= device->info.max_alloc;
  void *data = fits ? aligned_alloc(DG_CPU_ALIGNMENT, rounded) : NULL;
  if (!data) {
    dg_fail(err, DG_ERR_MEMORY,
            "no %zu bytes of memory left for the cpu backend; a smaller --batch needs less", bytes);
    return NULL;
  }
  memset(data, 0, rounded);
  dg_buffer *buffer = buffer_wrap(device, data, bytes, NULL, err);
  if (buffer)
    *used += bytes;
  else
    free(data);
  return buffer;
}

/** Is [offset, offset + bytes) inside the buffer? */
static bool inside(const dg_buffer *buffer, size_t offset, size_t bytes, const char *what,
                   dg_error *err) {
  if (offset <= buffer->bytes && bytes <= buffer->bytes - offset) return true;
  return dg_fail(err, DG_ERR_INPUT, "%s of %zu bytes at %zu is outside a buffer of %zu bytes", what,
                 bytes, offset, buffer->bytes);
}

static dg_buffer *buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  if (!inside(parent, offset, bytes, "a view", err)) return NULL;
  if (parent->parent || offset % DG_CPU_ALIGNMENT) {
    dg_fail(err, DG_ERR_INPUT, "a view must start at a multiple of %d bytes of a whole buffer",
            DG_CPU_ALIGNMENT);
    return NULL;
  }
  return buffer_wrap(parent->device, (char *)parent->data + offset, bytes, parent, err);
}

static bool buffer_write(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                         dg_error *err) {
  if (!inside(buffer, offset, bytes, "a write", err)) return false;
  settle(buffer->device);
  memcpy((char *)buffer->data + offset, from, bytes);
  (buffer->parent ? buffer->parent : buffer)->version = new_version(buffer->device);
  return true;
}

static bool buffer_read(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err) {
  if (!inside(buffer, offset, bytes, "a read", err)) return false;
  settle(buffer->device);
  memcpy(to, (const char *)buffer->data + offset, bytes);
  return true;
}

static bool finish(dg_device *device, dg_error *err) {
  (void)err;
  settle(device);
  return true;
}

/* ---- ops ---------------------------------------------------------------- */

static bool supports(const dg_device *device, const dg_op_desc *desc) {
  const dg_cpu_ops *ops = ((const dg_cpu_device *)device)->ops;
  const dg_cpu_family *family = (unsigned)desc->kind < DG_OP_KINDS ? ops->family[desc->kind] : NULL;
  return family && family->supports(desc);
}

bool dg_cpu_op_prepare(dg_cpu_op *op, const dg_cpu_device *device, const dg_cpu_wish *wish,
                       dg_error *err) {
  *op = (dg_cpu_op){.base = {.desc = *wish->desc, .max_n = wish->max_n},
                    .device = device,
                    .family = device->ops->family[wish->desc->kind],
                    .train = wish->train,
                    .planned = wish->planned};
  return op->family->prepare(op, wish->train, err);
}

void dg_cpu_op_release(dg_cpu_op *op) {
  dg_cpu_parting_free(op->parting);
  dg_cpu_packing_free(op->packing);
  free(op->plan);
  free(op->back_plan);
}

static void op_free(dg_op *base) {
  dg_cpu_op *op = (dg_cpu_op *)base;
  if (!op) return;
  dg_cpu_lanes_run(op->device->lanes);
  dg_cpu_op_release(op);
  free(op);
}

static dg_cpu_op *op_new(dg_device *device, const dg_cpu_wish *wish, dg_error *err) {
  static const uint64_t most = (uint64_t)1 << 57; /* numbers: bytes are counted in 64 bits */
  const dg_op_desc *desc = wish->desc;
  if (!dg_op_check(desc, wish->max_n, most, err)) return NULL;
  if (!supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "the cpu backend can't run this %s", dg_op_name(desc->kind));
    return NULL;
  }
  dg_cpu_op *op = calloc(1, sizeof *op);
  if (!op) {
    dg_fail_memory(err, sizeof *op);
    return NULL;
  }
  if (dg_cpu_op_prepare(op, (const dg_cpu_device *)device, wish, err) &&
      dg_cpu_lanes_prepare(op, err))
    return op;
  op_free(&op->base);
  return NULL;
}

static dg_op *prepare(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                      dg_error *err) {
  dg_cpu_op *op = op_new(device, &(dg_cpu_wish){desc, max_n, train, false}, err);
  return op ? &op->base : NULL;
}

static bool needs(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                  dg_op_needs *needs, dg_error *err) {
  dg_cpu_op *op = op_new(device, &(dg_cpu_wish){desc, max_n, train, true}, err);
  if (!op) return false;
  *needs = op->base.needs;
  op_free(&op->base);
  return true;
}

static bool runnable(const dg_op *op, const dg_step *step, dg_error *err) {
  if (step->n > 0 && step->n <= op->max_n) return true;
  return dg_fail(err, DG_ERR_INPUT, "%s was prepared for 1 to %u samples, not for %u",
                 dg_op_name(op->desc.kind), op->max_n, step->n);
}

void dg_cpu_op_time(dg_cpu_op *op, bool backward, double since) {
  *(backward ? &op->times.backward : &op->times.forward) += dg_seconds() - since;
  ++*(backward ? &op->times.backward_runs : &op->times.forward_runs);
}

void dg_cpu_op_run(dg_cpu_op *op, bool backward, const dg_op_buffers *buffers,
                   const dg_step *step) {
  double start = op->device->profile ? dg_seconds() : 0;
  (backward ? op->family->backward : op->family->forward)(op, buffers, step);
  if (op->device->profile) dg_cpu_op_time(op, backward, start);
}

/** With other samples parted alike, or alone and at once. */
static void run(dg_cpu_op *op, bool backward, const dg_op_buffers *buffers, const dg_step *step) {
  if (!dg_cpu_lanes_take(op, backward, buffers, step)) dg_cpu_op_run(op, backward, buffers, step);
}

static bool forward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step, dg_error *err) {
  if (!runnable(base, step, err)) return false;
  run((dg_cpu_op *)base, false, buffers, step);
  return true;
}

static bool backward(dg_op *base, const dg_op_buffers *buffers, const dg_step *step,
                     dg_error *err) {
  dg_cpu_op *op = (dg_cpu_op *)base;
  if (!runnable(base, step, err)) return false;
  if (!op->train || !op->family->backward)
    return dg_fail(err, DG_ERR_INPUT, "%s was not prepared for a backward pass",
                   dg_op_name(base->desc.kind));
  run(op, true, buffers, step);
  return true;
}

static bool times(dg_op *op, dg_op_times *out, dg_error *err) {
  (void)err;
  dg_cpu_lanes_run(((const dg_cpu_op *)op)->device->lanes);
  *out = ((const dg_cpu_op *)op)->times;
  return true;
}

/* ---- the device --------------------------------------------------------- */

/** The processor's name by /proc/cpuinfo (x86), else the architecture it was built for. */
static void processor_name(char *name, size_t room) {
#if defined(__aarch64__)
  snprintf(name, room, "AArch64 processor");
#else
  snprintf(name, room, "processor");
#endif
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (!file) return;
  char line[256];
  while (fgets(line, sizeof line, file)) {
    char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !value) continue;
    value += 1 + strspn(value + 1, " \t");
    value[strcspn(value, "\n")] = '\0';
    snprintf(name, room, "%.*s", (int)room - 1, value);
    break;
  }
  fclose(file);
}

static dg_device_info describe(int threads) {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  uint64_t memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
  dg_device_info info = {.compute_units = (uint32_t)threads,
                         .memory = memory,
                         .max_alloc = memory ? memory : UINT64_MAX,
                         .alignment = DG_CPU_ALIGNMENT};
  processor_name(info.name, sizeof info.name);
  return info;
}

static int available_threads(void) {
  int cores = omp_get_num_procs();
  return cores < 1 ? 1 : cores < MAX_THREADS ? cores : MAX_THREADS;
}

static bool list(dg_device_info *infos, size_t room, size_t *count, dg_error *err) {
  (void)err;
  *count = 1;
  if (room > 0) infos[0] = describe(available_threads());
  return true;
}

static void close_device(dg_device *device) {
  dg_cpu_lanes_free(((dg_cpu_device *)device)->lanes);
  free(device);
}

static const dg_device_calls calls = {
    .close = close_device,
    .buffer_new = buffer_new,
    .buffer_view = buffer_view,
    .buffer_free = buffer_free,
    .write = buffer_write,
    .read = buffer_read,
    .finish = finish,
    .supports = supports,
    .prepare = prepare,
    .needs = needs,
    .op_free = op_free,
    .forward = forward,
    .backward = backward,
    .times = times,
};

static dg_device *open_device(const dg_open_options *options, dg_error *err) {
  if (options->threads > MAX_THREADS) {
    dg_fail(err, DG_ERR_INPUT, "the cpu backend runs on at most %d threads, not on %u", MAX_THREADS,
            options->threads);
    return NULL;
  }
  const dg_cpu_ops *ops = choose_ops(options->form, err);
  if (!ops) return NULL;
  int threads = options->threads ? (int)options->threads : available_threads();
  dg_device_info info = describe(threads);
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
  dg_blas_set_up();
  if (threads > 1 && !(device->lanes = dg_cpu_lanes_new(device, err))) {
    close_device(&device->base);
    return NULL;
  }
  return &device->base;
}

static const char *const forms[] = {
#ifdef DG_CPU_AVX512
    "avx512",
#endif
#ifdef DG_CPU_AVX2
    "avx2",
#endif
    "baseline", NULL};

const dg_backend dg_backend_cpu = {
    .name = "cpu", .forms = forms, .list = list, .open = open_device};
