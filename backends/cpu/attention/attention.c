/** Attention, forward. */
#include "backends/cpu/attention/attention_blocks.h"

#include <math.h>
#include <string.h>

#include "backends/cpu/elementwise/lines.h"

enum { QUERIES = DG_ATTENTION_QUERIES, KEYS = DG_ATTENTION_KEYS };

static bool supports(const dg_op_desc *desc) {
  return desc->d_in[1] == DG_GRAD_NONE && desc->attention.width > 0 &&
         dg_size_fits(dg_op_sizes_of(desc).in[0]);
}

/** The memory of a worker: packed keys and values, the scores of a block, and of each query the
    sums, the largest score and the sum of exponentials so far. */
typedef struct {
  float *keys, *values, *scores, *out, *most, *sum;
} scratch;

static size_t scratch_floats(const dg_attention_desc *d) {
  const size_t panels = dg_panels_width(d->width);
  return KEYS * (d->width + panels) + QUERIES * KEYS + 2 * dg_round_up(d->steps) +
         dg_round_up(d->steps * panels);
}

static scratch scratch_of(const dg_attention_desc *d, float *at) {
  const size_t panels = dg_panels_width(d->width), steps = dg_round_up(d->steps);
  scratch s = {.keys = at};
  s.values = s.keys + KEYS * (size_t)d->width;
  s.scores = s.values + KEYS * panels;
  s.most = s.scores + QUERIES * KEYS;
  s.sum = s.most + steps;
  s.out = s.sum + steps;
  return s;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace =
      (size_t)op->device->threads * scratch_floats(&op->desc.attention) * sizeof(float);
  return true;
}

/* ---- a block ------------------------------------------------------------ */

/**
 * Makes weights of the scores of a query, exp(scale * score - the largest so far), for `keys` keys,
 * of which the first `visible` count. Returns the factor of what was summed before.
 */
static float weigh(size_t visible, size_t keys, float scale, float *scores, float *most,
                   float *sum) {
  const float before = *most;
  dg_vector top = before - (dg_vector){0}, total = {0};
  for (size_t k = visible; k < dg_panels_width(keys); k++) scores[k] = -INFINITY;
  for (size_t k = 0; k < keys; k += DG_VECTOR) {
    dg_vector *at = (dg_vector *)(scores + k);
    *at *= scale;
    top = dg_lanes_larger(*at, top);
  }
  for (size_t v = 0; v < DG_VECTOR; v++) *most = top[v] > *most ? top[v] : *most;
  for (size_t k = 0; k < keys; k += DG_VECTOR) {
    dg_vector *at = (dg_vector *)(scores + k);
    *at = dg_exp(*at - *most);
    total += *at;
  }
  const float factor = before == *most ? 1 : dg_exp(before - *most - (dg_vector){0})[0];
  *sum *= factor;
  for (size_t v = 0; v < DG_VECTOR; v++) *sum += total[v];
  return factor;
}

/** Scales what is summed of a query, one of `rows`. */
static void scale_sums(const dg_attention_head *h, size_t rows, size_t row, float factor,
                       float *out) {
  for (size_t c = 0; c < h->panels; c += DG_TILE_WIDTH) {
    const size_t width = h->panels - c < DG_TILE_WIDTH ? DG_VECTOR : DG_TILE_WIDTH;
    float *sums = out + c * rows + row * width;
    for (size_t v = 0; v < width; v++) sums[v] *= factor;
  }
}

/** Some queries of `all` and some keys, which are packed. */
static void run_block(const dg_attention_head *h, const scratch *s, dg_span all, dg_span queries,
                      dg_span keys) {
  const size_t count = queries.end - queries.begin, packed = keys.end - keys.begin;
  const size_t rows = all.end - all.begin, first = queries.begin - all.begin;
  const size_t used = dg_attention_visible(h, queries.end - 1, keys.begin, packed);
  if (used == 0) return;
  dg_attention_multiply(count, used, packed, h->width, h->query + queries.begin * h->in_row,
                        h->in_row, s->keys, s->scores);
  for (size_t r = 0; r < count; r++) {
    const size_t visible = dg_attention_visible(h, queries.begin + r, keys.begin, packed);
    float *scores = s->scores + r * KEYS;
    if (visible == 0) {
      memset(scores, 0, used * sizeof *scores);
      continue;
    }
    const float factor =
        weigh(visible, used, h->scale, scores, &s->most[first + r], &s->sum[first + r]);
    if (factor != 1) scale_sums(h, rows, first + r, factor, s->out);
  }
  dg_attention_add(count, h->width, used, s->scores, KEYS,
                   &(dg_attention_panels){s->values, packed, s->out, rows, first});
}

/* ---- some queries of a head --------------------------------------------- */

/** Writes the answers of a query, and the logarithm of its sum unless `saved` is NULL. */
static void finish_row(const dg_attention_head *h, const scratch *s, size_t rows, size_t row,
                       float *out, float *saved) {
  const float factor = 1 / s->sum[row];
  for (size_t c = 0; c < h->width; c += DG_TILE_WIDTH) {
    const size_t columns = dg_panel_columns(h->width - c), width = dg_panel_width(columns);
    const float *sums = s->out + c * rows + row * width;
    for (size_t v = 0; v < columns; v++) out[c + v] = sums[v] * factor;
  }
  if (saved) *saved = s->most[row] + logf(s->sum[row]);
}

/** The span of `count` from `begin` on, up to `end`. */
static dg_span block_of(size_t begin, size_t count, size_t end) {
  return (dg_span){begin, begin + count < end ? begin + count : end};
}

static void run_queries(const dg_attention_head *h, const scratch *s, dg_span queries) {
  const size_t rows = queries.end - queries.begin;
  const size_t end = dg_attention_visible(h, queries.end - 1, 0, h->length);
  memset(s->out, 0, rows * h->panels * sizeof(float));
  for (size_t r = 0; r < rows; r++) s->most[r] = -INFINITY, s->sum[r] = 0;
  for (size_t k = 0; k < end; k += KEYS) {
    const dg_span keys = block_of(k, KEYS, end);
    const size_t count = keys.end - keys.begin;
    dg_attention_pack_transposed(count, h->width, h->key + k * h->in_row, h->in_row, s->keys);
    dg_attention_pack(count, h->width, h->value + k * h->in_row, h->in_row, s->values);
    for (size_t q = queries.begin; q < queries.end; q += QUERIES)
      run_block(h, s, queries, block_of(q, QUERIES, queries.end), keys);
  }
}

/** How many parts the queries of each head are cut into, where there are few heads. */
static size_t parts_of(const dg_attention_desc *d, uint32_t n) {
  enum { WANTED = 16 };
  const size_t heads = (size_t)n * d->heads, blocks = (d->steps + QUERIES - 1) / QUERIES;
  const size_t parts = (WANTED + heads - 1) / heads;
  return parts < blocks ? parts : blocks;
}

static void run_part(const dg_cpu_region *region, const scratch *s, size_t index, dg_span queries) {
  const dg_attention_desc *d = &region->op->desc.attention;
  const dg_attention_head h = dg_attention_head_of(region, index);
  const bool keeps = region->step->train && region->buffers->saved;
  float *out = dg_floats(region->buffers->out[0]) + dg_attention_out(d, index);
  float *saved = keeps ? dg_floats(region->buffers->saved) + index * d->steps : NULL;
  const size_t there = queries.end < h.length ? queries.end : h.length;
  if (queries.begin < there) run_queries(&h, s, (dg_span){queries.begin, there});
  for (size_t q = queries.begin; q < queries.end; q++) {
    if (q < there) {
      finish_row(&h, s, there - queries.begin, q - queries.begin, out + q * h.out_row,
                 saved ? saved + q : NULL);
    } else {
      memset(out + q * h.out_row, 0, h.width * sizeof *out);
      if (saved) saved[q] = 0;
    }
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_attention_desc *d = &region->op->desc.attention;
  const size_t parts = parts_of(d, region->step->n), heads = (size_t)region->step->n * d->heads;
  const scratch s =
      scratch_of(d, dg_floats(region->buffers->workspace) + worker * scratch_floats(d));
  const dg_span units = dg_cpu_part(heads * parts, region->pieces, piece);
  for (size_t u = units.begin; u < units.end; u++)
    run_part(region, &s, u / parts, dg_cpu_grains(d->steps, QUERIES, parts, u % parts));
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_attention_desc *d = &op->desc.attention;
  const size_t units = (size_t)step->n * d->heads * parts_of(d, step->n);
  const size_t operations = (size_t)step->n * d->heads * d->steps * d->width;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(units, operations), forward_piece);
}

static const dg_cpu_implementation forward_by_blocks = {"blocks", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_attention) = {
    supports, {&forward_by_blocks}, {&dg_attention_backward}};
