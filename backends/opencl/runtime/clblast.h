/** Matrix products by CLBlast, if the library was built with it. */
#ifndef DG_OPENCL_CLBLAST_H
#define DG_OPENCL_CLBLAST_H

#include "backends/opencl/runtime/op.h"

/** c [rows, columns] (+)= a b; a is [rows, depth] or stored transposed, b is [depth, columns] or
    stored transposed. All dense. */
typedef struct {
  const dg_buffer *a, *b, *c;
  bool a_transposed, b_transposed, add;
  uint32_t rows, columns, depth;
} dg_cl_blast_product;

/** Was the library built with CLBlast? */
bool dg_cl_blast_built_in(void);

/** Bytes of workspace that a product of these shapes needs; its buffers need not be set. */
bool dg_cl_blast_workspace(dg_cl_op *op, const dg_cl_blast_product *p, size_t *bytes,
                           dg_error *err);

/** Enqueues the product; `workspace` may be NULL if it needs none. */
bool dg_cl_blast(dg_cl_op *op, const dg_cl_blast_product *p, const dg_buffer *workspace,
                 dg_error *err);

#endif
