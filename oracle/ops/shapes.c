/* The oracle's permutations and slices. */
#include "oracle/family.h"

/* ---- permute ------------------------------------------------------------ */

static void permute_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_permute_desc *d = &desc->permute;
  z->out = 1;
  for (uint32_t k = 0; k < d->rank; k++) z->out *= d->dim[k];
  z->in[0] = z->out;
}

/** The index, in a sample of the input, of number `i` of the output. */
static size_t permute_source(const dg_permute_desc *d, size_t i) {
  size_t index[DG_PERMUTE_RANK] = {0}, at = 0;
  for (uint32_t k = d->rank; k-- > 0; i /= d->dim[d->order[k]])
    index[d->order[k]] = i % d->dim[d->order[k]];
  for (uint32_t k = 0; k < d->rank; k++) at = at * d->dim[k] + index[k];
  return at;
}

static void permute_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  permute_sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++)
    t->out[i] = t->in[0][i / z.out * z.out + permute_source(&desc->permute, i % z.out)];
}

static void permute_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  oracle_sizes z = {0};
  permute_sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++)
    t->d_in[0][i / z.out * z.out + permute_source(&desc->permute, i % z.out)] += dz[i];
}

const oracle_family oracle_permute = {permute_sizes, permute_forward, permute_backward};

/* ---- slice -------------------------------------------------------------- */

static void slice_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_slice_desc *d = &desc->slice;
  z->in[0] = (size_t)d->outer * d->count * d->inner;
  z->out = (size_t)d->outer * d->length * d->inner;
}

/** The index in the input of number `i` of the output. */
static size_t slice_source(const dg_slice_desc *d, size_t i) {
  size_t inner = i % d->inner, at = i / d->inner % d->length, outer = i / d->inner / d->length;
  return (outer * d->count + d->first + at) * d->inner + inner;
}

static void slice_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  slice_sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) t->out[i] = t->in[0][slice_source(&desc->slice, i)];
}

static void slice_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                           const dg_step *step) {
  oracle_sizes z = {0};
  slice_sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++)
    t->d_in[0][slice_source(&desc->slice, i)] += dz[i];
}

const oracle_family oracle_slice = {slice_sizes, slice_forward, slice_backward};
