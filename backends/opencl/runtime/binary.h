/** Programs in the form that the driver compiled them to, kept in the cache from run to run. */
#ifndef DG_OPENCL_BINARY_H
#define DG_OPENCL_BINARY_H

#include "backends/opencl/runtime/device.h"

enum { DG_CL_MAX_FILES = 64 };

/** What a program is compiled from. */
typedef struct {
  const char *files[DG_CL_MAX_FILES]; /**< texts, in the order they are compiled in */
  cl_uint count;
  const char *last; /**< the name of the last of them */
  char options[256];
} dg_cl_program_text;

/**
 * A key in the cache for `what` was made for a device, its driver and a program on it, options and
 * source. The caller frees it. NULL: there is no cache, or no memory.
 */
char *dg_cl_device_key(const dg_cl_device *device, const char *what,
                       const dg_cl_program_text *text);

/**
 * The key of a program in the cache: all that its binary depends on. The caller frees it. NULL:
 * the program is not to be kept.
 */
char *dg_cl_binary_key(const dg_cl_device *device, const dg_cl_program_text *text);

/** The program that was kept under `key`, built; NULL: none was, or the driver refuses it. */
cl_program dg_cl_binary_load(const dg_cl_device *device, const dg_cl_program_text *text,
                             const char *key);

/** Keeps a program that was built, where the driver gives its binary and the cache takes it. */
void dg_cl_binary_keep(cl_program program, const char *key);

#endif
