#include "backends/cpu/recurrent/recurrent_few.h"

#include <omp.h>
#include <string.h>

#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/row.h"
#include "backends/cpu/recurrent/recurrent_cell.h"
#include "backends/cpu/runtime/channel.h"

enum {
  /** Vectors of products that a thread must have between two messages to be worth waiting for. */
  PRODUCTS = 512,
  MOST_THREADS = 16,
  /** Units are shared by whole cache lines. */
  LINE = DG_CPU_ALIGNMENT / sizeof(float),
};

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Messages that the threads exchange in a step: the state; and before it r h, where it has a
    product of its own. */
static uint32_t messages_of_step(const dg_recurrent_desc *d) {
  return dg_recurrent_resets(d) ? 2 : 1;
}

/** The units of a thread. */
static dg_span units_of(const dg_recurrent_plan *plan, size_t thread, size_t threads) {
  size_t lines = (plan->units + LINE - 1) / LINE;
  return (dg_span){smaller(lines * thread / threads * LINE, plan->units),
                   smaller(lines * (thread + 1) / threads * LINE, plan->units)};
}

/** How many threads share the units. */
static size_t threads_of(const dg_cpu_op *op, const dg_recurrent_plan *plan) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  size_t products = plan->gates * (plan->units / DG_VECTOR) * d->hidden / messages_of_step(d);
  size_t useful = smaller(products / PRODUCTS, (plan->units + LINE - 1) / LINE);
  size_t threads = smaller(smaller(useful, MOST_THREADS), (size_t)op->device->threads);
  return threads > 1 ? threads : 1;
}

bool dg_recurrent_are_few(const dg_recurrent_few *few, size_t samples) {
  return samples == 1 || samples < few->threads;
}

/* ---- the plan ----------------------------------------------------------- */

/** Slots whose U is multiplied with the state, before a reset that comes first. */
static size_t state_slots(const dg_recurrent_plan *plan, const dg_recurrent_desc *d) {
  return dg_recurrent_resets(d) ? plan->gates - 1 : plan->gates;
}

/** Floats of the packed parameters of a direction. */
static size_t parameters(const dg_recurrent_plan *plan, const dg_recurrent_desc *d) {
  return dg_round_up((plan->gates * (d->in + d->hidden) + plan->slots) * plan->units);
}

/** What is kept of a direction: its packed parameters, and the threads' channel. */
typedef struct {
  float *u;       /**< [vectors][hidden][state slots][DG_VECTOR] */
  float *u_reset; /**< [vectors][hidden][DG_VECTOR]: of the slot that is multiplied with r h */
  float *w;       /**< [vectors], pairs of gates: [in][2][DG_VECTOR], one gate alone the last */
  float *bias;    /**< [slots][units] */
  float *channel; /**< [threads] counts, then of each thread boxes [samples][own units] */
} packing;

static packing packing_at(const dg_recurrent_plan *plan, const dg_recurrent_desc *d, float *at) {
  packing p = {.u = at};
  p.u_reset = p.u + state_slots(plan, d) * d->hidden * plan->units;
  p.w = at + plan->gates * d->hidden * plan->units;
  p.bias = p.w + plan->gates * d->in * plan->units;
  p.channel = at + parameters(plan, d);
  return p;
}

/** Arrays [samples][units] that a thread takes from step to step: the state before a step and after
    it, in turns; r h; c. */
enum { STATE, NEXT_STATE, RESET, C, ARRAYS };

/** Floats of the channel. */
static size_t channel_floats(const dg_recurrent_plan *plan, const dg_recurrent_few *few) {
  size_t apart = few->threads * (1 + DG_CHANNEL_BOXES) * DG_CHANNEL_APART;
  return few->threads == 1 ? 0 : apart + DG_CHANNEL_BOXES * few->samples * plan->units;
}

dg_recurrent_few dg_recurrent_few_of(const dg_cpu_op *op, const dg_recurrent_plan *plan) {
  size_t threads = threads_of(op, plan);
  dg_recurrent_few few = {.samples = smaller(op->max_n, threads > 2 ? threads - 1 : 1),
                          .threads = threads};
  few.array = dg_round_up(few.samples * plan->units);
  few.packed = dg_round_up(parameters(plan, &op->desc.recurrent) + channel_floats(plan, &few));
  return few;
}

size_t dg_recurrent_few_workspace(const dg_recurrent_desc *d, const dg_recurrent_plan *plan,
                                  const dg_recurrent_few *few) {
  return few->threads * (ARRAYS * few->array + DG_CHANNEL_APART) +
         few->samples * d->steps * plan->slots * plan->units;
}

/* ---- packing ------------------------------------------------------------ */

/** A forward pass, and what its threads share. */
typedef struct {
  const dg_recurrent_pass *pass;
  const dg_recurrent_few *few;
  packing packed;
  float *workspace;
} few_pass;

/** Gates in the order of the slots are multiplied with x by pairs. */
static size_t pair_width(const dg_recurrent_plan *plan, size_t gate) {
  return gate / 2 * 2 + 1 < plan->gates ? DG_TILE_WIDTH : DG_VECTOR;
}

/** The weights of a gate's pair, of the vector of units from `unit` on. */
static float *pair_at(const few_pass *f, size_t unit, size_t gate) {
  const dg_recurrent_plan *plan = f->pass->plan;
  return f->packed.w + (unit * plan->gates + gate / 2 * DG_TILE_WIDTH) * f->pass->desc->in;
}

/** Packs the units of a vector, in `apart` floats a row, as many of them as there are. */
static void pack_vector(const float *weight, size_t columns, size_t units, size_t apart,
                        float *to) {
  for (size_t k = 0; units < DG_VECTOR && k < columns; k++)
    memset(to + k * apart, 0, DG_VECTOR * sizeof *to);
  dg_transpose(units, columns, weight, columns, to, apart);
}

static void pack_slot(const few_pass *f, size_t slot, dg_span own) {
  const dg_recurrent_desc *d = f->pass->desc;
  const dg_recurrent_plan *plan = f->pass->plan;
  dg_buffer *const *params = f->pass->buffers->param;
  size_t first = dg_recurrent_gate(plan, slot) * d->hidden, in_state = state_slots(plan, d);
  const float *w = dg_recurrent_param(f->pass, params, DG_RECURRENT_W) + first * d->in;
  const float *u = dg_recurrent_param(f->pass, params, DG_RECURRENT_U) + first * d->hidden;
  for (size_t c = own.begin; c < own.end; c += DG_VECTOR) {
    size_t units = smaller(d->hidden - c, DG_VECTOR), gate = slot - plan->first_x;
    if (slot >= plan->first_x)
      pack_vector(w + c * d->in, d->in, units, pair_width(plan, gate),
                  pair_at(f, c, gate) + gate % 2 * DG_VECTOR);
    if (slot < in_state)
      pack_vector(u + c * d->hidden, d->hidden, units, in_state * DG_VECTOR,
                  f->packed.u + c * in_state * d->hidden + slot * DG_VECTOR);
    else if (slot < plan->gates)
      pack_vector(u + c * d->hidden, d->hidden, units, DG_VECTOR,
                  f->packed.u_reset + c * d->hidden);
  }
  dg_recurrent_put_biases(f->pass, slot, own, f->packed.bias + slot * plan->units);
}

/* ---- forward ------------------------------------------------------------ */

/** A thread's part of the pass. */
typedef struct {
  const few_pass *all;
  size_t thread, threads;
  dg_span own; /**< units */
  float *array[ARRAYS];
  float *sums;       /**< [samples][steps][slots][own units] */
  uint64_t message;  /**< the last that was sent */
  dg_cell_step cell; /**< what is the same at every step */
} few_thread;

static size_t count(dg_span span) {
  return span.end - span.begin;
}

static float *sums_at(const few_thread *t, size_t sample, size_t k, size_t slot) {
  size_t row = sample * t->all->pass->desc->steps + dg_recurrent_time(t->all->pass, k);
  return t->sums + (row * t->all->pass->plan->slots + slot) * count(t->own);
}

/** The sums of some steps and units become W x, or 0 where there is no part of x. */
static void multiply_input(const few_thread *t, size_t row, size_t rows, size_t unit) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  const dg_recurrent_plan *plan = t->all->pass->plan;
  size_t in = t->all->pass->desc->in, slot = count(t->own), apart = plan->slots * slot;
  const float *x = dg_floats(t->all->pass->buffers->in[0]) + row * in;
  float *to = t->sums + row * apart + unit - t->own.begin;
  for (size_t j = 0; j < rows && plan->first_x; j++)
    memset(to + j * apart, 0, DG_VECTOR * sizeof *to);
  for (size_t gate = 0; gate < plan->gates; gate += 2) {
    size_t width = pair_width(plan, gate);
    float *put = to + (plan->first_x + gate) * slot;
    dg_tile_strided(rows, width, in, x, in, pair_at(t->all, unit, gate), tile, DG_TILE_WIDTH);
    dg_put_rows(false, rows, DG_VECTOR, tile, put, apart);
    if (width > DG_VECTOR) dg_put_rows(false, rows, DG_VECTOR, tile + DG_VECTOR, put + slot, apart);
  }
}

static void multiply_inputs(const few_thread *t) {
  size_t all = t->all->pass->samples * t->all->pass->desc->steps, rows;
  for (size_t row = 0; row < all; row += rows) {
    rows = dg_tile_height(all - row);
    for (size_t c = t->own.begin; c < t->own.end; c += DG_VECTOR) multiply_input(t, row, rows, c);
  }
}

/** The array of the state before step k. */
static float *state_at(const few_thread *t, size_t k) {
  return t->array[k % 2 ? NEXT_STATE : STATE];
}

/** The thread's units of a sample at a step. */
static dg_cell_step cell_at(const few_thread *t, size_t sample, size_t k) {
  const dg_recurrent_plan *plan = t->all->pass->plan;
  size_t at = sample * plan->units + t->own.begin;
  float *sums = sums_at(t, sample, k, 0), *c = t->array[C] + at;
  dg_cell_step cell = t->cell;
  for (size_t slot = 0; slot < plan->slots; slot++) cell.slot[slot] = sums + slot * count(t->own);
  cell.h = state_at(t, k + 1) + at;
  cell.reset = t->array[RESET] + at;
  if (cell.desc->cell == DG_CELL_LSTM) cell.state = c, cell.c = k > 0 ? c : NULL;
  memcpy(cell.h, state_at(t, k) + at, count(t->own) * sizeof *cell.h);
  return cell;
}

/** A product with the state, or with r h, and what of a cell follows it. */
typedef struct {
  size_t k;
  float *rows, *result; /**< arrays: what is multiplied, and what the cell makes of it */
  size_t slot, slots;   /**< of the sums */
  const float *u;       /**< packed */
  void (*cell)(const dg_cell_step *step);
} few_stage;

/** Adds to the sums the part of some units, whose rows are given, `apart` from one another. */
static void multiply(const few_thread *t, const few_stage *stage, dg_span units, const float *rows,
                     size_t apart) {
  size_t hidden = t->all->pass->desc->hidden, end = smaller(units.end, hidden);
  const float *u = stage->u + stage->slots * (t->own.begin * hidden + units.begin * DG_VECTOR);
  for (size_t s = 0; s < t->all->pass->samples && units.begin < end; s++)
    dg_row_add(stage->slots, count(t->own) / DG_VECTOR, end - units.begin, rows + s * apart, u,
               stage->slots * DG_VECTOR * hidden, sums_at(t, s, stage->k, stage->slot),
               count(t->own));
}

static dg_channel_count *count_at(const few_thread *t, size_t thread) {
  return (dg_channel_count *)(void *)(t->all->packed.channel + thread * DG_CHANNEL_APART);
}

/** The box of a message from a thread, whose units are given: rows of these. */
static float *box_at(const few_thread *t, size_t thread, dg_span units, uint64_t message) {
  const dg_recurrent_few *few = t->all->few;
  size_t box = message % DG_CHANNEL_BOXES;
  size_t apart = few->threads + DG_CHANNEL_BOXES * thread + box;
  return t->all->packed.channel + apart * DG_CHANNEL_APART +
         few->samples * (DG_CHANNEL_BOXES * units.begin + box * count(units));
}

/** Adds the parts of the others to the sums, as they come. */
static void multiply_others(const few_thread *t, const few_stage *stage) {
  for (size_t other = 0; other < t->threads; other++) {
    dg_span units = units_of(t->all->pass->plan, other, t->threads);
    if (other == t->thread) continue;
    dg_channel_await(count_at(t, other), t->message);
    multiply(t, stage, units, box_at(t, other, units, t->message), count(units));
  }
}

/** The cells of the thread's units; what they make goes to the other threads. */
static void run_cells(const few_thread *t, const few_stage *stage) {
  size_t units = t->all->pass->plan->units, own = count(t->own);
  float *box = box_at(t, t->thread, t->own, t->message + 1);
  for (size_t s = 0; s < t->all->pass->samples; s++) {
    dg_cell_step cell = cell_at(t, s, stage->k);
    stage->cell(&cell);
    if (t->threads > 1)
      memcpy(box + s * own, stage->result + s * units + t->own.begin, own * sizeof *box);
  }
  if (t->threads > 1) dg_channel_send(count_at(t, t->thread), t->message + 1);
}

/** Products with what the thread has itself of the rows come first, while the others make theirs.
 */
static void run_stage(few_thread *t, const few_stage *stage) {
  const dg_recurrent_plan *plan = t->all->pass->plan;
  if (stage->k > 0) {
    multiply(t, stage, t->own, stage->rows + t->own.begin, plan->units);
    if (t->threads > 1) multiply_others(t, stage);
  }
  run_cells(t, stage);
  t->message++;
}

static void run_step(few_thread *t, size_t k) {
  const few_pass *f = t->all;
  const dg_recurrent_desc *d = f->pass->desc;
  size_t slots = state_slots(f->pass->plan, d), begin = t->own.begin;
  few_stage last = {.k = k,
                    .rows = state_at(t, k),
                    .result = state_at(t, k + 1),
                    .slots = slots,
                    .u = f->packed.u,
                    .cell = dg_cell_forward};
  if (dg_recurrent_resets(d)) {
    few_stage reset = last;
    reset.result = t->array[RESET];
    reset.cell = dg_cell_reset;
    run_stage(t, &reset);
    last =
        (few_stage){k, t->array[RESET], last.result, slots, 1, f->packed.u_reset, dg_cell_forward};
  }
  run_stage(t, &last);
  size_t end = smaller(t->own.end, d->hidden);
  for (size_t s = 0; s < f->pass->samples && begin < end; s++) {
    float *out = dg_recurrent_place(f->pass, dg_floats(f->pass->buffers->out[0]), s, k);
    const float *state = state_at(t, k + 1) + s * f->pass->plan->units;
    if (out) memcpy(out + begin, state + begin, (end - begin) * sizeof *out);
  }
}

static few_thread thread_of(const few_pass *f) {
  const dg_recurrent_plan *plan = f->pass->plan;
  few_thread t = {.all = f,
                  .thread = (size_t)omp_get_thread_num(),
                  .threads = (size_t)omp_get_num_threads(),
                  .message = f->few->message,
                  .cell = {.desc = f->pass->desc, .n = 1}};
  t.own = units_of(plan, t.thread, t.threads);
  t.cell.units = count(t.own);
  for (size_t slot = 0; slot < plan->slots; slot++)
    t.cell.bias[slot] = f->packed.bias + slot * plan->units + t.own.begin;
  float *own = f->workspace + t.thread * (ARRAYS * f->few->array + DG_CHANNEL_APART) +
               f->few->samples * f->pass->desc->steps * plan->slots * t.own.begin;
  for (size_t i = 0; i < ARRAYS; i++) t.array[i] = own + i * f->few->array;
  t.sums = own + ARRAYS * f->few->array;
  return t;
}

void dg_recurrent_few_forward(const dg_recurrent_pass *pass, dg_recurrent_few *few, bool pack,
                              float *packed, float *workspace) {
  const dg_recurrent_plan *plan = pass->plan;
  few_pass f = {pass, few, packing_at(plan, pass->desc, packed), workspace};
  if (pack) memset(f.packed.channel, 0, channel_floats(plan, few) * sizeof(float));
#pragma omp parallel num_threads((int)few->threads)
  {
    few_thread t = thread_of(&f);
    for (size_t slot = 0; slot < plan->slots && pack; slot++) pack_slot(&f, slot, t.own);
    multiply_inputs(&t);
    memset(t.array[STATE], 0, few->array * sizeof(float));
    for (size_t k = 0; k < pass->desc->steps; k++) run_step(&t, k);
  }
  few->message += pass->desc->steps * messages_of_step(pass->desc);
}
