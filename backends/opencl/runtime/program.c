#include "backends/opencl/runtime/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cache.h"

/* ---- which files -------------------------------------------------------- */

/* One bit for each program. */
#define IN(program) (1u << DG_CL_##program)
#define EVERY (~0u)

enum { TILE = 1 << DG_CL_TILE, GROUP = 1 << DG_CL_GROUP, BOTH = TILE | GROUP };

/* The files of cl/, in the order of compilation: each with the programs and the forms that use
   it. */
static const struct {
  const char *name;
  unsigned programs, forms;
} files[] = {
    {"common.cl", EVERY, BOTH},
    {"philox.cl", IN(ELEMENTS) | IN(GROUPED), BOTH},
    {"elements.cl", IN(ELEMENTS) | IN(GROUPED), BOTH},
    {"eltwise.cl", IN(ELEMENTS), BOTH},
    {"gather.cl", IN(ELEMENTS), BOTH},
    {"gather_warped.cl", IN(ELEMENTS), BOTH},
    {"gather_changes.cl", IN(ELEMENTS), BOTH},
    {"gather_lengths.cl", IN(ELEMENTS), BOTH},
    {"pool.cl", IN(ELEMENTS), BOTH},
    {"upsample2d.cl", IN(ELEMENTS), BOTH},
    {"resize.cl", IN(ELEMENTS), BOTH},
    {"sequence.cl", IN(ELEMENTS), BOTH},
    {"planes.cl", IN(ELEMENTS), BOTH},
    {"loss.cl", IN(ELEMENTS), BOTH},
    {"update.cl", IN(ELEMENTS), BOTH},
    {"grouped.cl", IN(GROUPED), BOTH},
    {"lines.cl", IN(GROUPED), BOTH},
    {"norm.cl", IN(NORMS), BOTH}, /* takes longest to compile */
    {"blocks.cl", IN(GEMM) | IN(GEMM_PACKED) | IN(ROWS) | IN(WINOGRAD), TILE},
    {"outer_tile.cl", IN(GEMM), TILE},
    {"inner_tile.cl", IN(GEMM), TILE},
    {"pixels_tile.cl", IN(GEMM), TILE},
    {"outer_group.cl", IN(GEMM), GROUP},
    {"inner_group.cl", IN(GEMM), GROUP},
    {"micro_kernel.cl", IN(GEMM_PACKED) | IN(WINOGRAD), TILE},
    {"packed_tile.cl", IN(GEMM_PACKED), TILE},
    {"rows_tile.cl", IN(ROWS), TILE},
    {"winograd.cl", IN(WINOGRAD), TILE},
    {"winograd_tiles.cl", IN(WINOGRAD), TILE},
    {"recurrent_cell.cl", IN(RECURRENT), BOTH},
    {"recurrent_pack.cl", IN(RECURRENT), BOTH},
    {"recurrent_tile.cl", IN(RECURRENT), TILE},
    {"recurrent_group.cl", IN(RECURRENT), GROUP},
};

static const char *source_text(const char *name) {
  const dg_cl_source *source = dg_cl_sources;
  while (source->name && strcmp(source->name, name) != 0) source++;
  return source->text;
}

void dg_cl_program_find(const dg_cl_device *device, dg_cl_program id, dg_cl_program_text *text) {
  *text = (dg_cl_program_text){.count = 0};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (!(files[i].programs & 1u << id) || !(files[i].forms & 1u << device->form)) continue;
    text->last = files[i].name;
    text->files[text->count++] = source_text(files[i].name);
  }
}

/* ---- building ----------------------------------------------------------- */

/* The error of a build, with the beginning of the compiler's log in one line. */
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
          "the OpenCL driver of %s can't build the kernels of %s; its log begins: %.500s",
          device->base.info.name, file, log);
  dg_advise(err, DG_REMEDY_BACKEND);
  free(log);
  return false;
}

/* The options common to all programs, followed by `more`. */
static void write_options(const dg_cl_device *device, const char *more, char *out,
                          size_t capacity) {
  cl_device_fp_config float_config = 0;
  clGetDeviceInfo(device->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof float_config, &float_config, NULL);
  snprintf(out, capacity, "-cl-std=CL1.2 -DWIDTH=%u -DGROUP=%u%s %s", dg_cl_width(device),
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

/* Tells, once, why a program that was compiled can't be kept. */
static void tell_lost(dg_cl_device *device) {
  dg_error err = {0};
  if (!device->note || dg_cl_driver_keeps(device) || dg_cache_check(&err)) return;
  dg_fail_prefix(&err, "compiled kernels can't be kept for the next start");
  device->note(device->user, err.message);
  device->note = NULL;
}

/* Loads it from the cache, or else compiles it and stores it there. */
static cl_program build(dg_cl_device *device, dg_cl_program id, const char *more, dg_error *err) {
  dg_cl_program_text text;
  dg_cl_program_find(device, id, &text);
  write_options(device, more, text.options, sizeof text.options);
  char *key = dg_cl_binary_key(device, &text);
  cl_program program = key ? dg_cl_binary_load(device, &text, key) : NULL;
  if (!program) {
    program = compile(device, &text, text.last, err);
    if (program && key) dg_cl_binary_keep(program, key);
    if (program) tell_lost(device);
  }
  free(key);
  return program;
}

/* ---- built programs ----------------------------------------------------- */

typedef struct dg_cl_built {
  struct dg_cl_built *next;
  dg_cl_program id;
  char options[128]; /* in addition to the common ones */
  cl_program program;
} built;

void dg_cl_programs_free(dg_cl_device *device) {
  for (built *one = device->programs, *next; one; one = next) {
    next = one->next;
    clReleaseProgram(one->program);
    free(one);
  }
  device->programs = NULL;
}

cl_program dg_cl_program_get(dg_cl_device *device, dg_cl_program id, const char *options,
                             dg_error *err) {
  for (const built *one = device->programs; one; one = one->next)
    if (one->id == id && strcmp(one->options, options) == 0) return one->program;
  built *one = calloc(1, sizeof *one);
  if (!one) {
    dg_fail_memory(err, sizeof *one);
    return NULL;
  }
  one->id = id;
  snprintf(one->options, sizeof one->options, "%s", options);
  one->program = build(device, id, options, err);
  if (!one->program) {
    free(one);
    return NULL;
  }
  one->next = device->programs;
  device->programs = one;
  return one->program;
}
