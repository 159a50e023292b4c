#include "backends/cpu/runtime/lanes.h"

#include <stdlib.h>

#include "core/base/clock.h"

enum {
  MOST_RUNS = 96, /**< of a row; more are done in two goes */
  ROWS = 4,       /**< in memory: all but the one that grows are queued, or done */
  EXTENTS = 2 * DG_MAX_IN + DG_MAX_OUT + 2,
};

/** Memory that the lanes part, sample after sample. */
typedef struct {
  const char *begin;
  size_t bytes, of_sample;
} extent;

/** A run that waits to be done. */
typedef struct {
  dg_cpu_parted_op *op;
  bool backward;
  bool meets; /**< all lanes must have done what is before it */
  dg_op_buffers buffers;
  dg_step step;
  extent extents[EXTENTS];
  size_t extent_count;
} run;

/** What a lane has of its own. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) float loss; /**< of the loss op; unused in the first lane */
  uint32_t correct;
  double seconds[MOST_RUNS]; /**< of each run, where they are timed */
} lane;

/** Runs that the lanes go through together. */
typedef struct {
  run runs[MOST_RUNS];
  size_t taken;
  size_t count;     /**< lanes */
  bool fixed;       /**< and no fewer: a run goes back over what that many kept */
  lane *lane;       /**< [most] */
  uint64_t regions; /**< of the pool, after which it may be another row */
} row;

struct dg_cpu_lanes {
  const dg_cpu_device *device;
  dg_cpu_device one;      /**< what the op of a lane runs on */
  size_t workers;         /**< threads that may run lanes */
  size_t workspace_bytes; /**< of each */
  char *workspaces;
  size_t most; /**< lanes that any op has, and that there is memory for */
  lane *lane;  /**< [ROWS, most] */
  size_t current;
  row rows[ROWS];
};

/** The row that grows. */
static row *growing(dg_cpu_lanes *lanes) {
  return &lanes->rows[lanes->current];
}

dg_cpu_lanes *dg_cpu_lanes_new(const dg_cpu_device *device, dg_error *err) {
  dg_cpu_lanes *lanes = calloc(1, sizeof *lanes);
  if (!lanes) {
    dg_fail_memory(err, sizeof *lanes);
    return NULL;
  }
  lanes->device = device;
  lanes->workers = (size_t)device->threads;
  lanes->one = *device;
  lanes->one.threads = 1;
  lanes->one.pool = NULL;
  lanes->one.calls = NULL;
  lanes->one.is_lane = true;
  lanes->one.profile = false;
  return lanes;
}

void dg_cpu_lanes_free(dg_cpu_lanes *lanes) {
  if (!lanes) return;
  free(lanes->workspaces);
  free(lanes->lane);
  free(lanes);
}

/** Memory for `wanted` things of a size in place of that for `*count`, if it is too little. */
static void *grown(void *memory, size_t *count, size_t wanted, size_t size) {
  if (wanted <= *count) return memory;
  void *larger = aligned_alloc(DG_CPU_ALIGNMENT, wanted * size);
  if (!larger) return NULL;
  free(memory);
  *count = wanted;
  return larger;
}

bool dg_cpu_lanes_prepare(dg_cpu_parted_op *op, dg_error *err) {
  dg_cpu_lanes *lanes = op->op.device->lanes;
  if (!dg_cpu_parting_make(op, &lanes->one, err)) return false;
  if (!op->parting || op->op.forward.planned) return true;
  dg_cpu_lanes_settle(lanes);
  size_t bytes = dg_cpu_parting_workspace(op->parting), most = op->parting->most;
  char *workspaces = grown(lanes->workspaces, &lanes->workspace_bytes, bytes, lanes->workers);
  if (!workspaces) return dg_fail_memory(err, bytes * lanes->workers);
  lanes->workspaces = workspaces;
  lane *all = grown(lanes->lane, &lanes->most, most, ROWS * sizeof *all);
  if (!all) return dg_fail_memory(err, most * ROWS * sizeof *all);
  lanes->lane = all;
  for (size_t i = 0; i < ROWS; i++) lanes->rows[i].lane = all + i * lanes->most;
  return true;
}

/* ---- taking runs -------------------------------------------------------- */

static void add_extent(run *r, const dg_buffer *buffer, size_t of_sample) {
  if (!buffer || !of_sample) return;
  r->extents[r->extent_count++] = (extent){
      .begin = (const char *)buffer->data, .bytes = r->step.n * of_sample, .of_sample = of_sample};
}

/** What a run reads and writes; what it is given and doesn't read may be another tensor by now. */
static void find_extents(run *r) {
  const dg_cpu_parting *parting = r->op->parting;
  const dg_op_needs *needs = &r->op->op.base.needs;
  const dg_op_buffers *b = &r->buffers;
  const dg_op_sizes *sizes = &parting->sizes;
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
  add_extent(r, r->step.train ? b->saved : NULL, parting->saved);
}

/** May a lane of `a` write where another lane of `b` reads or writes? */
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

/** Memory that another tensor had before is parted otherwise now: lanes meet in between. */
static void find_meetings(row *w) {
  size_t since = 0;
  for (size_t i = 0; i < w->taken; i++) {
    run *r = &w->runs[i];
    find_extents(r);
    r->meets = false;
    for (size_t k = since; k < i && !r->meets; k++) r->meets = collide(r, &w->runs[k]);
    if (r->meets) since = i;
  }
}

/** Has a run to wait for those before: of other samples, or of an op whose sums are in use? */
static bool must_wait(const row *w, const dg_cpu_parted_op *op, bool backward,
                      const dg_step *step) {
  for (size_t i = 0; i < w->taken; i++) {
    const run *r = &w->runs[i];
    bool both_score = r->op->op.base.desc.kind == DG_OP_LOSS && op->op.base.desc.kind == DG_OP_LOSS;
    if ((r->op == op && r->backward == backward) || both_score) return true;
  }
  return w->taken == MOST_RUNS || (w->taken && w->runs[0].step.n != step->n);
}

/** Is the forward of an op among the runs that wait? */
static bool waits(const row *w, const dg_cpu_parted_op *op) {
  for (size_t i = 0; i < w->taken; i++)
    if (w->runs[i].op == op) return true;
  return false;
}

/**
 * Brings a run's lanes and those of the runs before it together: they become the fewest that any
 * has, but a run that goes back over what was kept before them wants as many as kept it. What can't
 * be so is done first. Returns false where the run has no lanes.
 */
static bool join(dg_cpu_lanes *lanes, const dg_cpu_parted_op *op, bool backward, size_t n) {
  row *w = growing(lanes);
  bool fixed = backward && !waits(w, op);
  size_t count = fixed ? op->parting->lanes : dg_cpu_parting_lanes(op, n);
  if (w->taken && (fixed ? count != w->count : w->fixed && count < w->count)) {
    dg_cpu_lanes_run(lanes);
    w = growing(lanes);
  }
  if (count == 1) return false;
  if (!w->taken || count < w->count) w->count = count;
  w->fixed = fixed || (w->taken && w->fixed);
  return true;
}

bool dg_cpu_lanes_take(dg_cpu_parted_op *op, bool backward, const dg_op_buffers *buffers,
                       const dg_step *step) {
  dg_cpu_lanes *lanes = op->op.device->lanes;
  if (op->parting && must_wait(growing(lanes), op, backward, step)) dg_cpu_lanes_run(lanes);
  if (!op->parting || !join(lanes, op, backward, step->n)) {
    dg_cpu_lanes_run(lanes);
    if (op->parting && !backward) op->parting->lanes = 1;
    return false;
  }
  row *w = growing(lanes);
  run *r = &w->runs[w->taken++];
  r->op = op;
  r->backward = backward;
  r->buffers = *buffers;
  r->step = *step;
  return true;
}

/* ---- running ------------------------------------------------------------ */

/** Views of one lane's samples. */
typedef struct {
  dg_op_buffers buffers;
  dg_buffer in[DG_MAX_IN], d_in[DG_MAX_IN], out[DG_MAX_OUT], d_out, d_param[DG_MAX_PARAM];
  dg_buffer saved, workspace;
} views;

/** Moves a buffer on by some bytes, in a copy. */
static void shift(dg_buffer **buffer, size_t bytes, dg_buffer *copy) {
  if (!*buffer) return;
  *copy = **buffer;
  copy->data = (float *)(void *)((char *)copy->data + bytes);
  *buffer = copy;
}

/** Gradients of another lane than the first go to memory of its own. */
static void view_gradients(const run *r, size_t index, views *v) {
  const dg_cpu_parting *parting = r->op->parting;
  float *grads = parting->grads + (index - 1) * parting->grad_floats;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) {
    if (!v->buffers.d_param[k]) continue;
    v->d_param[k] = (dg_buffer){.data = grads};
    v->buffers.d_param[k] = &v->d_param[k];
    grads += dg_round_up(parting->sizes.param[k]);
  }
}

/** Of the samples of a lane from `first` on. */
static void view(const run *r, size_t index, size_t first, char *workspace, views *v) {
  const dg_cpu_parting *parting = r->op->parting;
  const dg_op_needs *needs = &parting->op.base.needs;
  const size_t *in = parting->sizes.in, *out = parting->sizes.out;
  dg_op_buffers *b = &v->buffers;
  *b = r->buffers;
  for (size_t k = 0; k < DG_MAX_IN; k++) {
    shift(&b->in[k], first * in[k] * sizeof(float), &v->in[k]);
    shift(&b->d_in[k], first * in[k] * sizeof(float), &v->d_in[k]);
  }
  for (size_t k = 0; k < DG_MAX_OUT; k++)
    shift(&b->out[k], first * out[k] * sizeof(float), &v->out[k]);
  shift(&b->d_out, first * out[0] * sizeof(float), &v->d_out);
  shift(&b->saved, first * parting->saved, &v->saved);
  if (index > 0 && r->backward && parting->grads) view_gradients(r, index, v);
  size_t wanted = r->backward ? needs->backward_workspace : needs->forward_workspace;
  b->workspace = wanted ? &v->workspace : NULL;
  v->workspace.data = (float *)(void *)workspace;
}

static void run_lane(const dg_cpu_lanes *lanes, const row *w, const run *r, size_t index,
                     size_t worker) {
  dg_span samples = dg_cpu_part(r->step.n, w->count, index);
  dg_step step = r->step;
  views v;
  view(r, index, samples.begin, lanes->workspaces + worker * lanes->workspace_bytes, &v);
  step.n = (uint32_t)(samples.end - samples.begin);
  step.batch_index += (uint32_t)samples.begin;
  step.first += (uint32_t)samples.begin;
  step.whole = dg_whole_samples(&r->step);
  if (r->op->op.base.desc.kind == DG_OP_LOSS && index > 0) {
    v.out[1].data = &w->lane[index].loss;
    v.out[2].data = (float *)(void *)&w->lane[index].correct;
    step.slot = 0;
  }
  dg_cpu_run(&r->op->parting->op, r->backward, &v.buffers, &step);
}

/** Runs that no lane has to wait in. */
typedef struct {
  const dg_cpu_lanes *lanes;
  const row *row;
  size_t begin, end;
} section;

static void run_section(const void *context, size_t index, size_t worker) {
  const section *s = context;
  lane *own = &s->row->lane[index];
  bool timed = s->lanes->device->profile;
  for (size_t i = s->begin; i < s->end; i++) {
    double start = timed ? dg_seconds() : 0;
    run_lane(s->lanes, s->row, &s->row->runs[i], index, worker);
    if (timed) own->seconds[i] = dg_seconds() - start;
  }
}

/* ---- sums over the lanes ------------------------------------------------ */

/** How the gradients of a row are added up. */
typedef struct {
  const row *row;
  size_t pieces;
} addition;

/** A piece of adding up the gradients of a run. */
static void add_gradients(const addition *a, const run *r, size_t piece) {
  enum { GRAIN = DG_CPU_ALIGNMENT / sizeof(float) };
  const dg_cpu_parting *parting = r->op->parting;
  const float *from = parting->grads;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) {
    size_t count = parting->sizes.param[k];
    if (!count) continue;
    dg_span span = dg_cpu_grains(count, GRAIN, a->pieces, piece);
    float *to = dg_floats(r->buffers.d_param[k]);
    for (size_t other = 0; other + 1 < a->row->count; other++)
      dg_grad_put(DG_GRAD_ADD, span.end - span.begin,
                  from + other * parting->grad_floats + span.begin, to + span.begin);
    from += dg_round_up(count);
  }
}

static bool has_sums(const run *r) {
  return r->backward && r->op->parting->grads;
}

static void add_scores(const row *w, const run *r) {
  float *loss = dg_floats(r->buffers.out[1]) + r->step.slot;
  uint32_t *correct = (uint32_t *)r->buffers.out[2]->data + r->step.slot;
  for (size_t i = 1; i < w->count; i++) {
    *loss += w->lane[i].loss;
    *correct += w->lane[i].correct;
  }
}

static bool scores(const run *r) {
  return r->op->op.base.desc.kind == DG_OP_LOSS;
}

static void add_piece(const void *context, size_t piece, size_t worker) {
  const addition *a = context;
  (void)worker;
  for (size_t i = 0; i < a->row->taken; i++) {
    const run *r = &a->row->runs[i];
    if (has_sums(r)) add_gradients(a, r, piece);
    if (scores(r) && piece == 0) add_scores(a->row, r);
  }
}

/** Queues the sums of a row, if there are any. */
static void add_up(const dg_cpu_lanes *lanes, const row *w) {
  size_t floats = 0;
  bool any = false;
  for (size_t i = 0; i < w->taken; i++) {
    if (has_sums(&w->runs[i])) floats += w->runs[i].op->parting->grad_floats;
    any |= has_sums(&w->runs[i]) || scores(&w->runs[i]);
  }
  const addition a = {w, dg_cpu_pieces(floats, w->count * floats)};
  if (any) dg_cpu_run_pieces(lanes->device, a.pieces, add_piece, &a, sizeof a);
}

/* ---- rows --------------------------------------------------------------- */

static void wait(const dg_cpu_lanes *lanes, uint64_t regions) {
  if (lanes->device->pool) dg_pool_wait(lanes->device->pool, regions);
}

static uint64_t queued(const dg_cpu_lanes *lanes) {
  return lanes->device->pool ? dg_pool_added(lanes->device->pool) : 0;
}

/** The time of a run: of all lanes, which as many workers shared. */
static void note_time(const dg_cpu_lanes *lanes, const row *w, size_t index) {
  const run *r = &w->runs[index];
  size_t workers = lanes->workers < w->count ? lanes->workers : w->count;
  double seconds = 0;
  for (size_t i = 0; i < w->count; i++) seconds += w->lane[i].seconds[index];
  dg_cpu_note_time(&r->op->op, r->backward, seconds / (double)workers);
}

static void run_row(const dg_cpu_lanes *lanes, row *w) {
  section s = {.lanes = lanes, .row = w};
  find_meetings(w);
  for (size_t i = 1; i <= w->taken; i++) {
    if (i < w->taken && !w->runs[i].meets) continue;
    s.end = i;
    dg_cpu_run_pieces(lanes->device, w->count, run_section, &s, sizeof s);
    s.begin = i;
  }
  add_up(lanes, w);
  w->regions = queued(lanes);
  for (size_t i = 0; i < w->taken; i++)
    if (!w->runs[i].backward) w->runs[i].op->parting->lanes = w->count;
  if (!lanes->device->profile) return;
  wait(lanes, w->regions);
  for (size_t i = 0; i < w->taken; i++) note_time(lanes, w, i);
}

void dg_cpu_lanes_run(dg_cpu_lanes *lanes) {
  row *w = lanes ? growing(lanes) : NULL;
  if (!w || !w->taken) return;
  run *first = &w->runs[0];
  if (w->taken == 1 && !first->backward) { /* nothing to gain from one op */
    first->op->parting->lanes = 1;
    dg_cpu_run(&first->op->op, false, &first->buffers, &first->step);
  } else {
    run_row(lanes, w);
  }
  lanes->current = (lanes->current + 1) % ROWS;
  wait(lanes, growing(lanes)->regions);
  growing(lanes)->taken = 0;
}

bool dg_cpu_lanes_settle(dg_cpu_lanes *lanes) {
  dg_cpu_lanes_run(lanes);
  dg_pool *pool = lanes->device->pool;
  return !pool || dg_pool_wait(pool, dg_pool_added(pool));
}
