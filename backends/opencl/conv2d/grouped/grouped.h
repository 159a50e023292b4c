/** What convolutions in groups and transposed ones launch: the three products between the large
    tensor of a convolution, its input, and the small one, its output. */
#ifndef DG_OPENCL_GROUPED_H
#define DG_OPENCL_GROUPED_H

#include "backends/opencl/runtime/implementation.h"

typedef struct {
  const dg_buffer *sizes;
  cl_kernel shorten, lengthen, weight, activation; /**< those that are prepared */
} dg_cl_grouped;

typedef enum {
  DG_CL_GROUPED_SHORTEN,  /**< the small tensor from the large one */
  DG_CL_GROUPED_LENGTHEN, /**< the large one from the small one */
  DG_CL_GROUPED_WEIGHT,   /**< the gradient of the weights, from both */
} dg_cl_grouped_kind;

/** Does the convolution have an output? */
bool dg_cl_grouped_supported(const dg_cl_device *device, const dg_op_desc *desc);

bool dg_cl_grouped_prepare(dg_cl_op *op, dg_cl_grouped *g, dg_cl_grouped_kind kind, dg_error *err);

/** What shorten and lengthen read, and what they write or add to. */
typedef struct {
  const dg_buffer *from, *weight, *bias, *to; /**< bias: NULL if there is none */
  dg_act act;
  bool add;
  uint32_t n;
} dg_cl_grouped_product;

bool dg_cl_grouped_shorten(dg_cl_op *op, const dg_cl_grouped *g, const dg_cl_grouped_product *p,
                           dg_error *err);
bool dg_cl_grouped_lengthen(dg_cl_op *op, const dg_cl_grouped *g, const dg_cl_grouped_product *p,
                            dg_error *err);

/** Writes the gradient of the weights, and to `d_bias`, if it isn't NULL, the sums over the small
    tensor. */
bool dg_cl_grouped_weight(dg_cl_op *op, const dg_cl_grouped *g, const dg_buffer *small,
                          const dg_buffer *large, const dg_buffer *d_weight,
                          const dg_buffer *d_bias, uint32_t n, dg_error *err);

/** The needs of backward, and a workspace for the gradient before the activation, if there is one.
 */
bool dg_cl_grouped_prepare_activation(dg_cl_op *op, dg_cl_grouped *g, dg_error *err);

/** The gradient before the activation. NULL on failure. */
const dg_buffer *dg_cl_grouped_before_activation(dg_cl_op *op, const dg_cl_grouped *g,
                                                 const dg_op_buffers *b, uint32_t n, dg_error *err);

#endif
