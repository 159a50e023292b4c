/* The backend: opening a device, and the functions of the interface. */
#include <stdlib.h>

#include "backends/opencl/form.h"
#include "backends/opencl/listing/devices.h"
#include "backends/opencl/ops.h"
#include "backends/opencl/runtime/groups.h"
#include "backends/opencl/runtime/tuning.h"
#include "backends/opencl/tune/tune.h"

static const char name[] = "opencl";
static bool list(dg_device_properties *infos, size_t capacity, size_t *count, dg_error *err) {
  dg_cl_devices found;
  (void)err;
  dg_cl_devices_find(&found);
  dg_cl_devices_add_drivers(&found);
  *count = found.count;
  for (size_t i = 0; i < found.count && i < capacity; i++) {
    dg_cl_device unopened = {.id = found.id[i], .base.info = found.info[i]};
    if (i < found.usable) {
      dg_cl_form_choose(&unopened, dg_cl_device_type(unopened.id), NULL, NULL);
      dg_cl_tuning_load(&unopened);
    }
    infos[i] = unopened.base.info;
  }
  return true;
}

static void close_device(dg_device *base) {
  dg_cl_device *device = (dg_cl_device *)base;
  dg_cl_programs_free(device);
  if (device->queue) clReleaseCommandQueue(device->queue);
  if (device->context) clReleaseContext(device->context);
  free(device);
}

static bool make_queue(dg_cl_device *device, dg_error *err) {
  cl_int code;
  device->context = clCreateContext(NULL, 1, &device->id, NULL, NULL, &code);
  if (code) return dg_cl_fail(err, device, code, "opening the device %s", device->base.info.name);
  cl_command_queue_properties properties = device->profile ? CL_QUEUE_PROFILING_ENABLE : 0;
  device->queue = clCreateCommandQueue(device->context, device->id, properties, &code);
  if (code)
    return dg_cl_fail(err, device, code, "making a queue on the device %s", device->base.info.name);
  return true;
}

static const dg_device_calls calls = {
    .close = close_device,
    .buffer_new = dg_cl_buffer_new,
    .buffer_view = dg_cl_buffer_view,
    .buffer_free = dg_cl_buffer_free,
    .write = dg_cl_buffer_write,
    .upload = dg_cl_buffer_upload,
    .read = dg_cl_buffer_read,
    .copy = dg_cl_buffer_copy,
    .fill = dg_cl_buffer_fill,
    .finish = dg_cl_finish,
    .memory_left = dg_cl_memory_left,
    .supports = dg_cl_ops_supports,
    .prepare = dg_cl_ops_prepare,
    .needs = dg_cl_ops_needs,
    .op_free = dg_cl_ops_free,
    .forward = dg_cl_ops_forward,
    .backward = dg_cl_ops_backward,
    .times = dg_cl_ops_times,
    .tune = dg_cl_tune,
};

/* Kernels of the group form need large work-groups: by default, the tile form stands in. */
static bool use_form(dg_cl_device *device, const char *form, dg_error *err) {
  dg_error fault = {0};
  dg_cl_tuning_load(device);
  if (dg_cl_form_check(device, &fault)) return true;
  if (form || fault.kind != DG_ERR_UNSUPPORTED) {
    if (err) *err = fault;
    return false;
  }
  dg_cl_programs_free(device);
  dg_cl_form_choose(device, CL_DEVICE_TYPE_CPU, NULL, NULL);
  dg_cl_tuning_load(device);
  return true;
}

static dg_device *open_one(cl_device_id id, const dg_device_properties *info,
                           const dg_open_options *options, dg_error *err) {
  dg_cl_device *device = calloc(1, sizeof *device);
  if (!device) {
    dg_fail_memory(err, sizeof *device);
    return NULL;
  }
  device->base.calls = &calls;
  device->base.backend = name;
  device->base.info = *info;
  device->id = id;
  device->groups = dg_cl_groups_of(id);
  device->profile = options->profile;
  device->note = options->note;
  device->user = options->user;
  if (dg_cl_form_choose(device, dg_cl_device_type(id), options->form, err) &&
      make_queue(device, err) && use_form(device, options->form, err))
    return &device->base;
  close_device(&device->base);
  return NULL;
}

/* The first device that can be opened; if there is none, the error is that of the first. */
static dg_device *open_any(dg_cl_devices *found, const dg_open_options *options, dg_error *err) {
  if (found->usable == 0) {
    dg_cl_devices_fail(found, err);
    return NULL;
  }
  dg_device *device = open_one(found->id[0], &found->info[0], options, err);
  for (size_t i = 1; !device && i < found->usable; i++)
    device = open_one(found->id[i], &found->info[i], options, NULL);
  return device;
}

static dg_device *open_device(const dg_open_options *options, dg_error *err) {
  dg_cl_devices found;
  if (options->threads) {
    dg_fail(err, DG_ERR_INPUT, "the opencl backend has no number of threads to set");
    dg_advise(err, DG_REMEDY_THREADS);
    return NULL;
  }
  dg_cl_devices_find(&found);
  if (!options->device) return open_any(&found, options, err);
  const long index = dg_cl_devices_pick(&found, options->device, err);
  return index < 0 ? NULL : open_one(found.id[index], &found.info[index], options, err);
}

static const char *const forms[] = {"tile", "group", "clblast", NULL};

const dg_backend dg_backend_opencl = {
    .name = name, .forms = forms, .list = list, .open = open_device};
