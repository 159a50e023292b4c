#include "backends/cpu/runtime/lanes.h"

#include <omp.h>
#include <stdlib.h>

#include "core/base/clock.h"

/** Runs that wait at most; more are done in two goes. */
enum { MOST_RUNS = 96 };

/** What an op needs for its lanes. */
struct dg_cpu_parting {
  dg_cpu_prepared *ops; /**< one for each lane: the op for its samples, on a device of one thread */
  size_t count;
  size_t kept; /**< floats of each lane */
  dg_op_sizes sizes;
  size_t grad_floats; /**< of all its parameters */
  float *grads;       /**< of every lane but the first [lanes - 1, grad_floats] */
  bool parted;        /**< was, or will be, the last forward: backward finds what that kept */
};

/** Memory that the lanes part: sample after sample, or (what is kept) lane after lane. */
typedef struct {
  const char *begin;
  size_t bytes, of_part; /**< of_part: floats */
} extent;

enum { EXTENTS = 2 * DG_MAX_IN + DG_MAX_OUT + 2 };

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

/** What the loss of a lane writes. */
typedef struct {
  _Alignas(DG_CPU_ALIGNMENT) float loss;
  uint32_t correct;
} score;

struct dg_cpu_lanes {
  dg_cpu_device one; /**< what the op of a lane runs on */
  size_t count;
  size_t workspace_bytes; /**< of each */
  char *workspaces;
  score *scores; /**< of each; the first lane's is unused */
  run runs[MOST_RUNS];
  size_t taken;
};

dg_cpu_lanes *dg_cpu_lanes_new(const dg_cpu_device *device, dg_error *err) {
  dg_cpu_lanes *lanes = calloc(1, sizeof *lanes);
  size_t count = (size_t)device->threads;
  score *scores = aligned_alloc(DG_CPU_ALIGNMENT, count * sizeof *scores);
  if (!lanes || !scores) {
    dg_fail_memory(err, sizeof *lanes + count * sizeof *scores);
    free(lanes), free(scores);
    return NULL;
  }
  lanes->one = *device;
  lanes->one.threads = 1;
  lanes->one.pool = NULL;
  lanes->one.is_lane = true;
  lanes->one.profile = false;
  lanes->count = count;
  lanes->scores = scores;
  return lanes;
}

void dg_cpu_lanes_free(dg_cpu_lanes *lanes) {
  if (!lanes) return;
  free(lanes->workspaces);
  free(lanes->scores);
  free(lanes);
}

/* ---- readying an op ----------------------------------------------------- */

/** Floats of all parameters' gradients in a lane. */
static size_t gradient_floats(const dg_op_sizes *sizes) {
  size_t floats = 0;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) floats += dg_round_up(sizes->param[k]);
  return floats;
}

/** Does a training step of such an op go through each sample without the others? */
static bool samples_part(dg_op_kind kind) {
  const dg_op_row *row = dg_op_row_of(kind);
  return !row->joins_samples && !row->is_sampleless;
}

/** Are there samples enough, also beside the gradients that are summed up over the lanes? */
static bool pays(const dg_op_sizes *sizes, size_t lanes, size_t n) {
  enum { LEAST = 8 };
  return n >= LEAST * lanes &&
         (lanes - 1) * gradient_floats(sizes) <= n * (sizes->in[0] + sizes->out[0]);
}

static size_t aligned_bytes(size_t bytes) {
  return dg_round_up((bytes + sizeof(float) - 1) / sizeof(float)) * sizeof(float);
}

/** Makes the lanes' workspaces large enough for one more op. */
static bool grow_workspaces(dg_cpu_lanes *lanes, const dg_op_needs *needs, dg_error *err) {
  size_t forward = aligned_bytes(needs->forward_workspace);
  size_t backward = aligned_bytes(needs->backward_workspace);
  size_t bytes = forward > backward ? forward : backward;
  if (bytes <= lanes->workspace_bytes) return true;
  char *larger = aligned_alloc(DG_CPU_ALIGNMENT, lanes->count * bytes);
  if (!larger) return dg_fail_memory(err, lanes->count * bytes);
  free(lanes->workspaces);
  lanes->workspaces = larger;
  lanes->workspace_bytes = bytes;
  return true;
}

/** The op itself must fit both ways of running. */
static void add_needs(const dg_cpu_lanes *lanes, const dg_cpu_parting *parting,
                      dg_op_needs *needs) {
  const dg_op_needs *of_lane = &parting->ops[0].base.needs;
  size_t kept = lanes->count * parting->kept * sizeof(float);
  if (kept > needs->kept) needs->kept = kept;
  needs->backward_reads_in |= of_lane->backward_reads_in;
  needs->backward_reads_out |= of_lane->backward_reads_out;
}

static bool fill_parting(dg_cpu_parted_op *parted, dg_cpu_lanes *lanes, dg_error *err) {
  dg_cpu_prepared *op = &parted->op;
  dg_cpu_parting *parting = parted->parting;
  uint32_t largest = (uint32_t)((op->base.max_n + lanes->count - 1) / lanes->count);
  parting->ops = calloc(lanes->count, sizeof *parting->ops);
  if (!parting->ops) return dg_fail_memory(err, lanes->count * sizeof *parting->ops);
  while (parting->count < lanes->count)
    if (!dg_cpu_prepare(&parting->ops[parting->count++], &lanes->one,
                        &(dg_cpu_wish){&op->base.desc, largest, true, op->forward.planned}, err))
      return false;
  const dg_op_needs *needs = &parting->ops[0].base.needs;
  parting->kept = aligned_bytes(needs->kept) / sizeof(float);
  add_needs(lanes, parting, &op->base.needs);
  if (op->forward.planned) return true;
  if (!grow_workspaces(lanes, needs, err)) return false;
  parting->grad_floats = gradient_floats(&parting->sizes);
  size_t bytes = (lanes->count - 1) * parting->grad_floats * sizeof(float);
  if (bytes) parting->grads = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  return !bytes || parting->grads || dg_fail_memory(err, bytes);
}

bool dg_cpu_lanes_prepare(dg_cpu_parted_op *parted, dg_error *err) {
  const dg_cpu_prepared *op = &parted->op;
  dg_cpu_lanes *lanes = op->device->lanes;
  dg_op_sizes sizes = dg_op_sizes_of(&op->base.desc);
  if (!lanes || !op->forward.train || !samples_part(op->base.desc.kind) ||
      !pays(&sizes, lanes->count, op->base.max_n))
    return true;
  parted->parting = calloc(1, sizeof *parted->parting);
  if (!parted->parting) return dg_fail_memory(err, sizeof *parted->parting);
  parted->parting->sizes = sizes;
  return fill_parting(parted, lanes, err);
}

void dg_cpu_parting_free(dg_cpu_parting *parting) {
  if (!parting) return;
  for (size_t i = 0; i < parting->count; i++) dg_cpu_release(&parting->ops[i]);
  free(parting->ops);
  free(parting->grads);
  free(parting);
}

/* ---- taking runs -------------------------------------------------------- */

static void add_extent(run *r, const dg_buffer *buffer, size_t of_part, size_t parts) {
  if (!buffer || !of_part) return;
  r->extents[r->extent_count++] = (extent){.begin = (const char *)buffer->data,
                                           .bytes = parts * of_part * sizeof(float),
                                           .of_part = of_part};
}

/** What a run reads and writes; what it is given and doesn't read may be another tensor by now. */
static void find_extents(run *r, size_t lanes) {
  const dg_cpu_parting *parting = r->op->parting;
  const dg_op_needs *needs = &r->op->op.base.needs;
  const dg_op_buffers *b = &r->buffers;
  size_t n = r->step.n;
  bool in = !r->backward || needs->backward_reads_in,
       out = !r->backward || needs->backward_reads_out;
  r->extent_count = 0;
  for (size_t k = 0; k < DG_MAX_IN; k++) {
    add_extent(r, in ? b->in[k] : NULL, parting->sizes.in[k], n);
    add_extent(r, r->backward ? b->d_in[k] : NULL, parting->sizes.in[k], n);
  }
  for (size_t k = 0; k < DG_MAX_OUT; k++)
    add_extent(r, out ? b->out[k] : NULL, parting->sizes.out[k], n);
  add_extent(r, r->backward ? b->d_out : NULL, parting->sizes.out[0], n);
  add_extent(r, r->step.train ? b->kept : NULL, parting->kept, lanes);
}

/** May a lane of `a` write where another lane of `b` reads or writes? */
static bool collide(const run *a, const run *b) {
  for (size_t i = 0; i < a->extent_count; i++)
    for (size_t k = 0; k < b->extent_count; k++) {
      const extent *x = &a->extents[i], *y = &b->extents[k];
      bool apart = x->begin + x->bytes <= y->begin || y->begin + y->bytes <= x->begin;
      bool alike = x->begin == y->begin && x->bytes == y->bytes && x->of_part == y->of_part;
      if (!apart && !alike) return true;
    }
  return false;
}

/** Memory that another tensor had before is parted otherwise now: lanes meet in between. */
static void find_meetings(dg_cpu_lanes *lanes) {
  size_t since = 0;
  for (size_t i = 0; i < lanes->taken; i++) {
    run *r = &lanes->runs[i];
    find_extents(r, lanes->count);
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

bool dg_cpu_lanes_take(dg_cpu_parted_op *op, bool backward, const dg_op_buffers *buffers,
                       const dg_step *step) {
  dg_cpu_parting *parting = op->parting;
  dg_cpu_lanes *lanes = op->op.device->lanes;
  if (parting && must_wait(lanes, op, backward, step)) dg_cpu_lanes_run(lanes);
  if (parting && !backward) parting->parted = pays(&parting->sizes, lanes->count, step->n);
  if (!parting || !parting->parted) {
    dg_cpu_lanes_run(lanes);
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

/** Moves a buffer on by some floats, in a copy. */
static void shift(dg_buffer **buffer, size_t floats, dg_buffer *copy) {
  if (!*buffer) return;
  *copy = **buffer;
  copy->data += floats;
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

static void view(const dg_cpu_lanes *lanes, const run *r, size_t index, size_t first, views *v) {
  const dg_cpu_parting *parting = r->op->parting;
  const dg_op_needs *needs = &parting->ops[index].base.needs;
  dg_op_buffers *b = &v->buffers;
  *b = r->buffers;
  for (size_t k = 0; k < DG_MAX_IN; k++) {
    shift(&b->in[k], first * parting->sizes.in[k], &v->in[k]);
    shift(&b->d_in[k], first * parting->sizes.in[k], &v->d_in[k]);
  }
  for (size_t k = 0; k < DG_MAX_OUT; k++)
    shift(&b->out[k], first * parting->sizes.out[k], &v->out[k]);
  shift(&b->d_out, first * parting->sizes.out[0], &v->d_out);
  shift(&b->kept, index * parting->kept, &v->kept);
  if (index > 0 && r->backward && parting->grads) view_gradients(r, index, v);
  size_t wanted = r->backward ? needs->backward_workspace : needs->forward_workspace;
  b->workspace = wanted ? &v->workspace : NULL;
  if (wanted)
    v->workspace.data = (float *)(void *)(lanes->workspaces + index * lanes->workspace_bytes);
}

/** Scores of another lane than the first are kept aside. */
static void view_score(score *s, views *v, dg_step *step) {
  v->out[1].data = &s->loss;
  v->out[2].data = (float *)(void *)&s->correct;
  step->slot = 0;
}

static void run_lane(const dg_cpu_lanes *lanes, const run *r, size_t index) {
  dg_span samples = dg_cpu_part(r->step.n, lanes->count, index);
  dg_step step = r->step;
  views v;
  view(lanes, r, index, samples.begin, &v);
  step.n = (uint32_t)(samples.end - samples.begin);
  step.place += (uint32_t)samples.begin;
  step.first += (uint32_t)samples.begin;
  step.whole = dg_loss_samples(&r->step);
  if (r->op->op.base.desc.kind == DG_OP_LOSS && index > 0)
    view_score(&lanes->scores[index], &v, &step);
  dg_cpu_run(&r->op->parting->ops[index], r->backward, &v.buffers, &step);
}

/** The calling thread's share of adding up the gradients of a run. */
static void add_gradients(const dg_cpu_lanes *lanes, const run *r) {
  enum { GRAIN = DG_CPU_ALIGNMENT / sizeof(float) };
  const dg_cpu_parting *parting = r->op->parting;
  const float *from = parting->grads;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) {
    size_t count = parting->sizes.param[k];
    if (!count) continue;
    dg_span share = dg_cpu_share(count, GRAIN);
    float *to = dg_floats(r->buffers.d_param[k]);
    for (size_t other = 0; other + 1 < lanes->count; other++)
      dg_grad_put(DG_GRAD_ADD, share.end - share.begin,
                  from + other * parting->grad_floats + share.begin, to + share.begin);
    from += dg_round_up(count);
  }
}

static void add_scores(const dg_cpu_lanes *lanes, const run *r) {
  float *loss = dg_floats(r->buffers.out[1]) + r->step.slot;
  uint32_t *correct = (uint32_t *)r->buffers.out[2]->data + r->step.slot;
  for (size_t i = 1; i < lanes->count; i++) {
    *loss += lanes->scores[i].loss;
    *correct += lanes->scores[i].correct;
  }
}

static void run_all(const dg_cpu_lanes *lanes) {
#pragma omp parallel num_threads((int)lanes->count)
  {
    size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
    for (size_t i = 0; i < lanes->taken; i++) {
      const run *r = &lanes->runs[i];
      bool timed =
          thread == 0 && r->op->op.device->profile; /* the first lane's time stands for all */
      double start = timed ? dg_seconds() : 0;
      if (r->meets) {
#pragma omp barrier
      }
      for (size_t index = thread; index < lanes->count; index += threads) run_lane(lanes, r, index);
      if (timed) dg_cpu_note_time(&r->op->op, r->backward, start);
    }
#pragma omp barrier
    for (size_t i = 0; i < lanes->taken; i++)
      if (lanes->runs[i].backward && lanes->runs[i].op->parting->grads)
        add_gradients(lanes, &lanes->runs[i]);
  }
  for (size_t i = 0; i < lanes->taken; i++)
    if (lanes->runs[i].op->op.base.desc.kind == DG_OP_LOSS) add_scores(lanes, &lanes->runs[i]);
}

void dg_cpu_lanes_run(dg_cpu_lanes *lanes) {
  if (!lanes || !lanes->taken) return;
  run *first = &lanes->runs[0];
  if (lanes->taken == 1 && !first->backward) { /* nothing to gain from one op */
    first->op->parting->parted = false;
    dg_cpu_run(&first->op->op, false, &first->buffers, &first->step);
  } else {
    find_meetings(lanes);
    run_all(lanes);
  }
  lanes->taken = 0;
}
