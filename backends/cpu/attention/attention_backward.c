/**
 * Attention, backward (Dao, FlashAttention-2, arXiv:2307.08691): the weights of a block are
 * computed again from the scores. With D = the sum of d_out out over a query's row, d_value +=
 * weights^T d_out,  d_scores = weights (d_out value^T - D), d_query += d_scores key scale,  d_key
 * += d_scores^T query scale. A head of a sample is one unit of work, so that its sums have one
 * order.
 */
#include "backends/cpu/attention/attention_blocks.h"

#include <string.h>

#include "backends/cpu/elementwise/vector_math.h"

enum { QUERIES = DG_ATTENTION_QUERIES, KEYS = DG_ATTENTION_KEYS };

/** The memory of a worker: what is packed of a block of keys and one of queries, the weights and
    the gradients of the scores of a block, and the sums. */
typedef struct {
  float *keys, *keys_turned, *values_turned, *queries, *d_out; /* packed */
  float *weights, *d_scores;
  float *d_query, *d_key, *d_value; /* panels */
  float *own;                       /* D of each query */
} scratch;

static size_t scratch_floats(const dg_attention_desc *d) {
  const size_t panels = dg_panels_width(d->width);
  return 5 * KEYS * panels + 2 * dg_round_up(QUERIES * panels) + 2 * QUERIES * KEYS +
         dg_round_up(d->steps) + dg_round_up(d->steps * panels);
}

static scratch scratch_of(const dg_attention_desc *d, float *at) {
  const size_t panels = dg_panels_width(d->width);
  const size_t of_keys = KEYS * panels, of_queries = dg_round_up(QUERIES * panels);
  scratch s = {.keys = at};
  s.keys_turned = s.keys + of_keys;
  s.values_turned = s.keys_turned + of_keys;
  s.d_key = s.values_turned + of_keys;
  s.d_value = s.d_key + of_keys;
  s.queries = s.d_value + of_keys;
  s.d_out = s.queries + of_queries;
  s.weights = s.d_out + of_queries;
  s.d_scores = s.weights + QUERIES * KEYS;
  s.own = s.d_scores + QUERIES * KEYS;
  s.d_query = s.own + dg_round_up(d->steps);
  return s;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_attention_desc *d = &op->desc.attention;
  (void)err;
  op->needs.saved = (size_t)op->max_n * d->heads * d->steps * sizeof(float);
  op->needs.reads_in = op->needs.reads_out = true;
  op->needs.workspace = (size_t)op->device->threads * scratch_floats(d) * sizeof(float);
  return true;
}

/** One head of a sample, and its gradients. */
typedef struct {
  dg_attention_head head;
  scratch s;
  const float *out, *d_out, *log_sums;
  float *d_in; /**< of the first query */
  dg_grad_mode mode;
} job;

/* ---- a block ------------------------------------------------------------ */

/** The weights of a query's keys, and the gradients of their scores; 0 for those that it doesn't
    see. */
static void derive(const job *j, size_t query, size_t visible, size_t keys, float *weights,
                   float *d_scores) {
  const float scale = j->head.scale, log_sum = j->log_sums[query], own = j->s.own[query];
  for (size_t k = 0; k < visible; k += DG_VECTOR) {
    dg_vector *weight = (dg_vector *)(weights + k), *d_score = (dg_vector *)(d_scores + k);
    *weight = dg_exp(*weight * scale - log_sum);
    *d_score = *weight * (*d_score - own) * scale;
  }
  if (visible == keys) return;
  memset(weights + visible, 0, (keys - visible) * sizeof *weights);
  memset(d_scores + visible, 0, (keys - visible) * sizeof *d_scores);
}

/** Adds the gradients of a block of queries and one of keys, which are packed. */
static void run_block(const job *j, dg_span queries, dg_span keys) {
  const dg_attention_head *h = &j->head;
  const scratch *s = &j->s;
  const size_t rows = queries.end - queries.begin, packed = keys.end - keys.begin;
  const size_t used = dg_attention_visible(h, queries.end - 1, keys.begin, packed);
  const float *query = h->query + queries.begin * h->in_row;
  const float *d_out = j->d_out + queries.begin * h->out_row;
  if (used == 0) return;
  dg_attention_multiply(rows, used, packed, h->width, query, h->in_row, s->keys_turned, s->weights);
  dg_attention_multiply(rows, used, packed, h->width, d_out, h->out_row, s->values_turned,
                        s->d_scores);
  for (size_t r = 0; r < rows; r++)
    derive(j, queries.begin + r, dg_attention_visible(h, queries.begin + r, keys.begin, packed),
           used, s->weights + r * KEYS, s->d_scores + r * KEYS);
  dg_attention_pack(rows, h->width, query, h->in_row, s->queries);
  dg_attention_pack(rows, h->width, d_out, h->out_row, s->d_out);
  dg_attention_add_transposed(used, h->width, rows, s->weights, KEYS,
                              &(dg_attention_panels){s->d_out, rows, s->d_value, packed, 0});
  dg_attention_add_transposed(used, h->width, rows, s->d_scores, KEYS,
                              &(dg_attention_panels){s->queries, rows, s->d_key, packed, 0});
  dg_attention_add(rows, h->width, used, s->d_scores, KEYS,
                   &(dg_attention_panels){s->keys, packed, s->d_query, h->length, queries.begin});
}

/* ---- a head ------------------------------------------------------------- */

/** Writes or adds the panels of `rows` rows. */
static void store(const job *j, size_t rows, const float *panels, float *to) {
  const dg_attention_head *h = &j->head;
  for (size_t v = 0; v < h->width; v += DG_TILE_WIDTH) {
    const size_t columns = dg_panel_columns(h->width - v), width = dg_panel_width(columns);
    for (size_t r = 0; r < rows; r++)
      dg_grad_store(j->mode, columns, panels + v * rows + r * width, to + r * h->in_row + v);
  }
}

static void run_keys(const job *j, dg_span keys) {
  const dg_attention_head *h = &j->head;
  const scratch *s = &j->s;
  const size_t count = keys.end - keys.begin, at = keys.begin * h->in_row;
  dg_attention_pack(count, h->width, h->key + at, h->in_row, s->keys);
  dg_attention_pack_transposed(count, h->width, h->key + at, h->in_row, s->keys_turned);
  dg_attention_pack_transposed(count, h->width, h->value + at, h->in_row, s->values_turned);
  memset(s->d_key, 0, count * h->panels * sizeof(float));
  memset(s->d_value, 0, count * h->panels * sizeof(float));
  for (size_t q = h->causal ? keys.begin / QUERIES * QUERIES : 0; q < h->length; q += QUERIES)
    run_block(j, (dg_span){q, q + QUERIES < h->length ? q + QUERIES : h->length}, keys);
  store(j, count, s->d_key, j->d_in + at + (h->key - h->query));
  store(j, count, s->d_value, j->d_in + at + (h->value - h->query));
}

static float dot(size_t count, const float *a, const float *b) {
  dg_vector sums = {0};
  float sum = 0;
  size_t i = 0;
  for (; i + DG_VECTOR <= count; i += DG_VECTOR)
    sums += *(const dg_vector *)(a + i) * *(const dg_vector *)(b + i);
  for (; i < count; i++) sum += a[i] * b[i];
  for (size_t v = 0; v < DG_VECTOR; v++) sum += sums[v];
  return sum;
}

static void run_head(const job *j, size_t steps) {
  const dg_attention_head *h = &j->head;
  for (size_t q = 0; q < h->length; q++)
    j->s.own[q] = dot(h->width, j->out + q * h->out_row, j->d_out + q * h->out_row);
  memset(j->s.d_query, 0, h->length * h->panels * sizeof(float));
  for (size_t k = 0; k < h->length; k += KEYS)
    run_keys(j, (dg_span){k, k + KEYS < h->length ? k + KEYS : h->length});
  store(j, h->length, j->s.d_query, j->d_in);
  for (size_t q = h->length; j->mode == DG_GRAD_WRITE && q < steps; q++)
    for (size_t part = 0; part < 3; part++)
      memset(j->d_in + q * h->in_row + part * h->out_row, 0, h->width * sizeof(float));
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_buffers *b = region->buffers;
  const dg_attention_desc *d = &region->op->desc.attention;
  const dg_span heads = dg_cpu_part((size_t)region->step->n * d->heads, region->pieces, piece);
  for (size_t i = heads.begin; i < heads.end; i++) {
    const size_t at = dg_attention_out(d, i);
    const dg_attention_head h = dg_attention_head_of(region, i);
    const job j = {.head = h,
                   .s = scratch_of(d, dg_floats(b->workspace) + worker * scratch_floats(d)),
                   .out = dg_floats(b->out[0]) + at,
                   .d_out = dg_floats(b->d_out) + at,
                   .log_sums = dg_floats(b->saved) + i * d->steps,
                   .d_in = dg_floats(b->d_in[0]) + (h.query - dg_floats(b->in[0])),
                   .mode = region->op->desc.d_in[0]};
    run_head(&j, d->steps);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_attention_desc *d = &op->desc.attention;
  const size_t heads = (size_t)step->n * d->heads;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(heads, heads * d->steps * d->width),
                    backward_piece);
}

const dg_cpu_implementation dg_attention_backward = {"heads", NULL, prepare, backward};
