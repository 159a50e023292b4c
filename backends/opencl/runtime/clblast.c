#include "backends/opencl/runtime/clblast.h"

#ifdef DIGITS_CLBLAST
#include <clblast_c.h>

bool dg_cl_blast_built_in(void) {
  return true;
}

static CLBlastTranspose transposed(bool is) {
  return is ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static size_t a_stride(const dg_cl_blast_product *p) {
  return p->a_transposed ? p->rows : p->depth;
}

static size_t b_stride(const dg_cl_blast_product *p) {
  return p->b_transposed ? p->depth : p->columns;
}

/* CLBlast's own codes are from -1024 to -1001 and below -2000, the others are OpenCL's. */
static bool fail(dg_error *err, const dg_cl_op *op, CLBlastStatusCode code,
                 const dg_cl_blast_product *p) {
  return dg_cl_fail(err, op->device, (cl_int)code, "a product %u x %u x %u by CLBlast", p->rows,
                    p->columns, p->depth);
}

bool dg_cl_blast_workspace(dg_cl_op *op, const dg_cl_blast_product *p, size_t *bytes,
                           dg_error *err) {
  CLBlastStatusCode code = CLBlastSGemmTempBufferSize(
      CLBlastLayoutRowMajor, transposed(p->a_transposed), transposed(p->b_transposed), p->rows,
      p->columns, p->depth, 0, a_stride(p), 0, b_stride(p), 0, p->columns, &op->device->queue,
      bytes);
  return code == CLBlastSuccess || fail(err, op, code, p);
}

bool dg_cl_blast(dg_cl_op *op, const dg_cl_blast_product *p, const dg_buffer *workspace,
                 dg_error *err) {
  cl_event event = NULL;
  CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
      CLBlastLayoutRowMajor, transposed(p->a_transposed), transposed(p->b_transposed), p->rows,
      p->columns, p->depth, 1, p->a->mem, 0, a_stride(p), p->b->mem, 0, b_stride(p), p->add,
      p->c->mem, 0, p->columns, &op->device->queue, op->profile ? &event : NULL,
      workspace ? workspace->mem : NULL);
  if (code != CLBlastSuccess) return fail(err, op, code, p);
  return !op->profile || dg_cl_note_event(op, event, err);
}

#else

bool dg_cl_blast_built_in(void) {
  return false;
}

bool dg_cl_blast_workspace(dg_cl_op *op, const dg_cl_blast_product *p, size_t *bytes,
                           dg_error *err) {
  (void)op, (void)p, (void)bytes;
  return dg_fail(err, DG_ERR_UNSUPPORTED, "this build has no CLBlast");
}

bool dg_cl_blast(dg_cl_op *op, const dg_cl_blast_product *p, const dg_buffer *workspace,
                 dg_error *err) {
  (void)op, (void)p, (void)workspace;
  return dg_fail(err, DG_ERR_UNSUPPORTED, "this build has no CLBlast");
}

#endif
