#include "backends/opencl/listing/devices.h"

#include <stdio.h>
#include <string.h>

#include "backends/opencl/listing/drivers.h"
#include "core/base/text.h"

/* ---- the list ----------------------------------------------------------- */

/* Puts a device behind those that can be used, or at the end if it has a fault. */
static void add(dg_cl_devices *found, cl_device_id id, const dg_device_properties *info) {
  const bool fault = *info->fault;
  if (found->count == DG_CL_MAX_DEVICES) {
    if (fault || found->usable == DG_CL_MAX_DEVICES) return;
    found->count--;
  }
  const size_t at = fault ? found->count : found->usable++, behind = found->count++ - at;
  memmove(found->id + at + 1, found->id + at, behind * sizeof *found->id);
  memmove(found->info + at + 1, found->info + at, behind * sizeof *found->info);
  found->id[at] = id;
  found->info[at] = *info;
}

static void add_fault(void *found, const char *name, const char *fault) {
  dg_device_properties info = {0};
  dg_visible(info.name, sizeof info.name, name, strlen(name));
  dg_visible(info.fault, sizeof info.fault, fault, strlen(fault));
  add(found, NULL, &info);
}

/* ---- a device ----------------------------------------------------------- */

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

static void get_platform(cl_platform_id platform, char out[128]) {
  char text[1024] = "";
  clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof text - 1, text, NULL);
  take_text(text, out);
}

cl_device_type dg_cl_device_type(cl_device_id id) {
  cl_device_type type = CL_DEVICE_TYPE_DEFAULT;
  clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
  return type;
}

static dg_device_properties get_info(cl_device_id id, cl_platform_id platform) {
  dg_device_properties info = {0};
  get_text(id, CL_DEVICE_NAME, info.name);
  get_text(id, CL_DEVICE_VERSION, info.version);
  get_text(id, CL_DRIVER_VERSION, info.driver);
  get_platform(platform, info.platform);
  if (!*info.name)
    snprintf(info.name, sizeof info.name, "device without a name of %.90s", info.platform);
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
  info.gpu = dg_cl_device_type(id) & CL_DEVICE_TYPE_GPU;
  return info;
}

/* ---- what is wrong ------------------------------------------------------ */

/* Writes "DOING: CODE (number)", as in other errors. */
static void write_code(char *fault, size_t capacity, cl_int code, const char *doing) {
  dg_error err = {0};
  dg_cl_fail(&err, NULL, code, "%s", doing);
  snprintf(fault, capacity, "%.*s", (int)capacity - 1, err.message);
}

/* Which answers of a driver let a device be used. */
static const struct {
  cl_device_info key;
  const char *asking, *fault;
} needs[] = {
    {CL_DEVICE_AVAILABLE, "asking whether it is available",
     "its driver says that it is not available (CL_DEVICE_AVAILABLE); another program may hold it"},
    {CL_DEVICE_COMPILER_AVAILABLE, "asking for its compiler",
     "its driver has no compiler for kernels (CL_DEVICE_COMPILER_AVAILABLE)"},
    {CL_DEVICE_ENDIAN_LITTLE, "asking for the order of its bytes",
     "the bytes of its numbers are in another order (CL_DEVICE_ENDIAN_LITTLE)"},
};

static bool is_host_little(void) {
  const uint16_t one = 1;
  return *(const unsigned char *)&one;
}

static void find_fault(cl_device_id id, dg_device_properties *info) {
  int major = 0, minor = 0;
  for (size_t i = 0; i < sizeof needs / sizeof *needs && !*info->fault; i++) {
    cl_bool is = CL_FALSE;
    const cl_int code = clGetDeviceInfo(id, needs[i].key, sizeof is, &is, NULL);
    const bool wanted = needs[i].key != CL_DEVICE_ENDIAN_LITTLE || is_host_little();
    if (code)
      write_code(info->fault, sizeof info->fault, code, needs[i].asking);
    else if (!is == wanted)
      snprintf(info->fault, sizeof info->fault, "%s", needs[i].fault);
  }
  sscanf(info->version, "OpenCL %d.%d", &major, &minor);
  if (!*info->fault && (major < 1 || (major == 1 && minor < 2)))
    snprintf(info->fault, sizeof info->fault, "it has %s; OpenCL 1.2 is needed",
             *info->version ? info->version : "no version");
}

/* ---- looking for them --------------------------------------------------- */

/* PoCL's reason is seldom another one than this. */
static const char no_device[] = "it lists no device",
                  no_device_of_pocl[] = "it lists no device; PoCL needs a folder for its cache "
                                        "that can be written ($POCL_CACHE_DIR, or "
                                        "else below $XDG_CACHE_HOME or $HOME)";

static void add_platform(dg_cl_devices *found, cl_platform_id platform, cl_int code) {
  char name[128], fault[256];
  get_platform(platform, name);
  if (code && code != CL_DEVICE_NOT_FOUND)
    write_code(fault, sizeof fault, code, "listing its devices");
  else
    snprintf(fault, sizeof fault, "%s",
             strcmp(name, "Portable Computing Language") == 0 ? no_device_of_pocl : no_device);
  add_fault(found, *name ? name : "platform without a name", fault);
}

static void find_of_platform(dg_cl_devices *found, cl_platform_id platform) {
  cl_device_id ids[DG_CL_MAX_DEVICES] = {0};
  cl_uint count = 0;
  cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, DG_CL_MAX_DEVICES, ids, &count);
  if (code || count == 0) {
    add_platform(found, platform, code);
    return;
  }
  for (cl_uint i = 0; i < count && i < DG_CL_MAX_DEVICES; i++) {
    if (!ids[i]) continue;
    dg_device_properties info = get_info(ids[i], platform);
    find_fault(ids[i], &info);
    add(found, ids[i], &info);
  }
}

void dg_cl_devices_find(dg_cl_devices *found) {
  enum { MAX_PLATFORMS = 32 };
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint count = 0;
  char fault[256];
  found->usable = found->count = 0;
  const cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
  if (code && code != CL_PLATFORM_NOT_FOUND_KHR) {
    write_code(fault, sizeof fault, code, "listing the platforms");
    add_fault(found, "OpenCL", fault);
  }
  for (cl_uint p = 0; !code && p < count && p < MAX_PLATFORMS; p++)
    find_of_platform(found, platforms[p]);
}

void dg_cl_devices_add_drivers(dg_cl_devices *found) {
  dg_cl_driver_faults(add_fault, found);
}

/* ---- choosing one ------------------------------------------------------- */

static bool fail_faulty(const dg_device_properties *info, dg_error *err) {
  return dg_fail(err, DG_ERR_UNSUPPORTED, "%s can't be used: %s", info->name, info->fault) ||
         dg_advise(err, DG_REMEDY_DEVICE);
}

static bool fail_all(const dg_cl_devices *found, dg_error *err) {
  if (found->count == 0)
    return dg_fail(err, DG_ERR_RUNTIME,
                   "no OpenCL device found; install a driver (on Debian, for the processor: "
                   "apt install pocl-opencl-icd)") ||
           dg_advise(err, DG_REMEDY_BACKEND);
  return dg_fail(err, DG_ERR_UNSUPPORTED, "no OpenCL device can be used; %s: %s",
                 found->info[0].name, found->info[0].fault) ||
         dg_advise(err, DG_REMEDY_BACKEND);
}

long dg_cl_devices_pick(dg_cl_devices *found, const char *wanted, dg_error *err) {
  long index = found->usable ? dg_pick_device(found->info, found->usable, wanted, NULL) : -1;
  if (index >= 0) return index;
  dg_cl_devices_add_drivers(found);
  if (found->count == 0) return fail_all(found, err), -1;
  index = dg_pick_device(found->info, found->count, wanted, err);
  if (index >= 0) fail_faulty(&found->info[index], err);
  return -1;
}

bool dg_cl_devices_fail(dg_cl_devices *found, dg_error *err) {
  dg_cl_devices_add_drivers(found);
  return fail_all(found, err);
}
