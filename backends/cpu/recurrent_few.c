#include "backends/cpu/recurrent_few.h"

#include <omp.h>
#include <string.h>

#include "backends/cpu/channel.h"
#include "backends/cpu/panel.h"
#include "backends/cpu/recurrent_cell.h"
#include "backends/cpu/row.h"

enum {
  /** Vectors of products that a thread must have between two messages to be worth waiting for. */
  PRODUCTS = 512,
  MOST_THREADS = 16,
  /** Units are shared by whole cache lines. */
  LINE = DG_CPU_ALIGNMENT / sizeof(float),
  /** Bytes between what threads write. Where one reads on, its processor fetches what follows ahead
      of time, and the thread that writes there has to get it back; but not that far ahead. */
  APART = 4096,
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
static size_t threads_of(const dg_cpu_op *op) {
  const dg_recurrent_plan *plan = op->plan;
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  size_t products = plan->gates * (plan->units / DG_VECTOR) * d->hidden / messages_of_step(d);
  size_t useful = smaller(products / PRODUCTS, (plan->units + LINE - 1) / LINE);
  size_t threads = smaller(smaller(useful, MOST_THREADS), (size_t)op->device->threads);
  return threads > 1 ? threads : 1;
}

bool dg_recurrent_are_few(const dg_cpu_op *op, size_t samples) {
  return samples == 1 || samples < threads_of(op);
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
  float *w;       /**< [vectors][gates][in][DG_VECTOR] */
  float *bias;    /**< [slots][units] */
  dg_channel_word
      *words; /**< [samples][units] in each box, APART; first those of the first thread */
} packing;

static packing packing_at(const dg_recurrent_plan *plan, const dg_recurrent_desc *d, float *at) {
  packing p = {.u = at};
  p.u_reset = p.u + state_slots(plan, d) * d->hidden * plan->units;
  p.w = at + plan->gates * d->hidden * plan->units;
  p.bias = p.w + plan->gates * d->in * plan->units;
  p.words = (dg_channel_word *)(void *)(at + parameters(plan, d));
  return p;
}

/** Arrays [samples][units] that a thread takes from step to step: the state before a step and after
    it, in turns; r h; c. */
enum { STATE, NEXT_STATE, RESET, C, ARRAYS };

/** Words of all boxes. */
static size_t words_of(const dg_cpu_op *op) {
  const dg_recurrent_plan *plan = op->plan;
  size_t threads = threads_of(op), apart = APART / sizeof(dg_channel_word);
  return threads == 1 ? 0 : DG_CHANNEL_BOXES * (plan->few * plan->units + threads * apart);
}

size_t dg_recurrent_few_prepare(const dg_cpu_op *op, dg_recurrent_plan *plan) {
  const dg_recurrent_desc *d = &op->base.desc.recurrent;
  size_t threads = threads_of(op), words = sizeof(dg_channel_word) / sizeof(float);
  plan->few = smaller(op->base.max_n, threads > 2 ? threads - 1 : 1);
  plan->few_array = dg_round_up(plan->few * plan->units);
  plan->few_packed = dg_round_up(parameters(plan, d) + words_of(op) * words);
  return threads * (ARRAYS * plan->few_array + APART / sizeof(float)) +
         plan->few * d->steps * plan->slots * plan->units;
}

/* ---- packing ------------------------------------------------------------ */

/** A forward pass, and what its threads share. */
typedef struct {
  const dg_recurrent_pass *pass;
  packing packed;
  float *workspace;
} few_pass;

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
    size_t units = smaller(d->hidden - c, DG_VECTOR), x_slot = slot - plan->first_x;
    if (slot >= plan->first_x)
      pack_vector(w + c * d->in, d->in, units, DG_VECTOR,
                  f->packed.w + (c * plan->gates + x_slot * DG_VECTOR) * d->in);
    if (slot < in_state)
      pack_vector(u + c * d->hidden, d->hidden, units, in_state * DG_VECTOR,
                  f->packed.u + c * in_state * d->hidden + slot * DG_VECTOR);
    else if (slot < plan->gates)
      pack_vector(u + c * d->hidden, d->hidden, units, DG_VECTOR,
                  f->packed.u_reset + c * d->hidden);
  }
  dg_recurrent_add_biases(f->pass, slot, own, f->packed.bias + slot * plan->units);
}

/* ---- forward ------------------------------------------------------------ */

/** A thread's part of the pass. */
typedef struct {
  const few_pass *all;
  size_t thread, threads;
  dg_span own; /**< units */
  float *array[ARRAYS];
  float *sums;      /**< [samples][steps][slots][own units] */
  uint32_t message; /**< the last that was sent */
} few_thread;

static size_t count(dg_span span) {
  return span.end - span.begin;
}

/** Those of the slot's units from `unit` on. */
static float *sums_at(const few_thread *t, size_t sample, size_t k, size_t slot, size_t unit) {
  size_t row = sample * t->all->pass->desc->steps + dg_recurrent_time(t->all->pass, k);
  return t->sums + (row * t->all->pass->plan->slots + slot) * count(t->own) + unit - t->own.begin;
}

/** The sums of all steps become W x, or 0 where there is no part of x. */
static void multiply_inputs(const few_thread *t) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  const few_pass *f = t->all;
  const dg_recurrent_desc *d = f->pass->desc;
  const dg_recurrent_plan *plan = f->pass->plan;
  const float *x = dg_floats(f->pass->buffers->in[0]);
  size_t rows = f->pass->samples * d->steps, apart = plan->slots * count(t->own), height;
  for (size_t row = 0; row < rows; row += height) {
    height = dg_tile_height(rows - row);
    for (size_t c = t->own.begin; c < t->own.end; c += DG_VECTOR) {
      float *to = t->sums + row * apart + c - t->own.begin;
      for (size_t j = 0; j < height && plan->first_x; j++)
        memset(to + j * apart, 0, DG_VECTOR * sizeof *to);
      for (size_t gate = 0; gate < plan->gates; gate++) {
        dg_tile_strided(height, DG_VECTOR, d->in, x + row * d->in, d->in,
                        f->packed.w + (c * plan->gates + gate * DG_VECTOR) * d->in, tile);
        dg_put_rows(false, height, DG_VECTOR, tile, to + (plan->first_x + gate) * count(t->own),
                    apart);
      }
    }
  }
}

/** The array of the state before step k. */
static float *state_at(const few_thread *t, size_t k) {
  return t->array[k % 2 ? NEXT_STATE : STATE];
}

/** Units of a sample at a step. */
static dg_cell_step cell_at(const few_thread *t, size_t sample, size_t k, dg_span units) {
  const few_pass *f = t->all;
  const dg_recurrent_plan *plan = f->pass->plan;
  size_t at = sample * plan->units + units.begin;
  float *c = t->array[C] + at;
  dg_cell_step cell = {.desc = f->pass->desc,
                       .units = count(units),
                       .n = 1,
                       .h = state_at(t, k + 1) + at,
                       .reset = t->array[RESET] + at};
  if (f->pass->desc->cell == DG_CELL_LSTM) cell.state = c, cell.c = k > 0 ? c : NULL;
  for (size_t slot = 0; slot < plan->slots; slot++) {
    cell.slot[slot] = sums_at(t, sample, k, slot, units.begin);
    cell.bias[slot] = f->packed.bias + slot * plan->units + units.begin;
  }
  memcpy(cell.h, state_at(t, k) + at, cell.units * sizeof *cell.h);
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

/** Adds the part that some units of the rows have to the sums of others. */
static void multiply(const few_thread *t, const few_stage *stage, dg_span to, dg_span from) {
  const few_pass *f = t->all;
  size_t units = f->pass->plan->units, hidden = f->pass->desc->hidden;
  size_t end = smaller(from.end, hidden), apart = stage->slots * DG_VECTOR * hidden;
  for (size_t s = 0; s < f->pass->samples && from.begin < end; s++)
    dg_row_add(stage->slots, count(to) / DG_VECTOR, end - from.begin,
               stage->rows + s * units + from.begin,
               stage->u + stage->slots * (to.begin * hidden + from.begin * DG_VECTOR), apart,
               sums_at(t, s, stage->k, stage->slot, to.begin), count(t->own));
}

/** What a thread sends of a sample with a message; its units are given. */
static dg_channel_word *words_at(const few_thread *t, size_t thread, dg_span units,
                                 uint32_t message, size_t sample) {
  size_t few = t->all->pass->plan->few, box = message % DG_CHANNEL_BOXES;
  size_t apart = (thread * DG_CHANNEL_BOXES + box) * (APART / sizeof(dg_channel_word));
  size_t before = few * (DG_CHANNEL_BOXES * units.begin + box * count(units));
  return t->all->packed.words + apart + before + sample * count(units);
}

/** Waits for what the others have of the rows; then nobody reads what was sent before that. */
static void receive(const few_thread *t, const few_stage *stage) {
  const dg_recurrent_plan *plan = t->all->pass->plan;
  for (size_t s = 0; s < t->all->pass->samples && t->threads > 1; s++) {
    for (size_t other = 0; other < t->threads; other++) {
      dg_span theirs = units_of(plan, other, t->threads);
      if (other != t->thread)
        dg_channel_receive(words_at(t, other, theirs, t->message, s), count(theirs), t->message,
                           stage->rows + s * plan->units + theirs.begin);
    }
    dg_channel_claim(words_at(t, t->thread, t->own, t->message + 1, s), count(t->own));
  }
}

/** The cell of some units of all samples; what it makes goes to the other threads. */
static void run_cell(const few_thread *t, const few_stage *stage, dg_span units) {
  size_t apart = t->all->pass->plan->units;
  for (size_t s = 0; s < t->all->pass->samples; s++) {
    dg_cell_step cell = cell_at(t, s, stage->k, units);
    stage->cell(&cell);
    if (t->threads > 1)
      dg_channel_send(words_at(t, t->thread, t->own, t->message + 1, s) + units.begin -
                          t->own.begin,
                      count(units), t->message + 1, stage->result + s * apart + units.begin);
  }
}

/**
 * Products with what the thread has itself of the rows come first, while the others send theirs. As
 * many units at a time as there are sums for are brought to their end: their cell waits for its
 * numbers one by one, so the next products overtake it.
 */
static void run_stage(few_thread *t, const few_stage *stage) {
  size_t block = DG_ROW_SUMS / stage->slots * DG_VECTOR, units = t->all->pass->plan->units;
  dg_span early = t->threads > 1 ? t->own : (dg_span){0, 0};
  if (stage->k > 0) {
    multiply(t, stage, t->own, early);
    receive(t, stage);
  }
  for (size_t c = t->own.begin; c < t->own.end; c += block) {
    dg_span some = {c, smaller(c + block, t->own.end)};
    if (stage->k > 0) {
      multiply(t, stage, some, (dg_span){0, early.begin});
      multiply(t, stage, some, (dg_span){early.end, units});
    }
    run_cell(t, stage, some);
  }
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
                  .message = plan->message};
  t.own = units_of(plan, t.thread, t.threads);
  float *own = f->workspace + t.thread * (ARRAYS * plan->few_array + APART / sizeof(float)) +
               plan->few * f->pass->desc->steps * plan->slots * t.own.begin;
  for (size_t i = 0; i < ARRAYS; i++) t.array[i] = own + i * plan->few_array;
  t.sums = own + ARRAYS * plan->few_array;
  return t;
}

void dg_recurrent_few_forward(const dg_recurrent_pass *pass, bool pack, float *packed,
                              float *workspace) {
  dg_recurrent_plan *plan = pass->op->plan;
  few_pass f = {pass, packing_at(plan, pass->desc, packed), workspace};
  if (pack) memset(f.packed.words, 0, words_of(pass->op) * sizeof *f.packed.words);
#pragma omp parallel num_threads((int)threads_of(pass->op))
  {
    few_thread t = thread_of(&f);
    for (size_t slot = 0; slot < plan->slots && pack; slot++) pack_slot(&f, slot, t.own);
    multiply_inputs(&t);
    memset(t.array[STATE], 0, plan->few_array * sizeof(float));
    for (size_t k = 0; k < pass->desc->steps; k++) run_step(&t, k);
  }
  plan->message += pass->desc->steps * messages_of_step(pass->desc);
}
