/* The entry points of OpenCL, counted; see counting.h. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "tests/common/counting.h"

/** Defines __wrap_NAME, which counts `kind` and calls NAME. */
#define COUNTED(kind, result, name, parameters, arguments)                                         \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters {                                                                \
    counts_add(kind, 1);                                                                           \
    return __real_##name arguments;                                                                \
  }

COUNTED(COUNT_OBJECTS, cl_mem, clCreateBuffer,
        (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *err),
        (context, flags, size, host, err))
COUNTED(COUNT_OBJECTS, cl_mem, clCreateSubBuffer,
        (cl_mem parent, cl_mem_flags flags, cl_buffer_create_type type, const void *region,
         cl_int *err),
        (parent, flags, type, region, err))
COUNTED(COUNT_OBJECTS, cl_kernel, clCreateKernel,
        (cl_program program, const char *name, cl_int *err), (program, name, err))
COUNTED(COUNT_OBJECTS, cl_program, clCreateProgramWithBinary,
        (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *lengths,
         const unsigned char **binaries, cl_int *status, cl_int *err),
        (context, count, devices, lengths, binaries, status, err))
COUNTED(COUNT_OBJECTS, cl_int, clBuildProgram,
        (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
         void(CL_CALLBACK *done)(cl_program, void *), void *user),
        (program, count, devices, options, done, user))
COUNTED(COUNT_OBJECTS, cl_command_queue, clCreateCommandQueue,
        (cl_context context, cl_device_id device, cl_command_queue_properties properties,
         cl_int *err),
        (context, device, properties, err))
COUNTED(COUNT_WRITES, cl_int, clEnqueueWriteBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
         const void *from, cl_uint events, const cl_event *after, cl_event *event),
        (queue, buffer, blocking, offset, size, from, events, after, event))
COUNTED(COUNT_WRITES, void *, clEnqueueMapBuffer,
        (cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
         size_t size, cl_uint events, const cl_event *after, cl_event *event, cl_int *err),
        (queue, buffer, blocking, flags, offset, size, events, after, event, err))
COUNTED(COUNT_WRITES, cl_int, clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
         size_t size, cl_uint events, const cl_event *after, cl_event *event),
        (queue, from, to, from_offset, to_offset, size, events, after, event))
COUNTED(COUNT_WRITES, cl_int, clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size,
         size_t offset, size_t size, cl_uint events, const cl_event *after, cl_event *event),
        (queue, buffer, pattern, pattern_size, offset, size, events, after, event))
COUNTED(COUNT_WAITS, cl_int, clFinish, (cl_command_queue queue), (queue))
COUNTED(COUNT_WAITS, cl_int, clWaitForEvents, (cl_uint count, const cl_event *events),
        (count, events))

cl_int __real_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint events,
                                  const cl_event *after, cl_event *event);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint events,
                                  const cl_event *after, cl_event *event);

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint events,
                                  const cl_event *after, cl_event *event) {
  counts_add(COUNT_READS, 1);
  counts_add(COUNT_READ_BYTES, size);
  return __real_clEnqueueReadBuffer(queue, buffer, blocking, offset, size, to, events, after,
                                    event);
}

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings,
                                            const size_t *lengths, cl_int *err);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings,
                                            const size_t *lengths, cl_int *err);

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings,
                                            const size_t *lengths, cl_int *err) {
  counts_add(COUNT_OBJECTS, 1);
  counts_add(COUNT_SOURCES, 1);
  return __real_clCreateProgramWithSource(context, count, strings, lengths, err);
}
