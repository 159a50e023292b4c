#include "backends/opencl/runtime/op.h"

#include <stdlib.h>

#include "backends/opencl/runtime/groups.h"
#include "backends/opencl/runtime/tiles.h"

dg_cl_op *dg_cl_op_new(size_t size, const dg_cl_op *as, dg_error *err) {
  dg_cl_op *op = calloc(1, size);
  dg_cl_profile *profile = as->device->profile ? calloc(1, sizeof *profile) : NULL;
  if (!op || (as->device->profile && !profile)) {
    free(op);
    free(profile);
    dg_fail_memory(err, size);
    return NULL;
  }
  *op = *as;
  op->profile = profile;
  return op;
}

void dg_cl_op_free(dg_cl_op *op) {
  if (!op) return;
  for (size_t i = 0; op->profile && i < op->profile->count; i++)
    clReleaseEvent(op->profile->events[i]);
  for (size_t i = 0; i < op->kernel_count; i++) clReleaseKernel(op->kernels[i]);
  for (size_t i = 0; i < op->table_count; i++) dg_cl_buffer_free(op->tables[i]);
  free(op->profile);
  free(op);
}

cl_kernel dg_cl_kernel(dg_cl_op *op, dg_cl_program id, const char *name, dg_error *err) {
  char options[DG_CL_TILE_OPTIONS] = "";
  if (id == DG_CL_GEMM) dg_cl_tile_options(op->device, options);
  return dg_cl_special_kernel(op, id, options, name, err);
}

cl_kernel dg_cl_special_kernel(dg_cl_op *op, dg_cl_program id, const char *options,
                               const char *name, dg_error *err) {
  cl_program program = dg_cl_program_get(op->device, id, options, err);
  if (!program) return NULL;
  cl_int code;
  cl_kernel kernel = clCreateKernel(program, name, &code);
  if (code) {
    dg_cl_fail(err, op->device, code, "making the kernel %s", name);
    return NULL;
  }
  op->kernels[op->kernel_count] = kernel;
  op->items[op->kernel_count++] = dg_cl_kernel_items(op->device, kernel);
  return dg_cl_check_kernel(op->device, kernel, name, err) ? kernel : NULL;
}

dg_buffer *dg_cl_scratch(dg_cl_op *op, size_t bytes, dg_error *err) {
  enum { LEAST = 64 };
  if (op->planned && bytes > LEAST) bytes = LEAST;
  dg_buffer *scratch = dg_cl_buffer_new(&op->device->base, bytes, err);
  if (scratch) op->tables[op->table_count++] = scratch;
  return scratch;
}

dg_buffer *dg_cl_table(dg_cl_op *op, const void *from, size_t bytes, dg_error *err) {
  dg_buffer *table = dg_cl_buffer_new(&op->device->base, bytes, err);
  if (table) op->tables[op->table_count++] = table;
  return table && dg_cl_buffer_write(table, 0, from, bytes, err) ? table : NULL;
}
