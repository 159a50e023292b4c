#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements processed at a time. */
enum { BLOCK = 256 };

static bool supports(const dg_op_desc *desc) {
  return desc->add.count > 0 && desc->add.inputs >= 2 && desc->add.inputs <= DG_MAX_IN;
}

/** The elements of a piece. */
static dg_span part_of(const dg_cpu_region *region, size_t piece) {
  size_t total = (size_t)region->step->n * region->op->desc.add.count;
  return dg_cpu_grains(total, BLOCK, region->pieces, piece);
}

/** Number of pieces in both directions. */
static size_t pieces_of(const dg_cpu_op *op, const dg_step *step) {
  size_t total = (size_t)step->n * op->desc.add.count;
  return dg_cpu_pieces(total, total * op->desc.add.inputs);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_buffers *buffers = region->buffers;
  const float *first = dg_floats(buffers->in[0]), *second = dg_floats(buffers->in[1]);
  float *y = dg_floats(buffers->out[0]);
  dg_span part = part_of(region, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++) y[i] = first[i] + second[i];
  for (uint32_t k = 2; k < region->op->desc.add.inputs; k++)
    dg_grad_store(DG_GRAD_ADD, part.end - part.begin, dg_floats(buffers->in[k]) + part.begin,
                  y + part.begin);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_desc *desc = &region->op->desc;
  const float *d_y = dg_floats(region->buffers->d_out);
  dg_span part = part_of(region, piece);
  (void)worker;
  for (uint32_t k = 0; k < desc->add.inputs; k++)
    if (desc->d_in[k] != DG_GRAD_NONE)
      dg_grad_store(desc->d_in[k], part.end - part.begin, d_y + part.begin,
                    dg_floats(region->buffers->d_in[k]) + part.begin);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step), backward_piece);
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_add) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
