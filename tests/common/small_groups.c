/*
 * For LD_PRELOAD: an OpenCL driver whose work-groups are small, and which refuses larger ones.
 * DIGITS_TEST_GROUP=N: work-items of a work-group; DIGITS_TEST_SIDES="X Y Z": along each dimension;
 * DIGITS_TEST_KERNEL=N: the same of each kernel.
 * DIGITS_TEST_GPU: the device says that it is a GPU. At the end, the standard error is told
 * "N launches, the largest of L work-items".
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long launches, largest;

static size_t number(const char *name, size_t other) {
  const char *value = getenv(name);
  return value ? strtoul(value, NULL, 10) : other;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/** The limits of each dimension. */
static void get_sides(size_t sides[3]) {
  const char *text = getenv("DIGITS_TEST_SIDES");
  for (int d = 0; d < 3; d++) {
    char *end = NULL;
    sides[d] = text ? strtoul(text, &end, 10) : SIZE_MAX;
    if (text) text = end;
  }
}

/** The next function of a name. */
#define NEXT(name) ((__typeof__(&name))(size_t)dlsym(RTLD_NEXT, #name))

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info key, size_t size, void *value,
                       size_t *written) {
  const cl_int code = NEXT(clGetDeviceInfo)(device, key, size, value, written);
  if (code || !value) return code;
  size_t sides[3];
  get_sides(sides);
  if (key == CL_DEVICE_MAX_WORK_GROUP_SIZE)
    *(size_t *)value = least(*(size_t *)value, number("DIGITS_TEST_GROUP", SIZE_MAX));
  for (int d = 0; d < 3 && key == CL_DEVICE_MAX_WORK_ITEM_SIZES; d++)
    ((size_t *)value)[d] = least(((size_t *)value)[d], sides[d]);
  if (key == CL_DEVICE_TYPE && getenv("DIGITS_TEST_GPU"))
    *(cl_device_type *)value = CL_DEVICE_TYPE_GPU;
  return code;
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                cl_kernel_work_group_info key, size_t size, void *value,
                                size_t *written) {
  const cl_int code = NEXT(clGetKernelWorkGroupInfo)(kernel, device, key, size, value, written);
  if (!code && value && key == CL_KERNEL_WORK_GROUP_SIZE)
    *(size_t *)value = least(least(*(size_t *)value, number("DIGITS_TEST_GROUP", SIZE_MAX)),
                             number("DIGITS_TEST_KERNEL", SIZE_MAX));
  return code;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *first, const size_t *global, const size_t *local,
                              cl_uint events, const cl_event *after, cl_event *event) {
  size_t sides[3], items = 1;
  get_sides(sides);
  for (cl_uint d = 0; local && d < dimensions; d++) {
    if (local[d] > sides[d]) return CL_INVALID_WORK_ITEM_SIZE;
    items *= local[d];
  }
  if (items > least(number("DIGITS_TEST_GROUP", SIZE_MAX), number("DIGITS_TEST_KERNEL", SIZE_MAX)))
    return CL_INVALID_WORK_GROUP_SIZE;
  launches++;
  if (items > largest) largest = items;
  return NEXT(clEnqueueNDRangeKernel)(queue, kernel, dimensions, first, global, local, events,
                                      after, event);
}

__attribute__((destructor)) static void tell(void) {
  if (launches) fprintf(stderr, "%lu launches, the largest of %lu work-items\n", launches, largest);
}
