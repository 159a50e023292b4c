/** Rows of a table, chosen by whole numbers. */
#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return desc->d_in[0] == DG_GRAD_NONE && desc->embedding.width > 0;
}

static size_t count_places(const dg_cpu_op *op, uint32_t n) {
  return (size_t)n * op->desc.embedding.steps;
}

/* ---- forward ------------------------------------------------------------ */

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_embedding_desc *d = &region->op->desc.embedding;
  const size_t width = d->width;
  const float *numbers = dg_floats(region->buffers->in[0]);
  const float *weight = dg_floats(region->buffers->param[0]);
  float *to = dg_floats(region->buffers->out[0]);
  const dg_span places =
      dg_cpu_part(count_places(region->op, region->step->n), region->pieces, piece);
  (void)worker;
  for (size_t i = places.begin; i < places.end; i++)
    memcpy(to + i * width, weight + dg_word_of(numbers[i], d->words) * width, width * sizeof *to);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const size_t places = count_places(op, step->n);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(places, places * op->desc.embedding.width),
                    forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

/* The workspace holds the places in the order of their words, behind where those of each word
   begin, and where the last ones end. */

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = true;
  op->needs.workspace =
      (op->desc.embedding.words + 1 + count_places(op, op->max_n)) * sizeof(size_t);
  return true;
}

static size_t *begins_of(const dg_cpu_region *region) {
  return (size_t *)(void *)dg_floats(region->buffers->workspace);
}

/** Counts the places of each word, then puts them in order. */
static void sort_places(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const uint32_t words = region->op->desc.embedding.words;
  const float *numbers = dg_floats(region->buffers->in[0]);
  const size_t places = count_places(region->op, region->step->n);
  size_t *begin = begins_of(region), *order = begin + words + 1, sum = 0;
  (void)piece, (void)worker;
  memset(begin, 0, ((size_t)words + 1) * sizeof *begin);
  for (size_t i = 0; i < places; i++) begin[dg_word_of(numbers[i], words)]++;
  for (uint32_t w = 0; w <= words; w++) {
    sum += begin[w];
    begin[w] = sum;
  }
  for (size_t i = places; i-- > 0;) order[--begin[dg_word_of(numbers[i], words)]] = i;
}

/** to = the sum of some rows of d_out. */
static void sum_rows(size_t width, const size_t *rows, size_t count, const float *d_out,
                     float *to) {
  enum { COLUMNS = 64 };
  for (size_t f = 0; f < width; f += COLUMNS) {
    const size_t columns = width - f < COLUMNS ? width - f : COLUMNS;
    double sums[COLUMNS] = {0};
    for (size_t i = 0; i < count; i++) {
      const float *from = d_out + rows[i] * width + f;
      for (size_t c = 0; c < columns; c++) sums[c] += (double)from[c];
    }
    for (size_t c = 0; c < columns; c++) to[f + c] = (float)sums[c];
  }
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_embedding_desc *d = &region->op->desc.embedding;
  const size_t *begin = begins_of(region), *order = begin + d->words + 1;
  const dg_span words = dg_cpu_part(d->words, region->pieces, piece);
  (void)worker;
  for (size_t w = words.begin; w < words.end; w++)
    sum_rows(d->width, order + begin[w], begin[w + 1] - begin[w], dg_floats(region->buffers->d_out),
             dg_floats(region->buffers->d_param[0]) + w * d->width);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_embedding_desc *d = &op->desc.embedding;
  const size_t rows = count_places(op, step->n) + d->words;
  dg_cpu_run_region(op, buffers, step, 1, sort_places);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(d->words, rows * d->width), backward_piece);
}

static const dg_cpu_implementation forward_by_places = {"places", NULL, NULL, forward},
                                   backward_by_words = {"words", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_embedding) = {
    supports, {&forward_by_places}, {&backward_by_words}};
