#include "backends/opencl/runtime/binary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cache.h"
#include "digits/version.h"

enum { FOLDER_SIZE = 4096 };

/* ---- keys --------------------------------------------------------------- */

static void write_platform(FILE *out, cl_platform_id platform, const char *what,
                           cl_platform_info key) {
  char text[256] = "";
  clGetPlatformInfo(platform, key, sizeof text, text, NULL);
  fprintf(out, "%s: %s\n", what, text);
}

static void write_device(FILE *out, cl_device_id id, const char *what, cl_device_info key) {
  char text[256] = "";
  clGetDeviceInfo(id, key, sizeof text, text, NULL);
  fprintf(out, "%s: %s\n", what, text);
}

/* Processors of the same name may differ in their vector units, for example in a virtual
   machine. */
static void write_widths(FILE *out, cl_device_id id) {
  cl_uint native = 0, preferred = 0;
  clGetDeviceInfo(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof native, &native, NULL);
  clGetDeviceInfo(id, CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, sizeof preferred, &preferred, NULL);
  fprintf(out, "vectors: %u %u\n", native, preferred);
}

static void write_key(FILE *out, const dg_cl_device *device, const char *what,
                      const dg_cl_program_text *text) {
  cl_platform_id platform = NULL;
  clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
  fprintf(out, "%s of digits %d.%d.%d\n", what, DG_VERSION_MAJOR, DG_VERSION_MINOR,
          DG_VERSION_PATCH);
  write_platform(out, platform, "platform", CL_PLATFORM_NAME);
  write_platform(out, platform, "platform version", CL_PLATFORM_VERSION);
  write_device(out, device->id, "device", CL_DEVICE_NAME);
  write_device(out, device->id, "vendor", CL_DEVICE_VENDOR);
  write_device(out, device->id, "version", CL_DEVICE_VERSION);
  write_device(out, device->id, "driver", CL_DRIVER_VERSION);
  write_widths(out, device->id);
  fprintf(out, "options: %s\n", text->options);
  for (cl_uint i = 0; i < text->count; i++) fputs(text->files[i], out);
}

/*
 * PoCL has its own cache of what it compiled, for the work-group sizes that were launched. Its
 * binaries are different: to return one, it compiles every kernel of the program again, for any
 * size, which takes longer than the whole startup (docs/performance.md has the figures).
 */
bool dg_cl_driver_keeps(const dg_cl_device *device) {
  return strcmp(device->base.info.platform, "Portable Computing Language") == 0;
}

char *dg_cl_device_key(const dg_cl_device *device, const char *what,
                       const dg_cl_program_text *text) {
  char folder[FOLDER_SIZE], *key = NULL;
  size_t length;
  if (!dg_cache_folder(folder, sizeof folder)) return NULL;
  FILE *out = open_memstream(&key, &length);
  if (!out) return NULL;
  write_key(out, device, what, text);
  bool whole = !ferror(out);
  if (fclose(out) == 0 && whole) return key;
  free(key);
  return NULL;
}

char *dg_cl_binary_key(const dg_cl_device *device, const dg_cl_program_text *text) {
  return dg_cl_driver_keeps(device) ? NULL : dg_cl_device_key(device, "program", text);
}

/* ---- binaries ----------------------------------------------------------- */

cl_program dg_cl_binary_load(const dg_cl_device *device, const dg_cl_program_text *text,
                             const char *key) {
  size_t size;
  unsigned char *binary = dg_cache_get(key, &size);
  if (!binary) return NULL;
  cl_int code, status = CL_SUCCESS;
  cl_program program = clCreateProgramWithBinary(device->context, 1, &device->id, &size,
                                                 (const unsigned char **)&binary, &status, &code);
  free(binary);
  if (code) return NULL;
  if (!status && !clBuildProgram(program, 1, &device->id, text->options, NULL, NULL))
    return program;
  clReleaseProgram(program);
  return NULL;
}

void dg_cl_binary_keep(cl_program program, const char *key) {
  size_t size = 0;
  if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) || size == 0)
    return;
  unsigned char *binary = malloc(size);
  if (binary && !clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL))
    dg_cache_put(key, binary, size);
  free(binary);
}
