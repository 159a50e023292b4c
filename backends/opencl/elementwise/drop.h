/** Dropout, as an op and fused to the end of products. */
#ifndef DG_OPENCL_DROP_H
#define DG_OPENCL_DROP_H

#include "backends/opencl/runtime/op.h"

/** Can this be fused after `act`? */
bool dg_cl_drop_fits(dg_drop drop, dg_act act);

/** The kernel of a fused dropout; NULL if nothing is dropped. false: an error. */
bool dg_cl_drop_prepare(dg_cl_op *op, dg_drop drop, cl_kernel *kernel, dg_error *err);

/** Does this step drop anything? */
bool dg_cl_drop_runs(dg_drop drop, const dg_step *step);

/** The scale of the elements that are kept, and of their gradients. */
float dg_cl_drop_scale(dg_drop drop);

/**
 * Enqueues the kernel "dropout" of DG_CL_ELEMENTS: drops and scales `count` numbers of each sample;
 * from may be to. The same mask is used for numbers and gradients.
 */
bool dg_cl_drop(dg_cl_op *op, cl_kernel kernel, dg_drop drop, uint32_t count, const dg_buffer *from,
                const dg_buffer *to, bool add, const dg_step *step, dg_error *err);

/** The same for a fused dropout: applied in place to some of the op's output, in a step that
    drops. */
bool dg_cl_drop_epilogue(dg_cl_op *op, cl_kernel kernel, dg_drop drop, uint32_t count,
                         const dg_buffer *out, const dg_step *step, dg_error *err);

#endif
