#include "backends/cpu/runtime/batch_split.h"

#include <stdlib.h>

#include "core/base/clock.h"

enum {
  MOST_RUNS = 96, /**< runs of a chain; more are executed in several chains */
  CHAINS = 4,     /**< chains in memory: all but the one being built are queued or done */
  EXTENTS = 2 * DG_MAX_IN + DG_MAX_OUT + 2,
};

/** Memory that is partitioned among the splits, sample by sample. */
typedef struct {
  const char *begin;
  size_t bytes, of_sample;
} extent;

/** A deferred run. */
typedef struct {
  dg_cpu_partitioned_op *op;
  bool backward;
  bool barrier; /**< all splits must have finished what precedes it */
  dg_op_buffers buffers;
  dg_step step;
  extent extents[EXTENTS];
  size_t extent_count;
} run;

/** A split's own data. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) float loss; /**< of the loss op; unused in the first split */
  uint32_t correct;
  double seconds[MOST_RUNS]; /**< of each run, if they are timed */
} split;

/** Runs that the splits execute together. */
typedef struct {
  run runs[MOST_RUNS];
  size_t taken;
  size_t count;     /**< number of splits */
  bool fixed;       /**< count can't decrease: a run goes back over what that many splits saved */
  split *split;     /**< [most] */
  uint64_t regions; /**< regions of the pool after which it may be reused */
} chain;

struct dg_cpu_batch_split {
  const dg_cpu_device *device;
  dg_cpu_device one;      /**< the device that runs the ops of a split */
  size_t workers;         /**< threads that may run splits */
  size_t workspace_bytes; /**< of each */
  char *workspaces;
  size_t most;  /**< splits that any op has, and that there is memory for */
  split *split; /**< [CHAINS, most] */
  size_t current;
  chain chains[CHAINS];
};

/** The chain being built. */
static chain *growing(dg_cpu_batch_split *splits) {
  return &splits->chains[splits->current];
}

dg_cpu_batch_split *dg_cpu_batch_split_new(const dg_cpu_device *device, dg_error *err) {
  dg_cpu_batch_split *splits = calloc(1, sizeof *splits);
  if (!splits) {
    dg_fail_memory(err, sizeof *splits);
    return NULL;
  }
  splits->device = device;
  splits->workers = (size_t)device->threads;
  splits->one = *device;
  splits->one.threads = 1;
  splits->one.pool = NULL;
  splits->one.calls = NULL;
  splits->one.is_split = true;
  splits->one.profile = false;
  return splits;
}

void dg_cpu_batch_split_free(dg_cpu_batch_split *splits) {
  if (!splits) return;
  free(splits->workspaces);
  free(splits->split);
  free(splits);
}

/** Grows an array of `*count` elements to `wanted`, if it is too small. */
static void *grown(void *memory, size_t *count, size_t wanted, size_t size) {
  if (wanted <= *count) return memory;
  void *larger = aligned_alloc(DG_CPU_ALIGNMENT, wanted * size);
  if (!larger) return NULL;
  free(memory);
  *count = wanted;
  return larger;
}

bool dg_cpu_batch_split_prepare(dg_cpu_partitioned_op *op, dg_error *err) {
  dg_cpu_batch_split *splits = op->op.device->splits;
  if (!dg_cpu_partition_make(op, &splits->one, err)) return false;
  if (!op->partition || op->op.forward.planned) return true;
  dg_cpu_batch_split_finish(splits);
  size_t bytes = dg_cpu_partition_workspace(op->partition), most = op->partition->most;
  char *workspaces = grown(splits->workspaces, &splits->workspace_bytes, bytes, splits->workers);
  if (!workspaces) return dg_fail_memory(err, bytes * splits->workers);
  splits->workspaces = workspaces;
  split *all = grown(splits->split, &splits->most, most, CHAINS * sizeof *all);
  if (!all) return dg_fail_memory(err, most * CHAINS * sizeof *all);
  splits->split = all;
  for (size_t i = 0; i < CHAINS; i++) splits->chains[i].split = all + i * splits->most;
  return true;
}

/* ---- deferring runs ----------------------------------------------------- */

static void add_extent(run *r, const dg_buffer *buffer, size_t of_sample) {
  if (!buffer || !of_sample) return;
  r->extents[r->extent_count++] = (extent){
      .begin = (const char *)buffer->data, .bytes = r->step.n * of_sample, .of_sample = of_sample};
}

/** The tensors that a run reads and writes; a buffer that it doesn't read may meanwhile hold
    another tensor. */
static void find_extents(run *r) {
  const dg_cpu_partition *partition = r->op->partition;
  const dg_op_needs *needs = &r->op->op.base.needs;
  const dg_op_buffers *b = &r->buffers;
  const dg_op_sizes *sizes = &partition->sizes;
  bool in = !r->backward || needs->backward_reads_in,
       out = !r->backward || needs->backward_reads_out;
  r->extent_count = 0;
  for (size_t k = 0; k < DG_MAX_IN; k++) {
    add_extent(r, in ? b->in[k] : NULL, sizes->in[k] * sizeof(float));
    add_extent(r, r->backward ? b->d_in[k] : NULL, sizes->in[k] * sizeof(float));
  }
  for (size_t k = 0; k < DG_MAX_OUT; k++)
    add_extent(r, out ? b->out[k] : NULL, sizes->out[k] * sizeof(float));
  add_extent(r, r->backward ? b->d_out : NULL, sizes->out[0] * sizeof(float));
  add_extent(r, r->step.train ? b->saved : NULL, partition->saved);
}

/** May a split of `a` write memory that another split of `b` reads or writes? */
static bool collide(const run *a, const run *b) {
  for (size_t i = 0; i < a->extent_count; i++)
    for (size_t k = 0; k < b->extent_count; k++) {
      const extent *x = &a->extents[i], *y = &b->extents[k];
      bool apart = x->begin + x->bytes <= y->begin || y->begin + y->bytes <= x->begin;
      bool alike = x->begin == y->begin && x->bytes == y->bytes && x->of_sample == y->of_sample;
      if (!apart && !alike) return true;
    }
  return false;
}

/** Memory that held another tensor before is partitioned differently now: a barrier is needed
    between them. */
static void find_barriers(chain *w) {
  size_t since = 0;
  for (size_t i = 0; i < w->taken; i++) {
    run *r = &w->runs[i];
    find_extents(r);
    r->barrier = false;
    for (size_t k = since; k < i && !r->barrier; k++) r->barrier = collide(r, &w->runs[k]);
    if (r->barrier) since = i;
  }
}

/** Must the chain be executed before a run, which has other samples or an op whose sums are in
    use? */
static bool must_wait(const chain *w, const dg_cpu_partitioned_op *op, bool backward,
                      const dg_step *step) {
  for (size_t i = 0; i < w->taken; i++) {
    const run *r = &w->runs[i];
    bool both_score = r->op->op.base.desc.kind == DG_OP_LOSS && op->op.base.desc.kind == DG_OP_LOSS;
    if ((r->op == op && r->backward == backward) || both_score) return true;
  }
  return w->taken == MOST_RUNS || (w->taken && w->runs[0].step.n != step->n);
}

/** Is the forward of an op among the deferred runs? */
static bool waits(const chain *w, const dg_cpu_partitioned_op *op) {
  for (size_t i = 0; i < w->taken; i++)
    if (w->runs[i].op == op) return true;
  return false;
}

/**
 * Reconciles a run's number of splits with that of the runs before it: it becomes the smallest of
 * all, but backward over what an earlier chain saved requires the number of splits that saved it.
 * Runs that can't be reconciled are executed first. Returns false if the run has no splits.
 */
static bool join(dg_cpu_batch_split *splits, const dg_cpu_partitioned_op *op, bool backward,
                 size_t n) {
  chain *w = growing(splits);
  bool fixed = backward && !waits(w, op);
  size_t count = fixed ? op->partition->splits : dg_cpu_partition_splits(op, n);
  if (w->taken && (fixed ? count != w->count : w->fixed && count < w->count)) {
    dg_cpu_batch_split_run(splits);
    w = growing(splits);
  }
  if (count == 1) return false;
  if (!w->taken || count < w->count) w->count = count;
  w->fixed = fixed || (w->taken && w->fixed);
  return true;
}

bool dg_cpu_batch_split_take(dg_cpu_partitioned_op *op, bool backward, const dg_op_buffers *buffers,
                             const dg_step *step) {
  dg_cpu_batch_split *splits = op->op.device->splits;
  if (op->partition && must_wait(growing(splits), op, backward, step))
    dg_cpu_batch_split_run(splits);
  if (!op->partition || !join(splits, op, backward, step->n)) {
    dg_cpu_batch_split_run(splits);
    if (op->partition && !backward) op->partition->splits = 1;
    return false;
  }
  chain *w = growing(splits);
  run *r = &w->runs[w->taken++];
  r->op = op;
  r->backward = backward;
  r->buffers = *buffers;
  r->step = *step;
  return true;
}

/* ---- running ------------------------------------------------------------ */

/** Views of one split's samples. */
typedef struct {
  dg_op_buffers buffers;
  dg_buffer in[DG_MAX_IN], d_in[DG_MAX_IN], out[DG_MAX_OUT], d_out, d_param[DG_MAX_PARAM];
  dg_buffer saved, workspace;
} views;

/** Moves a buffer forward by some bytes, in a copy. */
static void shift(dg_buffer **buffer, size_t bytes, dg_buffer *copy) {
  if (!*buffer) return;
  *copy = **buffer;
  copy->data = (float *)(void *)((char *)copy->data + bytes);
  *buffer = copy;
}

/** Gradients of splits other than the first go to memory of their own. */
static void view_gradients(const run *r, size_t index, views *v) {
  const dg_cpu_partition *partition = r->op->partition;
  float *grads = partition->grads + (index - 1) * partition->grad_floats;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) {
    if (!v->buffers.d_param[k]) continue;
    v->d_param[k] = (dg_buffer){.data = grads};
    v->buffers.d_param[k] = &v->d_param[k];
    grads += dg_round_up(partition->sizes.param[k]);
  }
}

/** The buffers for the samples of a split from `first` on. */
static void view(const run *r, size_t index, size_t first, char *workspace, views *v) {
  const dg_cpu_partition *partition = r->op->partition;
  const dg_op_needs *needs = &partition->op.base.needs;
  const size_t *in = partition->sizes.in, *out = partition->sizes.out;
  dg_op_buffers *b = &v->buffers;
  *b = r->buffers;
  for (size_t k = 0; k < DG_MAX_IN; k++) {
    shift(&b->in[k], first * in[k] * sizeof(float), &v->in[k]);
    shift(&b->d_in[k], first * in[k] * sizeof(float), &v->d_in[k]);
  }
  for (size_t k = 0; k < DG_MAX_OUT; k++)
    shift(&b->out[k], first * out[k] * sizeof(float), &v->out[k]);
  shift(&b->d_out, first * out[0] * sizeof(float), &v->d_out);
  shift(&b->saved, first * partition->saved, &v->saved);
  if (index > 0 && r->backward && partition->grads) view_gradients(r, index, v);
  size_t wanted = r->backward ? needs->backward_workspace : needs->forward_workspace;
  b->workspace = wanted ? &v->workspace : NULL;
  v->workspace.data = (float *)(void *)workspace;
}

static void run_split(const dg_cpu_batch_split *splits, const chain *w, const run *r, size_t index,
                      size_t worker) {
  dg_span samples = dg_cpu_part(r->step.n, w->count, index);
  dg_step step = r->step;
  views v;
  view(r, index, samples.begin, splits->workspaces + worker * splits->workspace_bytes, &v);
  step.n = (uint32_t)(samples.end - samples.begin);
  step.batch_index += (uint32_t)samples.begin;
  step.first += (uint32_t)samples.begin;
  step.whole = dg_whole_samples(&r->step);
  if (r->op->op.base.desc.kind == DG_OP_LOSS && index > 0) {
    v.out[1].data = &w->split[index].loss;
    v.out[2].data = (float *)(void *)&w->split[index].correct;
    step.slot = 0;
  }
  dg_cpu_run(&r->op->partition->op, r->backward, &v.buffers, &step);
}

/** Runs that don't need a barrier between them. */
typedef struct {
  const dg_cpu_batch_split *splits;
  const chain *chain;
  size_t begin, end;
} section;

static void run_section(const void *context, size_t index, size_t worker) {
  const section *s = context;
  split *own = &s->chain->split[index];
  bool timed = s->splits->device->profile;
  for (size_t i = s->begin; i < s->end; i++) {
    double start = timed ? dg_seconds() : 0;
    run_split(s->splits, s->chain, &s->chain->runs[i], index, worker);
    if (timed) own->seconds[i] = dg_seconds() - start;
  }
}

/* ---- sums over the splits ----------------------------------------------- */

/** How the gradients of a chain are summed. */
typedef struct {
  const chain *chain;
  size_t pieces;
} addition;

/** A piece of summing the gradients of a run. */
static void add_gradients(const addition *a, const run *r, size_t piece) {
  enum { GRAIN = DG_CPU_ALIGNMENT / sizeof(float) };
  const dg_cpu_partition *partition = r->op->partition;
  const float *from = partition->grads;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) {
    size_t count = partition->sizes.param[k];
    if (!count) continue;
    dg_span span = dg_cpu_grains(count, GRAIN, a->pieces, piece);
    float *to = dg_floats(r->buffers.d_param[k]);
    for (size_t other = 0; other + 1 < a->chain->count; other++)
      dg_grad_store(DG_GRAD_ADD, span.end - span.begin,
                    from + other * partition->grad_floats + span.begin, to + span.begin);
    from += dg_round_up(count);
  }
}

static bool has_sums(const run *r) {
  return r->backward && r->op->partition->grads;
}

static void add_scores(const chain *w, const run *r) {
  float *loss = dg_floats(r->buffers.out[1]) + r->step.slot;
  uint32_t *correct = (uint32_t *)r->buffers.out[2]->data + r->step.slot;
  for (size_t i = 1; i < w->count; i++) {
    *loss += w->split[i].loss;
    *correct += w->split[i].correct;
  }
}

static bool scores(const run *r) {
  return r->op->op.base.desc.kind == DG_OP_LOSS;
}

static void add_piece(const void *context, size_t piece, size_t worker) {
  const addition *a = context;
  (void)worker;
  for (size_t i = 0; i < a->chain->taken; i++) {
    const run *r = &a->chain->runs[i];
    if (has_sums(r)) add_gradients(a, r, piece);
    if (scores(r) && piece == 0) add_scores(a->chain, r);
  }
}

/** Queues the sums of a chain, if there are any. */
static void add_up(const dg_cpu_batch_split *splits, const chain *w) {
  size_t floats = 0;
  bool any = false;
  for (size_t i = 0; i < w->taken; i++) {
    if (has_sums(&w->runs[i])) floats += w->runs[i].op->partition->grad_floats;
    any |= has_sums(&w->runs[i]) || scores(&w->runs[i]);
  }
  const addition a = {w, dg_cpu_pieces(floats, w->count * floats)};
  if (any) dg_cpu_run_pieces(splits->device, a.pieces, add_piece, &a, sizeof a);
}

/* ---- chains ------------------------------------------------------------- */

static void wait(const dg_cpu_batch_split *splits, uint64_t regions) {
  if (splits->device->pool) dg_pool_wait(splits->device->pool, regions);
}

static uint64_t queued(const dg_cpu_batch_split *splits) {
  return splits->device->pool ? dg_pool_added(splits->device->pool) : 0;
}

/** The time of a run: the total over all splits, divided among the workers. */
static void note_time(const dg_cpu_batch_split *splits, const chain *w, size_t index) {
  const run *r = &w->runs[index];
  size_t workers = splits->workers < w->count ? splits->workers : w->count;
  double seconds = 0;
  for (size_t i = 0; i < w->count; i++) seconds += w->split[i].seconds[index];
  dg_cpu_note_time(&r->op->op, r->backward, seconds / (double)workers);
}

static void run_chain(const dg_cpu_batch_split *splits, chain *w) {
  section s = {.splits = splits, .chain = w};
  find_barriers(w);
  for (size_t i = 1; i <= w->taken; i++) {
    if (i < w->taken && !w->runs[i].barrier) continue;
    s.end = i;
    dg_cpu_run_pieces(splits->device, w->count, run_section, &s, sizeof s);
    s.begin = i;
  }
  add_up(splits, w);
  w->regions = queued(splits);
  for (size_t i = 0; i < w->taken; i++)
    if (!w->runs[i].backward) w->runs[i].op->partition->splits = w->count;
  if (!splits->device->profile) return;
  wait(splits, w->regions);
  for (size_t i = 0; i < w->taken; i++) note_time(splits, w, i);
}

void dg_cpu_batch_split_run(dg_cpu_batch_split *splits) {
  chain *w = splits ? growing(splits) : NULL;
  if (!w || !w->taken) return;
  run *first = &w->runs[0];
  if (w->taken == 1 && !first->backward) { /* a single op gains nothing */
    first->op->partition->splits = 1;
    dg_cpu_run(&first->op->op, false, &first->buffers, &first->step);
  } else {
    run_chain(splits, w);
  }
  splits->current = (splits->current + 1) % CHAINS;
  wait(splits, growing(splits)->regions);
  growing(splits)->taken = 0;
}

bool dg_cpu_batch_split_finish(dg_cpu_batch_split *splits) {
  dg_cpu_batch_split_run(splits);
  dg_pool *pool = splits->device->pool;
  return !pool || dg_pool_wait(pool, dg_pool_added(pool));
}
