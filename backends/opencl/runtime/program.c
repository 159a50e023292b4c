/* Programs: built from the embedded sources, or taken from the cache, once a device; and the
   kernels in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/runtime/binary.h"
#include "backends/opencl/runtime/tiles.h"

/* The files of a program, in the order they are compiled in. */
static const char *const *program_files(const dg_cl_device *device, dg_cl_program id) {
  static const char *const elements[] = {"common.cl", "philox.cl", "elements.cl",
                                         "gather.cl", "pool.cl",   "planes.cl",
                                         "loss.cl",   "update.cl", NULL};
  static const char *const norms[] = {"common.cl", "norm.cl", NULL}; /* the longest to compile */
  static const char *const tile[] = {"common.cl",     "blocks.cl",      "outer_tile.cl",
                                     "inner_tile.cl", "pixels_tile.cl", NULL};
  static const char *const panels[] = {"common.cl", "blocks.cl", "panel_sum.cl", "panels_tile.cl",
                                       NULL};
  static const char *const rows[] = {"common.cl", "blocks.cl", "rows_tile.cl", NULL};
  static const char *const winograd[] = {"common.cl",   "blocks.cl",         "panel_sum.cl",
                                         "winograd.cl", "winograd_tiles.cl", NULL};
  static const char *const group[] = {"common.cl", "outer_group.cl", "inner_group.cl", NULL};
  static const char *const recurrent_tile[] = {"common.cl", "recurrent_cell.cl",
                                               "recurrent_pack.cl", "recurrent_tile.cl", NULL};
  static const char *const recurrent_group[] = {"common.cl", "recurrent_cell.cl",
                                                "recurrent_pack.cl", "recurrent_group.cl", NULL};
  const bool tiles = device->form == DG_CL_TILE;
  if (id == DG_CL_ELEMENTS) return elements;
  if (id == DG_CL_NORMS) return norms;
  if (id == DG_CL_PANELS) return panels;
  if (id == DG_CL_ROWS) return rows;
  if (id == DG_CL_WINOGRAD) return winograd;
  if (id == DG_CL_RECURRENT) return tiles ? recurrent_tile : recurrent_group;
  return tiles ? tile : group;
}

static const char *source_text(const char *name) {
  const dg_cl_source *source = dg_cl_sources;
  while (source->name && strcmp(source->name, name) != 0) source++;
  return source->text;
}

void dg_cl_program_find(const dg_cl_device *device, dg_cl_program id, dg_cl_program_text *text) {
  const char *const *files = program_files(device, id);
  *text = (dg_cl_program_text){.count = 0};
  for (; files[text->count]; text->count++)
    text->files[text->count] = source_text(files[text->count]);
}

/* The error of a build, with the head of the compiler's log in one line. */
static bool fail_build(const dg_cl_device *device, cl_program handle, const char *file, cl_int code,
                       dg_error *err) {
  if (code != CL_BUILD_PROGRAM_FAILURE)
    return dg_cl_fail(err, device, code, "building the kernels of %s", file);
  size_t length = 0;
  clGetProgramBuildInfo(handle, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &length);
  char *log = calloc(length + 1, 1);
  if (!log) return dg_fail_memory(err, length + 1);
  clGetProgramBuildInfo(handle, device->id, CL_PROGRAM_BUILD_LOG, length, log, NULL);
  for (char *c = log; *c; c++)
    if (*c == '\n') *c = ' ';
  dg_fail(err, DG_ERR_RUNTIME,
          "the OpenCL driver of %s can't build the kernels of %s (use --backend cpu, or another "
          "device); its log begins: %.500s",
          device->base.info.name, file, log);
  free(log);
  return false;
}

/* The options that all programs are built with, and then `more`. */
static void write_options(const dg_cl_device *device, const char *more, char *out, size_t room) {
  cl_device_fp_config float_config = 0;
  clGetDeviceInfo(device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof float_config, &float_config, NULL);
  snprintf(out, room, "-cl-std=CL1.2 -DWIDTH=%u -DGROUP=%u%s %s", dg_cl_width(device),
           dg_cl_group(device), float_config & CL_FP_FMA ? " -DFUSED" : "", more);
}

static cl_program compile(dg_cl_device *device, const dg_cl_program_text *text, const char *file,
                          dg_error *err) {
  cl_int code;
  cl_program program = clCreateProgramWithSource(device->context, text->count,
                                                 (const char **)text->files, NULL, &code);
  if (code) {
    dg_cl_fail(err, device, code, "making the OpenCL program of %s", file);
    return NULL;
  }
  code = clBuildProgram(program, 1, &device->id, text->options, NULL, NULL);
  if (!code) return program;
  fail_build(device, program, file, code, err);
  clReleaseProgram(program);
  return NULL;
}

/* From the cache, or else compiled and kept there. */
static cl_program build(dg_cl_device *device, dg_cl_program id, const char *more, dg_error *err) {
  dg_cl_program_text text;
  dg_cl_program_find(device, id, &text);
  write_options(device, more, text.options, sizeof text.options);
  char *key = dg_cl_binary_key(device, &text);
  cl_program program = key ? dg_cl_binary_load(device, &text, key) : NULL;
  if (!program) {
    program = compile(device, &text, program_files(device, id)[text.count - 1], err);
    if (program && key) dg_cl_binary_keep(program, key);
  }
  free(key);
  return program;
}

uint32_t dg_cl_width(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 16 : 4;
}

uint32_t dg_cl_group(const dg_cl_device *device) {
  return device->form == DG_CL_TILE ? 1 : 64;
}

void dg_cl_programs_free(dg_cl_device *device) {
  for (dg_cl_built *built = device->programs, *next; built; built = next) {
    next = built->next;
    clReleaseProgram(built->program);
    free(built);
  }
}

/* A program with these options, built now if it has not been. */
static cl_program find_program(dg_cl_device *device, dg_cl_program id, const char *options,
                               dg_error *err) {
  for (dg_cl_built *built = device->programs; built; built = built->next)
    if (built->id == id && strcmp(built->options, options) == 0) return built->program;
  dg_cl_built *built = calloc(1, sizeof *built);
  if (!built) {
    dg_fail_memory(err, sizeof *built);
    return NULL;
  }
  built->id = id;
  snprintf(built->options, sizeof built->options, "%s", options);
  built->program = build(device, id, options, err);
  if (!built->program) {
    free(built);
    return NULL;
  }
  built->next = device->programs;
  device->programs = built;
  return built->program;
}

cl_kernel dg_cl_kernel(dg_cl_op *op, dg_cl_program id, const char *name, dg_error *err) {
  char options[DG_CL_TILE_OPTIONS] = "";
  if (id == DG_CL_PRODUCTS) dg_cl_tile_options(op->device, options);
  return dg_cl_special_kernel(op, id, options, name, err);
}

cl_kernel dg_cl_special_kernel(dg_cl_op *op, dg_cl_program id, const char *options,
                               const char *name, dg_error *err) {
  cl_program program = find_program(op->device, id, options, err);
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
