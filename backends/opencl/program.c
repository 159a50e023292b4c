/* Programs: built from the embedded sources once a device, and the kernels in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/opencl.h"

enum { MAX_FILES = 8 };

struct dg_cl_program {
  dg_cl_program_id id;
  cl_program handle;
  dg_cl_program *next;
};

/* The files of a program, in the order they are compiled in. */
static const char *const *program_files(const dg_cl_device *device, dg_cl_program_id id) {
  static const char *const elements[] = {"common.cl", "philox.cl", "elements.cl", "pool.cl",
                                         "planes.cl", "loss.cl",   "update.cl",   NULL};
  static const char *const tile[] = {"common.cl", "outer_tile.cl", "inner_tile.cl", NULL};
  static const char *const group[] = {"common.cl", "outer_group.cl", "inner_group.cl", NULL};
  if (id == DG_CL_ELEMENTS) return elements;
  return device->form == DG_CL_TILE ? tile : group;
}

static const char *source_text(const char *name) {
  const dg_cl_source *source = dg_cl_sources;
  while (source->name && strcmp(source->name, name) != 0) source++;
  return source->text;
}

static bool fail_build(dg_cl_device *device, cl_program handle, const char *first, cl_int code,
                       dg_error *err) {
  char log[4096] = "";
  size_t length = 0;
  clGetProgramBuildInfo(handle, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &length);
  char *all = malloc(length + 1);
  if (all) {
    all[0] = all[length] = '\0';
    clGetProgramBuildInfo(handle, device->id, CL_PROGRAM_BUILD_LOG, length, all, NULL);
    snprintf(log, 600, "%s", all);
    free(all);
  }
  for (char *c = log; *c; c++)
    if (*c == '\n') *c = ' ';
  return dg_cl_fail(err, device, code, "building the OpenCL kernels of %s for %s", first,
                    device->base.info.name) ||
         dg_fail_prefix(err, "%s", log);
}

static bool build(dg_cl_device *device, dg_cl_program *program, dg_error *err) {
  const char *const *files = program_files(device, program->id);
  const char *texts[MAX_FILES];
  cl_uint count = 0;
  for (; files[count]; count++) texts[count] = source_text(files[count]);
  cl_int code;
  program->handle = clCreateProgramWithSource(device->context, count, texts, NULL, &code);
  if (code) return dg_cl_fail(err, device, code, "making the OpenCL program of %s", files[1]);
  cl_device_fp_config float_config = 0;
  clGetDeviceInfo(device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof float_config, &float_config, NULL);
  char options[64];
  snprintf(options, sizeof options, "-cl-std=CL1.2 -DWIDTH=%u%s", dg_cl_width(device),
           float_config & CL_FP_FMA ? " -DFUSED" : "");
  code = clBuildProgram(program->handle, 1, &device->id, options, NULL, NULL);
  if (!code) return true;
  fail_build(device, program->handle, files[1], code, err);
  clReleaseProgram(program->handle);
  return false;
}

uint32_t dg_cl_width(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 16 : 4;
}

static cl_program get_program(dg_cl_device *device, dg_cl_program_id id, dg_error *err) {
  for (dg_cl_program *p = device->programs; p; p = p->next)
    if (p->id == id) return p->handle;
  dg_cl_program *program = malloc(sizeof *program);
  if (!program) {
    dg_fail_memory(err, sizeof *program);
    return NULL;
  }
  *program = (dg_cl_program){.id = id, .next = device->programs};
  if (!build(device, program, err)) {
    free(program);
    return NULL;
  }
  device->programs = program;
  return program->handle;
}

void dg_cl_programs_free(dg_cl_device *device) {
  while (device->programs) {
    dg_cl_program *program = device->programs;
    device->programs = program->next;
    clReleaseProgram(program->handle);
    free(program);
  }
}

cl_kernel dg_cl_kernel(dg_cl_op *op, dg_cl_program_id id, const char *name, dg_error *err) {
  cl_program program = get_program(op->device, id, err);
  if (!program) return NULL;
  cl_int code;
  cl_kernel kernel = clCreateKernel(program, name, &code);
  if (code) {
    dg_cl_fail(err, op->device, code, "making the kernel %s", name);
    return NULL;
  }
  op->kernels[op->kernel_count++] = kernel;
  return kernel;
}
