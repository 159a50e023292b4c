#include "backends/opencl/form.h"

#include <string.h>

#include "backends/opencl/runtime/clblast.h"
#include "backends/opencl/runtime/groups.h"

bool dg_cl_form_choose(dg_cl_device *device, cl_device_type type, const char *form, dg_error *err) {
  const bool have_blast = dg_cl_blast_built_in();
  const bool cpu = type & CL_DEVICE_TYPE_CPU;
  device->form = cpu ? DG_CL_TILE : DG_CL_GROUP;
  device->usual_blast = have_blast && !cpu ? DG_CL_BLAST_LARGE : DG_CL_BLAST_NEVER;
  if (!form) return true;
  device->usual_blast = DG_CL_BLAST_NEVER;
  if (strcmp(form, "tile") == 0) {
    device->form = DG_CL_TILE;
  } else if (strcmp(form, "group") == 0) {
    device->form = DG_CL_GROUP;
  } else if (strcmp(form, "clblast") == 0) {
    if (!have_blast)
      return dg_fail(err, DG_ERR_UNSUPPORTED,
                     "this build has no CLBlast; install it (on Debian: apt install "
                     "libclblast-dev) and build again, or use the forms tile or group");
    device->usual_blast = DG_CL_BLAST_ALWAYS;
  } else {
    return dg_fail(err, DG_ERR_INPUT, "unknown kernel form \"%s\"; there are tile, group%s", form,
                   have_blast ? " and clblast" : "");
  }
  return true;
}

/* Do the kernels with most registers allow their work-groups? */
static bool check_products(dg_cl_device *device, dg_error *err) {
  const dg_cl_op as = {.device = device};
  dg_cl_op *op = dg_cl_op_new(sizeof *op, &as, err);
  const bool fit = op && dg_cl_kernel(op, DG_CL_GEMM, "gemm_outer", err) &&
                   dg_cl_kernel(op, DG_CL_GEMM, "gemm_inner", err);
  dg_cl_op_free(op);
  return fit;
}

static bool check_group(dg_cl_device *device, dg_error *err) {
  enum { LOCAL_MEMORY = 32 << 10 };
  static const char what[] = "kernels for GPUs";
  static const size_t products[] = {16, 16, 1}, recurrent[] = {128, 1, 1};
  cl_ulong memory = 0;
  if (!dg_cl_check_groups(device, what, products, err) ||
      !dg_cl_check_groups(device, what, recurrent, err))
    return false;
  clGetDeviceInfo(device->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof memory, &memory, NULL);
  if (memory < LOCAL_MEMORY)
    return dg_fail(err, DG_ERR_UNSUPPORTED,
                   "%s need 32 KiB of local memory; the device %s has %llu bytes", what,
                   device->base.info.name, (unsigned long long)memory) ||
           dg_advise(err, DG_REMEDY_DEVICE);
  return check_products(device, err);
}

bool dg_cl_form_check(dg_cl_device *device, dg_error *err) {
  static const size_t usual[] = {16, 16, 1}; /* what its kernels take where it was not tuned */
  return (device->form == DG_CL_TILE || check_group(device, err)) &&
         (device->usual_blast == DG_CL_BLAST_NEVER ||
          dg_cl_check_groups(device, "kernels of CLBlast", usual, err));
}
