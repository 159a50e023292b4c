#include "backends/cpu/activation.h"
#include "backends/cpu/cpu.h"

#include <cblas.h>
#include <string.h>

static bool supports(const dg_op_desc *desc) {
  return desc->linear.in > 0 && desc->linear.out > 0 && dg_act_known(desc->linear.act);
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)err;
  const dg_linear_desc *desc = &op->base.desc.linear;
  bool act = desc->act.kind != DG_ACT_NONE;
  op->base.needs.backward_reads_in = train;
  op->base.needs.backward_reads_out = train && act;
  if (train && act)
    op->base.needs.backward_workspace = (size_t)op->base.max_n * desc->out * sizeof(float);
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->base.desc.linear;
  size_t n = step->n, in = desc->in, out = desc->out;
  const float *x = dg_floats(buffers->in[0]), *weight = dg_floats(buffers->param[0]);
  const float *bias = dg_floats(buffers->param[1]);
  float *y = dg_floats(buffers->out[0]);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1, x, in, weight, in, 0, y, out);
  for (size_t s = 0; s < n; s++) {
    if (desc->bias) dg_grad_put(DG_GRAD_ADD, out, bias, y + s * out);
    dg_act_forward(desc->act, out, y + s * out, y + s * out);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->base.desc.linear;
  dg_grad_mode mode = op->base.desc.d_in[0];
  size_t n = step->n, in = desc->in, out = desc->out;
  const float *x = dg_floats(buffers->in[0]), *weight = dg_floats(buffers->param[0]);
  const float *dz = dg_floats(buffers->d_out);
  float *d_bias = dg_floats(buffers->d_param[1]);
  if (desc->act.kind != DG_ACT_NONE) {
    dg_act_backward(desc->act, n * out, dg_floats(buffers->out[0]), dz,
                    dg_floats(buffers->workspace));
    dz = dg_floats(buffers->workspace);
  }
  if (desc->bias) {
    memset(d_bias, 0, out * sizeof *d_bias);
    for (size_t s = 0; s < n; s++) dg_grad_put(DG_GRAD_ADD, out, dz + s * out, d_bias);
  }
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, n, 1, dz, out, x, in, 0,
              dg_floats(buffers->d_param[0]), in);
  if (mode != DG_GRAD_NONE)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, in, out, 1, dz, out, weight, in,
                mode == DG_GRAD_ADD, dg_floats(buffers->d_in[0]), in);
}

const dg_cpu_family dg_cpu_linear = {supports, prepare, forward, backward};
