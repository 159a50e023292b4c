/* The backend: the devices of every OpenCL platform, and the functions of the interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/ops.h"
#include "backends/opencl/runtime/clblast.h"
#include "backends/opencl/runtime/tuning.h"
#include "backends/opencl/tune/tune.h"
#include "core/base/text.h"

enum { MAX_PLATFORMS = 16, MAX_DEVICES = 64 };

static const char name[] = "opencl";
static const cl_int no_platform = -1001; /* CL_PLATFORM_NOT_FOUND_KHR, of the ICD loader */

static bool list_ids(cl_device_id ids[MAX_DEVICES], size_t *count, dg_error *err) {
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint platform_count = 0;
  *count = 0;
  cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count);
  if (code == no_platform) return true;
  if (code) return dg_cl_fail(err, NULL, code, "listing the OpenCL platforms");
  if (platform_count > MAX_PLATFORMS) platform_count = MAX_PLATFORMS;
  for (cl_uint p = 0; p < platform_count && *count < MAX_DEVICES; p++) {
    cl_uint found = 0, capacity = (cl_uint)(MAX_DEVICES - *count);
    code = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, capacity, ids + *count, &found);
    if (code == CL_DEVICE_NOT_FOUND) continue;
    if (code) return dg_cl_fail(err, NULL, code, "listing the devices of OpenCL platform %u", p);
    *count += found < capacity ? found : capacity;
  }
  return true;
}

/* A string from the driver: some pad names with spaces. */
static void take_text(const char *text, char out[128]) {
  text += strspn(text, " ");
  size_t length = strlen(text);
  while (length && text[length - 1] == ' ') length--;
  dg_visible(out, 128, text, length);
}

static void get_text(cl_device_id id, cl_device_info key, char out[128]) {
  char text[1024] = "";
  clGetDeviceInfo(id, key, sizeof text - 1, text, NULL);
  take_text(text, out);
}

static void get_platform(cl_device_id id, char out[128]) {
  cl_platform_id platform;
  char text[1024] = "";
  if (clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) == CL_SUCCESS)
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof text - 1, text, NULL);
  take_text(text, out);
}

static cl_device_type get_type(cl_device_id id) {
  cl_device_type type = CL_DEVICE_TYPE_DEFAULT;
  clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
  return type;
}

static dg_device_properties get_info(cl_device_id id) {
  dg_device_properties info = {0};
  get_text(id, CL_DEVICE_NAME, info.name);
  get_text(id, CL_DEVICE_VERSION, info.version);
  get_text(id, CL_DRIVER_VERSION, info.driver);
  get_platform(id, info.platform);
  cl_uint units = 0, align_bits = 0;
  cl_ulong memory = 0, max_alloc = 0;
  clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
  clGetDeviceInfo(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof align_bits, &align_bits, NULL);
  clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
  clGetDeviceInfo(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof max_alloc, &max_alloc, NULL);
  info.compute_units = units;
  info.memory = memory;
  info.max_alloc = max_alloc;
  info.alignment = align_bits / 8 > 64 ? align_bits / 8 : 64;
  info.gpu = get_type(id) & CL_DEVICE_TYPE_GPU;
  return info;
}

static bool choose_form(dg_cl_device *device, const char *form, dg_error *err) {
  const bool have_blast = dg_cl_blast_built_in();
  const bool cpu = get_type(device->id) & CL_DEVICE_TYPE_CPU;
  device->form = cpu ? DG_CL_TILE : DG_CL_GROUP;
  device->usual_blast = have_blast && !cpu ? DG_CL_BLAST_LARGE : DG_CL_BLAST_NEVER;
  if (!form) return true;
  device->usual_blast = DG_CL_BLAST_NEVER;
  if (strcmp(form, "tile") == 0) {
    device->form = DG_CL_TILE;
  } else if (strcmp(form, "group") == 0) {
    device->form = DG_CL_GROUP;
  } else if (strcmp(form, "clblast") == 0) {
    if (!have_blast)
      return dg_fail(err, DG_ERR_UNSUPPORTED,
                     "this build has no CLBlast; install it (on Debian: apt install "
                     "libclblast-dev) and build again, or use the forms tile or group");
    device->usual_blast = DG_CL_BLAST_ALWAYS;
  } else {
    return dg_fail(err, DG_ERR_INPUT, "unknown kernel form \"%s\"; there are tile, group%s", form,
                   have_blast ? " and clblast" : "");
  }
  return true;
}

static bool list(dg_device_properties *infos, size_t capacity, size_t *count, dg_error *err) {
  cl_device_id ids[MAX_DEVICES];
  if (!list_ids(ids, count, err)) return false;
  for (size_t i = 0; i < *count && i < capacity; i++) {
    dg_cl_device unopened = {.id = ids[i], .base.info = get_info(ids[i])};
    choose_form(&unopened, NULL, NULL);
    dg_cl_tuning_load(&unopened);
    infos[i] = unopened.base.info;
  }
  return true;
}

static bool pick(const char *wanted, cl_device_id *id, dg_device_properties *info, dg_error *err) {
  cl_device_id ids[MAX_DEVICES];
  dg_device_properties infos[MAX_DEVICES];
  size_t count;
  if (!list_ids(ids, &count, err)) return false;
  if (count == 0)
    return dg_fail(err, DG_ERR_RUNTIME,
                   "no OpenCL device found; install a driver (on Debian, for the processor: "
                   "apt install pocl-opencl-icd)") ||
           dg_advise(err, DG_REMEDY_BACKEND);
  for (size_t i = 0; i < count; i++) infos[i] = get_info(ids[i]);
  long index = dg_pick_device(infos, count, wanted, err);
  if (index < 0) return false;
  *id = ids[index];
  *info = infos[index];
  return true;
}

static bool check_version(const dg_device_properties *info, dg_error *err) {
  int major = 0, minor = 0;
  sscanf(info->version, "OpenCL %d.%d", &major, &minor);
  if (major > 1 || (major == 1 && minor >= 2)) return true;
  return dg_fail(err, DG_ERR_UNSUPPORTED, "the device %s has %s; OpenCL 1.2 is needed", info->name,
                 info->version) ||
         dg_advise(err, DG_REMEDY_DEVICE);
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
    .read = dg_cl_buffer_read,
    .copy = dg_cl_buffer_copy,
    .fill = dg_cl_buffer_fill,
    .finish = dg_cl_finish,
    .supports = dg_cl_ops_supports,
    .prepare = dg_cl_ops_prepare,
    .needs = dg_cl_ops_needs,
    .op_free = dg_cl_ops_free,
    .forward = dg_cl_ops_forward,
    .backward = dg_cl_ops_backward,
    .times = dg_cl_ops_times,
    .tune = dg_cl_tune,
};

static dg_device *open_device(const dg_open_options *options, dg_error *err) {
  if (options->threads) {
    dg_fail(err, DG_ERR_INPUT, "the opencl backend has no number of threads to set");
    dg_advise(err, DG_REMEDY_THREADS);
    return NULL;
  }
  dg_cl_device *device = calloc(1, sizeof *device);
  if (!device) {
    dg_fail_memory(err, sizeof *device);
    return NULL;
  }
  device->base.calls = &calls;
  device->base.backend = name;
  device->profile = options->profile;
  if (pick(options->device, &device->id, &device->base.info, err) &&
      check_version(&device->base.info, err) && choose_form(device, options->form, err) &&
      make_queue(device, err)) {
    dg_cl_tuning_load(device);
    return &device->base;
  }
  close_device(&device->base);
  return NULL;
}

static const char *const forms[] = {"tile", "group", "clblast", NULL};

const dg_backend dg_backend_opencl = {
    .name = name, .forms = forms, .list = list, .open = open_device};
