/* The oracle's ops that copy, drop, move or add elements. */
#include <math.h>

#include "core/base/philox.h"
#include "oracle/family.h"

/* ---- activation --------------------------------------------------------- */

static void activation_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = desc->activation.count;
}

/** The activation itself is applied as if it were fused to this op. */
static void activation_forward(const dg_op_desc *desc, const oracle_tensors *t,
                               const dg_step *step) {
  size_t count = (size_t)step->n * desc->activation.count;
  for (size_t i = 0; i < count; i++) t->out[i] = t->in[0][i];
}

static void activation_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                                const dg_step *step) {
  size_t count = (size_t)step->n * desc->activation.count;
  for (size_t i = 0; t->d_in[0] && i < count; i++) t->d_in[0][i] += dz[i];
}

const oracle_family oracle_activation = {activation_sizes, activation_forward, activation_backward};

/* ---- dropout ------------------------------------------------------------ */

bool oracle_dropped(const dg_dropout_desc *desc, const dg_step *step, uint32_t s, uint32_t e) {
  uint32_t key[2] = {step->seed, desc->stream}, words[4];
  dg_philox((uint32_t[4]){e / 4, step->batch_index + s, step->step, 0}, key, words);
  return words[e % 4] < floor(desc->rate * 0x1p32);
}

/** The factor of an element in dropout. */
static double dropout_factor(const dg_dropout_desc *d, const dg_step *step, size_t i) {
  if (!step->train) return 1;
  bool dropped = oracle_dropped(d, step, (uint32_t)(i / d->count), (uint32_t)(i % d->count));
  return dropped ? 0 : 1 / (1 - (double)d->rate);
}

static void dropout_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = desc->dropout.count;
}

static void dropout_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  size_t count = (size_t)step->n * desc->dropout.count;
  for (size_t i = 0; i < count; i++)
    t->out[i] = t->in[0][i] * dropout_factor(&desc->dropout, step, i);
}

static void dropout_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  size_t count = (size_t)step->n * desc->dropout.count;
  for (size_t i = 0; t->d_in[0] && i < count; i++)
    t->d_in[0][i] += dz[i] * dropout_factor(&desc->dropout, step, i);
}

const oracle_family oracle_dropout = {dropout_sizes, dropout_forward, dropout_backward};

/* ---- chw_to_hwc --------------------------------------------------------- */

static size_t chw_count(const dg_chw_desc *d) {
  return (size_t)d->channels * d->height * d->width;
}

static void chw_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = chw_count(&desc->chw);
}

/** The index in [n, height, width, channels] of element i of a [n, channels, height, width]
    tensor. */
static size_t hwc_place(const dg_chw_desc *d, size_t i) {
  size_t x = i % d->width, y = i / d->width % d->height;
  size_t c = i / d->width / d->height % d->channels, s = i / d->width / d->height / d->channels;
  return ((s * d->height + y) * d->width + x) * d->channels + c;
}

static void chw_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  size_t count = step->n * chw_count(&desc->chw);
  for (size_t i = 0; i < count; i++) t->out[hwc_place(&desc->chw, i)] = t->in[0][i];
}

static void chw_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                         const dg_step *step) {
  size_t count = step->n * chw_count(&desc->chw);
  for (size_t i = 0; t->d_in[0] && i < count; i++) t->d_in[0][i] += dz[hwc_place(&desc->chw, i)];
}

const oracle_family oracle_chw_to_hwc = {chw_sizes, chw_forward, chw_backward};

/* ---- add ---------------------------------------------------------------- */

static void add_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->inputs = desc->add.inputs;
  for (uint32_t k = 0; k < z->inputs; k++) z->in[k] = desc->add.count;
  z->out = desc->add.count;
}

static void add_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  size_t count = (size_t)step->n * desc->add.count;
  for (size_t i = 0; i < count; i++) {
    t->out[i] = 0;
    for (uint32_t k = 0; k < desc->add.inputs; k++) t->out[i] += t->in[k][i];
  }
}

static void add_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                         const dg_step *step) {
  size_t count = (size_t)step->n * desc->add.count;
  for (uint32_t k = 0; k < desc->add.inputs; k++)
    for (size_t i = 0; t->d_in[k] && i < count; i++) t->d_in[k][i] += dz[i];
}

const oracle_family oracle_add = {add_sizes, add_forward, add_backward};

/* ---- concat ------------------------------------------------------------- */

static void concat_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->inputs = desc->concat.inputs;
  for (uint32_t k = 0; k < z->inputs; k++) {
    z->in[k] = (size_t)desc->concat.rows * desc->concat.count[k];
    z->out += z->in[k];
  }
}

/** The index of element i of input k in the output. */
static size_t concat_place(const dg_concat_desc *d, uint32_t k, size_t i) {
  size_t before = 0, row = 0;
  for (uint32_t j = 0; j < d->inputs; j++) {
    before += j < k ? d->count[j] : 0;
    row += d->count[j];
  }
  return i / d->count[k] * row + before + i % d->count[k];
}

static void concat_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_concat_desc *d = &desc->concat;
  for (uint32_t k = 0; k < d->inputs; k++)
    for (size_t i = 0; i < (size_t)step->n * d->rows * d->count[k]; i++)
      t->out[concat_place(d, k, i)] = t->in[k][i];
}

static void concat_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                            const dg_step *step) {
  const dg_concat_desc *d = &desc->concat;
  for (uint32_t k = 0; k < d->inputs; k++)
    for (size_t i = 0; t->d_in[k] && i < (size_t)step->n * d->rows * d->count[k]; i++)
      t->d_in[k][i] += dz[concat_place(d, k, i)];
}

const oracle_family oracle_concat = {concat_sizes, concat_forward, concat_backward};
