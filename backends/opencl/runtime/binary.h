/** Compiled program binaries, cached across runs. */
#ifndef DG_OPENCL_BINARY_H
#define DG_OPENCL_BINARY_H

#include "backends/opencl/runtime/device.h"

enum { DG_CL_MAX_FILES = 64 };

/** The sources of a program. */
typedef struct {
  const char *files[DG_CL_MAX_FILES]; /**< source texts, in the order of compilation */
  cl_uint count;
  const char *last; /**< the name of the last file */
  char options[256];
} dg_cl_program_text;

/**
 * A cache key for data of kind `what` that depends on a device, its driver and a program, with
 * options and source. The caller frees it. NULL: there is no cache, or no memory.
 */
char *dg_cl_device_key(const dg_cl_device *device, const char *what,
                       const dg_cl_program_text *text);

/**
 * The cache key of a program: everything that its binary depends on. The caller frees it. NULL: the
 * program shouldn't be cached.
 */
char *dg_cl_binary_key(const dg_cl_device *device, const dg_cl_program_text *text);

/** Does the driver keep what it compiled itself? Its programs aren't cached then. */
bool dg_cl_driver_keeps(const dg_cl_device *device);

/** The program cached under `key`, built; NULL: there is none, or the driver rejects it. */
cl_program dg_cl_binary_load(const dg_cl_device *device, const dg_cl_program_text *text,
                             const char *key);

/** Caches a program that was built, if the driver provides its binary and the cache accepts it. */
void dg_cl_binary_keep(cl_program program, const char *key);

#endif
