/*
 * An OpenCL driver with faults, for the ICD loader. $DIGITS_TEST_DRIVER holds words: "none" has no
 * platform; every other word is a platform, with one device or with a device list that fails
 * ("list"),
 * or is empty ("bare"). The word says what is wrong with the
 * device; of others, no context can be made.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, NAME = 32, NO_PLATFORM = -1001 };

/** A platform and its device; the loader wants the table first. */
struct _cl_platform_id {
  const cl_icd_dispatch *dispatch;
  char word[NAME];
};
struct _cl_device_id {
  const cl_icd_dispatch *dispatch;
  struct _cl_platform_id *platform;
};

static struct _cl_platform_id platforms[MOST];
static struct _cl_device_id devices[MOST];

static bool is(const struct _cl_platform_id *platform, const char *word) {
  return strcmp(platform->word, word) == 0;
}

/** Answers a query. */
static cl_int give(const void *answer, size_t bytes, size_t size, void *value, size_t *written) {
  if (written) *written = bytes;
  if (value && size < bytes) return CL_INVALID_VALUE;
  if (value) memcpy(value, answer, bytes);
  return CL_SUCCESS;
}

static cl_int give_text(const char *text, size_t size, void *value, size_t *written) {
  return give(text, strlen(text) + 1, size, value, written);
}

static cl_int CL_API_CALL platform_info(cl_platform_id platform, cl_platform_info key, size_t size,
                                        void *value, size_t *written) {
  char text[2 * NAME];
  snprintf(text, sizeof text, "\033[31mplatform %s", platform->word);
  switch (key) {
  case CL_PLATFORM_NAME:
    return give_text(text, size, value, written);
  case CL_PLATFORM_EXTENSIONS:
    return give_text("cl_khr_icd", size, value, written);
  case CL_PLATFORM_ICD_SUFFIX_KHR:
    return give_text("FAKE", size, value, written);
  case CL_PLATFORM_PROFILE:
    return give_text("FULL_PROFILE", size, value, written);
  default:
    return give_text("OpenCL 1.2 fake", size, value, written);
  }
}

static cl_int CL_API_CALL device_ids(cl_platform_id platform, cl_device_type type, cl_uint capacity,
                                     cl_device_id *out, cl_uint *count) {
  if (is(platform, "list")) return CL_OUT_OF_HOST_MEMORY;
  if (is(platform, "bare")) return CL_DEVICE_NOT_FOUND;
  if (!(type & CL_DEVICE_TYPE_ALL)) return CL_DEVICE_NOT_FOUND;
  if (count) *count = 1;
  if (out && capacity) *out = &devices[platform - platforms];
  return CL_SUCCESS;
}

static cl_int CL_API_CALL device_info(cl_device_id device, cl_device_info key, size_t size,
                                      void *value, size_t *written) {
  const struct _cl_platform_id *of = device->platform;
  const cl_bool yes = CL_TRUE, no = CL_FALSE;
  const cl_uint units = 2;
  const cl_ulong memory = 1 << 30;
  const cl_device_type type = CL_DEVICE_TYPE_GPU;
  char text[2 * NAME];
  snprintf(text, sizeof text, "fake\033[31m %s", of->word);
  if (is(of, "mute")) return CL_INVALID_DEVICE;
  switch (key) {
  case CL_DEVICE_NAME:
    return give_text(text, size, value, written);
  case CL_DEVICE_VERSION:
    return give_text(is(of, "old") ? "OpenCL 1.1 x" : "OpenCL 1.2 x", size, value, written);
  case CL_DRIVER_VERSION:
    return give_text("1", size, value, written);
  case CL_DEVICE_PLATFORM:
    return give(&device->platform, sizeof of, size, value, written);
  case CL_DEVICE_TYPE:
    return give(&type, sizeof type, size, value, written);
  case CL_DEVICE_AVAILABLE:
    return give(is(of, "away") ? &no : &yes, sizeof no, size, value, written);
  case CL_DEVICE_COMPILER_AVAILABLE:
    return give(is(of, "no-compiler") ? &no : &yes, sizeof no, size, value, written);
  case CL_DEVICE_ENDIAN_LITTLE:
    return give(is(of, "big-endian") ? &no : &yes, sizeof no, size, value, written);
  case CL_DEVICE_MAX_COMPUTE_UNITS:
    return give(&units, sizeof units, size, value, written);
  case CL_DEVICE_GLOBAL_MEM_SIZE:
  case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    return give(&memory, sizeof memory, size, value, written);
  default:
    return CL_INVALID_VALUE;
  }
}

/** A device that seems to be in order, and can't be opened. */
static cl_context CL_API_CALL create_context(
    const cl_context_properties *properties, cl_uint count, const cl_device_id *of,
    void(CL_CALLBACK *told)(const char *, const void *, size_t, void *), void *user, cl_int *code) {
  (void)properties, (void)count, (void)of, (void)told, (void)user;
  *code = CL_DEVICE_NOT_AVAILABLE;
  return NULL;
}

static cl_int CL_API_CALL list_platforms(cl_uint capacity, cl_platform_id *out, cl_uint *count) {
  static const cl_icd_dispatch dispatch = {.clGetPlatformInfo = platform_info,
                                           .clGetDeviceIDs = device_ids,
                                           .clGetDeviceInfo = device_info,
                                           .clCreateContext = create_context};
  const char *words = getenv("DIGITS_TEST_DRIVER");
  cl_uint found = 0;
  for (int length; words && found < MOST; words += length, found++) {
    if (sscanf(words, " %31s%n", platforms[found].word, &length) != 1) break;
    if (is(&platforms[found], "none")) return NO_PLATFORM;
    platforms[found].dispatch = &dispatch;
    devices[found] = (struct _cl_device_id){&dispatch, &platforms[found]};
    if (out && found < capacity) out[found] = &platforms[found];
  }
  if (count) *count = found;
  return CL_SUCCESS;
}

/** How the loader finds the functions above. */
void *clGetExtensionFunctionAddress(const char *name);

void *clGetExtensionFunctionAddress(const char *name) {
  union {
    cl_int(CL_API_CALL *list)(cl_uint, cl_platform_id *, cl_uint *);
    cl_api_clGetPlatformInfo info;
    void *address;
  } found = {.address = NULL};
  if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0) found.list = list_platforms;
  if (strcmp(name, "clGetPlatformInfo") == 0) found.info = platform_info;
  return found.address;
}
