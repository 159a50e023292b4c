/* Linear layers: what can be fused to them, and their implementations. */
#include "backends/opencl/gemm/linear.h"

#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"

/* CLBlast's products have no epilogue. */
static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  const dg_linear_desc *d = &desc->linear;
  if (dg_cl_linear_clblast_fits(device, desc, UINT32_MAX, true))
    return d->act.kind == DG_ACT_NONE && d->drop.rate == 0;
  return dg_cl_is_leaky(d->act) && dg_cl_drop_fits(d->drop, d->act) &&
         (dg_linear_rows(d) == 1 || d->drop.rate == 0);
}

const dg_cl_family dg_cl_linear = {
    .supports = supports,
    .forward = {&dg_cl_linear_clblast_forward, &dg_cl_linear_packed, &dg_cl_linear_inner},
    .backward = {&dg_cl_linear_clblast_backward, &dg_cl_linear_outer},
};
