/** Adds to each step what tells its position. */
#include <stdlib.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return dg_size_fits(dg_op_sizes_of(desc).in[0]);
}

static size_t count_of(const dg_cpu_op *op) {
  return dg_op_sizes_of(&op->desc).in[0];
}

/* ---- forward ------------------------------------------------------------ */

/** The table of waves is made once. */
static bool prepare_forward(dg_cpu_op *op, dg_error *err) {
  const dg_positions_desc *d = &op->desc.positions;
  if (!d->sinusoidal || op->planned) return true;
  float *table = op->plan = malloc(count_of(op) * sizeof *table);
  if (!table) return dg_fail_memory(err, count_of(op) * sizeof *table);
  for (uint32_t step = 0; step < d->steps; step++)
    for (uint32_t f = 0; f < d->width; f++)
      table[(size_t)step * d->width + f] = (float)dg_position_of(d, step, f);
  return true;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_cpu_op *op = region->op;
  const size_t count = count_of(op);
  const float *table = op->plan ? op->plan : dg_floats(region->buffers->param[0]);
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  const dg_span all = dg_cpu_part(region->step->n * count, region->pieces, piece);
  (void)worker;
  for (size_t i = all.begin, end; i < all.end; i = end) {
    end = i / count * count + count < all.end ? i / count * count + count : all.end;
    const float *row = table + i % count;
    for (size_t k = i; k < end; k++) y[k] = x[k] + row[k - i];
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const size_t all = step->n * count_of(op);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(all, all), forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

static void input_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const size_t count = region->step->n * count_of(region->op);
  const dg_span all = dg_cpu_part(count, region->pieces, piece);
  (void)worker;
  dg_grad_store(region->op->desc.d_in[0], all.end - all.begin,
                dg_floats(region->buffers->d_out) + all.begin,
                dg_floats(region->buffers->d_in[0]) + all.begin);
}

/** The sums over the samples of some numbers of the weight. */
static void weight_piece(const void *context, size_t piece, size_t worker) {
  enum { COLUMNS = 64 };
  const dg_cpu_region *region = context;
  const size_t count = count_of(region->op), n = region->step->n;
  const dg_span all = dg_cpu_part(count, region->pieces, piece);
  (void)worker;
  for (size_t i = all.begin; i < all.end; i += COLUMNS) {
    const size_t columns = all.end - i < COLUMNS ? all.end - i : COLUMNS;
    double sums[COLUMNS] = {0};
    for (size_t s = 0; s < n; s++) {
      const float *from = dg_floats(region->buffers->d_out) + s * count + i;
      for (size_t c = 0; c < columns; c++) sums[c] += (double)from[c];
    }
    for (size_t c = 0; c < columns; c++)
      dg_floats(region->buffers->d_param[0])[i + c] = (float)sums[c];
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const size_t count = count_of(op), all = step->n * count;
  if (op->desc.d_in[0] != DG_GRAD_NONE)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(all, all), input_piece);
  if (!op->desc.positions.sinusoidal)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, all), weight_piece);
}

static const dg_cpu_implementation forward_by_numbers = {"numbers", NULL, prepare_forward, forward},
                                   backward_by_numbers = {"numbers", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_positions) = {
    supports, {&forward_by_numbers}, {&backward_by_numbers}};
