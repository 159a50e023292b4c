/**
 * Programs: each is built on first use, from the embedded sources or the cache, and shared by all
 * ops of a device.
 */
#ifndef DG_OPENCL_PROGRAM_H
#define DG_OPENCL_PROGRAM_H

#include "backends/opencl/runtime/binary.h"

/** The programs; program.c lists the files of each. */
typedef enum {
  DG_CL_ELEMENTS,
  DG_CL_GROUPED, /**< convolutions in groups */
  DG_CL_NORMS,
  DG_CL_GROUP_NORMS, /**< and local responses */
  DG_CL_GEMM,
  DG_CL_GEMM_PACKED, /**< tile form only, as the next two */
  DG_CL_ROWS,
  DG_CL_WINOGRAD,
  DG_CL_RECURRENT,
  DG_CL_ATTENTION
} dg_cl_program;

/** A file of cl/, embedded when the library is built. */
typedef struct {
  const char *name, *text;
} dg_cl_source;

/** All of them, ended by a NULL name (generated). */
extern const dg_cl_source dg_cl_sources[];

/** The source files of a program of a device; options are left empty. */
void dg_cl_program_find(const dg_cl_device *device, dg_cl_program id, dg_cl_program_text *text);

/** The program with these options in addition to the common ones ("-DX=1"), built now if it hasn't
    been yet. The device owns it. NULL on failure. */
cl_program dg_cl_program_get(dg_cl_device *device, dg_cl_program id, const char *options,
                             dg_error *err);

void dg_cl_programs_free(dg_cl_device *device);

#endif
