#include "backends/cpu/runtime/lanes.h"

#include <stdlib.h>

#include "core/base/clock.h"

enum {
  MOST_RUNS = 96, /**< that wait; more are done in two goes */
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

struct dg_cpu_lanes {
  dg_cpu_device one;      /**< what the op of a lane runs on */
  size_t workers;         /**< threads that may run lanes */
  size_t workspace_bytes; /**< of each */
  char *workspaces;
  size_t most; /**< lanes that any op has, and that there is memory for */
  lane *lane;
  size_t count; /**< lanes of the runs that wait */
  bool fixed;   /**< and no fewer: one of them goes back over what that many kept */
  run runs[MOST_RUNS];
  size_t taken;
};

dg_cpu_lanes *dg_cpu_lanes_new(const dg_cpu_device *device, dg_error *err) {
  dg_cpu_lanes *lanes = calloc(1, sizeof *lanes);
  if (!lanes) {
    dg_fail_memory(err, sizeof *lanes);
    return NULL;
  }
  lanes->workers = (size_t)device->threads;
  lanes->one = *device;
  lanes->one.threads = 1;
  lanes->one.pool = NULL;
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
  size_t bytes = dg_cpu_parting_workspace(op->parting), most = op->parting->most;
  char *workspaces = grown(lanes->workspaces, &lanes->workspace_bytes, bytes, lanes->workers);
  if (!workspaces) return dg_fail_memory(err, bytes * lanes->workers);
  lanes->workspaces = workspaces;
  lane *all = grown(lanes->lane, &lanes->most, most, sizeof *all);
  if (!all) return dg_fail_memory(err, most * sizeof *all);
  lanes->lane = all;
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
  add_extent(r, r->step.train ? b->kept : NULL, parting->kept);
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
static void find_meetings(dg_cpu_lanes *lanes) {
  size_t since = 0;
  for (size_t i = 0; i < lanes->taken; i++) {
    run *r = &lanes->runs[i];
    find_extents(r);
    r->meets = false;
    for (size_t k = since; k < i && !r->meets; k++) r->meets = collide(r, &lanes->runs[k]);
    if (r->meets) since = i;
  }
}

/** Has a run to wait for those before: of other samples, or of an op whose sums are in use? */
static bool must_wait(const dg_cpu_lanes *lanes, const dg_cpu_parted_op *op, bool backward,
                      const dg_step *step) {
  for (size_t i = 0; i < lanes->taken; i++) {
    const run *r = &lanes->runs[i];
    bool both_score = r->op->op.base.desc.kind == DG_OP_LOSS && op->op.base.desc.kind == DG_OP_LOSS;
    if ((r->op == op && r->backward == backward) || both_score) return true;
  }
  return lanes->taken == MOST_RUNS || (lanes->taken && lanes->runs[0].step.n != step->n);
}

/** Is the forward of an op among the runs that wait? */
static bool waits(const dg_cpu_lanes *lanes, const dg_cpu_parted_op *op) {
  for (size_t i = 0; i < lanes->taken; i++)
    if (lanes->runs[i].op == op) return true;
  return false;
}

/**
 * Brings a run's lanes and those of the runs before it together: they become the fewest that any
 * has, but a run that goes back over what was kept before them wants as many as kept it. What can't
 * be so is done first. Returns false where the run has no lanes.
 */
static bool join(dg_cpu_lanes *lanes, const dg_cpu_parted_op *op, bool backward, size_t n) {
  bool fixed = backward && !waits(lanes, op);
  size_t count = fixed ? op->parting->lanes : dg_cpu_parting_lanes(op, n);
  if (lanes->taken && (fixed ? count != lanes->count : lanes->fixed && count < lanes->count))
    dg_cpu_lanes_run(lanes);
  if (count == 1) return false;
  if (!lanes->taken || count < lanes->count) lanes->count = count;
  lanes->fixed = fixed || (lanes->taken && lanes->fixed);
  return true;
}

bool dg_cpu_lanes_take(dg_cpu_parted_op *op, bool backward, const dg_op_buffers *buffers,
                       const dg_step *step) {
  dg_cpu_lanes *lanes = op->op.device->lanes;
  if (op->parting && must_wait(lanes, op, backward, step)) dg_cpu_lanes_run(lanes);
  if (!op->parting || !join(lanes, op, backward, step->n)) {
    dg_cpu_lanes_run(lanes);
    if (op->parting && !backward) op->parting->lanes = 1;
    return false;
  }
  run *r = &lanes->runs[lanes->taken++];
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
  dg_buffer kept, workspace;
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
  shift(&b->kept, first * parting->kept, &v->kept);
  if (index > 0 && r->backward && parting->grads) view_gradients(r, index, v);
  size_t wanted = r->backward ? needs->backward_workspace : needs->forward_workspace;
  b->workspace = wanted ? &v->workspace : NULL;
  v->workspace.data = (float *)(void *)workspace;
}

static void run_lane(const dg_cpu_lanes *lanes, const run *r, size_t index, size_t worker) {
  dg_span samples = dg_cpu_part(r->step.n, lanes->count, index);
  dg_step step = r->step;
  views v;
  view(r, index, samples.begin, lanes->workspaces + worker * lanes->workspace_bytes, &v);
  step.n = (uint32_t)(samples.end - samples.begin);
  step.place += (uint32_t)samples.begin;
  step.first += (uint32_t)samples.begin;
  step.whole = dg_loss_samples(&r->step);
  if (r->op->op.base.desc.kind == DG_OP_LOSS && index > 0) {
    v.out[1].data = &lanes->lane[index].loss;
    v.out[2].data = (float *)(void *)&lanes->lane[index].correct;
    step.slot = 0;
  }
  dg_cpu_run(&r->op->parting->op, r->backward, &v.buffers, &step);
}

/** Runs that no lane has to wait in. */
typedef struct {
  const dg_cpu_lanes *lanes;
  size_t begin, end;
  bool timed;
} section;

static void run_section(const void *context, size_t index, size_t worker) {
  const section *s = context;
  lane *own = &s->lanes->lane[index];
  for (size_t i = s->begin; i < s->end; i++) {
    double start = s->timed ? dg_seconds() : 0;
    run_lane(s->lanes, &s->lanes->runs[i], index, worker);
    if (s->timed) own->seconds[i] = dg_seconds() - start;
  }
}

/* ---- sums over the lanes ------------------------------------------------ */

/** How the gradients of a row are added up. */
typedef struct {
  const dg_cpu_lanes *lanes;
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
    for (size_t other = 0; other + 1 < a->lanes->count; other++)
      dg_grad_put(DG_GRAD_ADD, span.end - span.begin,
                  from + other * parting->grad_floats + span.begin, to + span.begin);
    from += dg_round_up(count);
  }
}

static bool has_sums(const run *r) {
  return r->backward && r->op->parting->grads;
}

static void add_piece(const void *context, size_t piece, size_t worker) {
  const addition *a = context;
  (void)worker;
  for (size_t i = 0; i < a->lanes->taken; i++)
    if (has_sums(&a->lanes->runs[i])) add_gradients(a, &a->lanes->runs[i], piece);
}

static void add_all_gradients(const dg_cpu_device *device, const dg_cpu_lanes *lanes) {
  size_t floats = 0;
  for (size_t i = 0; i < lanes->taken; i++)
    if (has_sums(&lanes->runs[i])) floats += lanes->runs[i].op->parting->grad_floats;
  const addition a = {lanes, dg_cpu_pieces(floats, lanes->count * floats)};
  if (floats) dg_cpu_run_pieces(device, a.pieces, add_piece, &a, sizeof a);
}

static void add_scores(const dg_cpu_lanes *lanes, const run *r) {
  float *loss = dg_floats(r->buffers.out[1]) + r->step.slot;
  uint32_t *correct = (uint32_t *)r->buffers.out[2]->data + r->step.slot;
  for (size_t i = 1; i < lanes->count; i++) {
    *loss += lanes->lane[i].loss;
    *correct += lanes->lane[i].correct;
  }
}

/** The time of a run: of all lanes, which as many workers shared. */
static void note_time(const dg_cpu_lanes *lanes, size_t index) {
  const run *r = &lanes->runs[index];
  size_t workers = lanes->workers < lanes->count ? lanes->workers : lanes->count;
  double seconds = 0;
  for (size_t i = 0; i < lanes->count; i++) seconds += lanes->lane[i].seconds[index];
  dg_cpu_note_time(&r->op->op, r->backward, seconds / (double)workers);
}

static void run_all(const dg_cpu_device *device, const dg_cpu_lanes *lanes) {
  section s = {.lanes = lanes, .timed = device->profile};
  for (size_t i = 1; i <= lanes->taken; i++) {
    if (i < lanes->taken && !lanes->runs[i].meets) continue;
    s.end = i;
    dg_cpu_run_pieces(device, lanes->count, run_section, &s, sizeof s);
    s.begin = i;
  }
  add_all_gradients(device, lanes);
  for (size_t i = 0; i < lanes->taken; i++) {
    run *r = (run *)&lanes->runs[i];
    if (r->op->op.base.desc.kind == DG_OP_LOSS) add_scores(lanes, r);
    if (!r->backward) r->op->parting->lanes = lanes->count;
    if (s.timed) note_time(lanes, i);
  }
}

void dg_cpu_lanes_run(dg_cpu_lanes *lanes) {
  if (!lanes || !lanes->taken) return;
  run *first = &lanes->runs[0];
  if (lanes->taken == 1 && !first->backward) { /* nothing to gain from one op */
    first->op->parting->lanes = 1;
    dg_cpu_run(&first->op->op, false, &first->buffers, &first->step);
  } else {
    find_meetings(lanes);
    run_all(first->op->op.device, lanes);
  }
  lanes->taken = 0;
}
