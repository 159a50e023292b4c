/* Dimensions in another order, a work-item for a few numbers of a row of what is written. */
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
} permute_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  permute_op *self = (permute_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "permute", err);
  return self->kernel;
}

/* A dimension: its count, and how far apart its neighbours are in what is read. */
typedef struct {
  uint32_t count, apart;
} side;

/* Dimension k, counted from the innermost one of what is written. */
static side side_of(const dg_permute_walk *w, uint32_t k) {
  if (k >= w->rank) return (side){1, 0};
  return (side){w->count[w->rank - 1 - k], w->from[w->rank - 1 - k]};
}

static bool permute(dg_cl_op *op, const dg_buffer *from, const dg_buffer *to, bool undo, bool add,
                    uint32_t n, dg_error *err) {
  const dg_permute_walk w = dg_permute_walk_of(&op->desc.permute, undo);
  const side inner = side_of(&w, 0), next = side_of(&w, 1);
  const uint32_t joined = inner.count < dg_cl_width(op->device) ? 1 : 0; /* dimensions beside it */
  const uint32_t length = joined ? inner.count * next.count : inner.count;
  const uint32_t count = (uint32_t)dg_op_sizes_of(&op->desc).out[0], rows = n * (count / length);
  side s[4];
  for (uint32_t k = 0; k < 4; k++) s[k] = side_of(&w, 1 + joined + k);
  return dg_cl_launch(
      op, ((permute_op *)op)->kernel,
      dg_cl_range_of((size_t[3]){dg_cl_ceil_div(length, dg_cl_width(op->device)), rows, 1},
                     (size_t[3]){8, 8, 1}),
      DG_CL_ARGS(dg_cl_mem(from), dg_cl_mem(to), dg_cl_u32(length), dg_cl_u32(inner.count),
                 dg_cl_u32(inner.apart), dg_cl_u32(next.apart), dg_cl_u32(rows), dg_cl_u32(count),
                 dg_cl_u32(s[0].count), dg_cl_u32(s[0].apart), dg_cl_u32(s[1].count),
                 dg_cl_u32(s[1].apart), dg_cl_u32(s[2].count), dg_cl_u32(s[2].apart),
                 dg_cl_u32(s[3].count), dg_cl_u32(s[3].apart), dg_cl_u32(add)),
      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return permute(op, b->in[0], b->out[0], false, false, step->n, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_grad_mode mode = op->desc.d_in[0];
  return mode == DG_GRAD_NONE ||
         permute(op, b->d_out, b->d_in[0], true, mode == DG_GRAD_ADD, step->n, err);
}

static const dg_cl_implementation rows_forward = {
    .name = "rows", .size = sizeof(permute_op), .prepare = prepare, .run = forward};
static const dg_cl_implementation rows_backward = {
    .name = "rows", .size = sizeof(permute_op), .prepare = prepare, .run = backward};

const dg_cl_family dg_cl_permute = {.forward = {&rows_forward}, .backward = {&rows_backward}};
