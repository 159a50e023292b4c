/* The oracle's recurrent layers: one sample and one direction at a time; every step is stored. */
#include <math.h>
#include <stdlib.h>

#include "oracle/family.h"

/** One direction of a layer; b and c are NULL if there are none, gradients if not wanted. */
typedef struct {
  const dg_recurrent_desc *d;
  const double *w, *u, *b, *c;
  double *d_w, *d_u, *d_b, *d_c;
  bool reverse;
} direction;

/** The results of one step: [hidden] each, the gates [gates][hidden]. */
typedef struct {
  double *h, *cell;
  double *gate;  /**< after their activations */
  double *slope; /**< the derivatives of those activations */
  double *u_n;   /**< GRU, reset after the product: U_n h + c_n */
} cell_state;

static direction direction_of(const dg_recurrent_desc *d, const oracle_tensors *t, uint32_t k) {
  uint32_t first = k * (2 + d->biases);
  return (direction){.d = d,
                     .w = t->param[first],
                     .u = t->param[first + 1],
                     .b = d->biases > 0 ? t->param[first + 2] : NULL,
                     .c = d->biases > 1 ? t->param[first + 3] : NULL,
                     .d_w = t->d_param[first],
                     .d_u = t->d_param[first + 1],
                     .d_b = d->biases > 0 ? t->d_param[first + 2] : NULL,
                     .d_c = d->biases > 1 ? t->d_param[first + 3] : NULL,
                     .reverse = k == 1};
}

/** All steps of one sample, preceded by the initial state: zeros. */
static cell_state *states_new(const dg_recurrent_desc *d) {
  size_t hidden = d->hidden, each = (3 + 2 * dg_cell_gates(d->cell)) * hidden;
  cell_state *states = malloc((d->steps + 1) * sizeof *states);
  double *numbers = calloc((d->steps + 1) * each, sizeof *numbers);
  for (size_t k = 0; k <= d->steps; k++, numbers += each)
    states[k] = (cell_state){.h = numbers,
                             .cell = numbers + hidden,
                             .u_n = numbers + 2 * hidden,
                             .gate = numbers + 3 * hidden,
                             .slope = numbers + (3 + dg_cell_gates(d->cell)) * hidden};
  return states;
}

static void states_free(cell_state *states) {
  free(states[0].h);
  free(states);
}

/** offset[row], if not NULL, plus a row of a matrix times a vector. */
static double affine(const double *offset, const double *matrix, size_t row, size_t count,
                     const double *vector) {
  double sum = offset ? offset[row] : 0;
  for (size_t i = 0; i < count; i++) sum += matrix[row * count + i] * vector[i];
  return sum;
}

/** Does this gate use tanh: the RNN's only one, the GRU's n, the LSTM's g? */
static bool is_candidate(dg_cell_kind cell, uint32_t gate) {
  return cell == DG_CELL_RNN || gate == 2;
}

/** Sets gate g of unit j from the argument of its activation. */
static void set_gate(const dg_recurrent_desc *d, cell_state *now, uint32_t g, size_t j, double x) {
  size_t at = g * d->hidden + j;
  if (d->hard_sigmoid && !is_candidate(d->cell, g)) {
    now->gate[at] = fmin(fmax(0.2 * x + 0.5, 0), 1);
    now->slope[at] = fabs(x) < 2.5 ? 0.2 : 0;
    return;
  }
  dg_act act = {is_candidate(d->cell, g) ? DG_ACT_TANH : DG_ACT_SIGMOID, 0};
  now->gate[at] = oracle_activate(act, x);
  now->slope[at] = oracle_derivative(act, x);
}

/** The vector that the GRU's U_n is multiplied with if the reset comes before: r h. */
static double *reset_state(const dg_recurrent_desc *d, const cell_state *before,
                           const cell_state *now) {
  double *state = malloc(d->hidden * sizeof *state);
  for (size_t j = 0; j < d->hidden; j++) state[j] = now->gate[j] * before->h[j];
  return state;
}

static void step_forward(const direction *p, const double *x, const cell_state *before,
                         cell_state *now) {
  const dg_recurrent_desc *d = p->d;
  size_t hidden = d->hidden;
  bool gru = d->cell == DG_CELL_GRU;
  for (uint32_t g = 0; g < dg_cell_gates(d->cell); g++) {
    double *reset = gru && g == 2 && d->reset_before ? reset_state(d, before, now) : NULL;
    for (size_t j = 0; j < hidden; j++) {
      double in = affine(p->b, p->w, g * hidden + j, d->in, x);
      double back = affine(p->c, p->u, g * hidden + j, hidden, reset ? reset : before->h);
      bool scaled = gru && g == 2 && !d->reset_before;
      if (scaled) now->u_n[j] = back;
      set_gate(d, now, g, j, in + (scaled ? now->gate[j] * back : back));
    }
    free(reset);
  }
  for (size_t j = 0; j < hidden; j++) {
    const double *gate = now->gate + j;
    if (d->cell == DG_CELL_RNN) now->h[j] = gate[0];
    if (gru) now->h[j] = (1 - gate[hidden]) * gate[2 * hidden] + gate[hidden] * before->h[j];
    if (d->cell == DG_CELL_LSTM) {
      now->cell[j] = gate[hidden] * before->cell[j] + gate[0] * gate[2 * hidden];
      now->h[j] = gate[3 * hidden] * tanh(now->cell[j]);
    }
  }
}

/** The time of step k. */
static size_t time_of(const direction *p, size_t k) {
  return p->reverse ? p->d->steps - 1 - k : k;
}

/** The position of step k in a sample's output; NULL if it isn't part of it. */
static double *place_of(const direction *p, double *sample, size_t k) {
  size_t width = (p->d->bidirectional ? 2 : 1) * (size_t)p->d->hidden;
  size_t side = p->reverse ? p->d->hidden : 0;
  if (p->d->sequence) return sample + time_of(p, k) * width + side;
  return k + 1 == p->d->steps ? sample + side : NULL;
}

static cell_state *sample_forward(const direction *p, const double *x) {
  cell_state *states = states_new(p->d);
  for (size_t k = 0; k < p->d->steps; k++)
    step_forward(p, x + time_of(p, k) * p->d->in, &states[k], &states[k + 1]);
  return states;
}

static void recurrent_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_recurrent_desc *d = &desc->recurrent;
  size_t directions = d->bidirectional ? 2 : 1, rows = dg_cell_gates(d->cell) * (size_t)d->hidden;
  z->in[0] = (size_t)d->steps * d->in;
  z->out = (d->sequence ? d->steps : 1) * directions * d->hidden;
  for (size_t k = 0; k < directions; k++) {
    z->param[z->params++] = rows * d->in;
    z->param[z->params++] = rows * d->hidden;
    for (uint32_t i = 0; i < d->biases; i++) z->param[z->params++] = rows;
  }
}

static void recurrent_forward(const dg_op_desc *desc, const oracle_tensors *t,
                              const dg_step *step) {
  const dg_recurrent_desc *d = &desc->recurrent;
  oracle_sizes z = oracle_sizes_of(desc);
  for (uint32_t k = 0; k < (d->bidirectional ? 2 : 1); k++) {
    direction p = direction_of(d, t, k);
    for (uint32_t s = 0; s < step->n; s++) {
      cell_state *states = sample_forward(&p, t->in[0] + s * z.in[0]);
      for (size_t i = 0; i < d->steps; i++) {
        double *to = place_of(&p, t->out + s * z.out, i);
        for (size_t j = 0; to && j < d->hidden; j++) to[j] = states[i + 1].h[j];
      }
      states_free(states);
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

/** The gradients carried from step to step, [hidden] each. */
typedef struct {
  double *h, *cell;
} flow;

/**
 * The gradient of the argument of gate g of unit j, given those of the state after the step;
 * d_reset [hidden] is that of the GRU's r.
 */
static double gate_gradient(const dg_recurrent_desc *d, const cell_state *before,
                            const cell_state *now, uint32_t g, size_t j, const flow *after,
                            const double *d_reset) {
  size_t hidden = d->hidden;
  const double *gate = now->gate + j;
  double slope = now->slope[g * hidden + j];
  if (d->cell == DG_CELL_RNN) return after->h[j] * slope;
  if (d->cell == DG_CELL_GRU) {
    const double of[] = {d_reset[j], after->h[j] * (before->h[j] - gate[2 * hidden]),
                         after->h[j] * (1 - gate[hidden])};
    return of[g] * slope;
  }
  const double of[] = {after->cell[j] * gate[2 * hidden], after->cell[j] * before->cell[j],
                       after->cell[j] * gate[0], after->h[j] * tanh(now->cell[j])};
  return of[g] * slope;
}

/** Adds the gradients of W x + b and of U state + c, for row `row`, given those of their sums. */
static void row_gradients(const direction *p, size_t row, double d_a, double d_back,
                          const double *x, const double *state, double *d_x, double *d_state) {
  size_t in = p->d->in, hidden = p->d->hidden;
  for (size_t i = 0; i < in; i++) {
    p->d_w[row * in + i] += d_a * x[i];
    if (d_x) d_x[i] += d_a * p->w[row * in + i];
  }
  for (size_t i = 0; i < hidden; i++) {
    p->d_u[row * hidden + i] += d_back * state[i];
    d_state[i] += d_back * p->u[row * hidden + i];
  }
  if (p->d_b) p->d_b[row] += d_a;
  if (p->d_c) p->d_c[row] += d_back;
}

/** Turns `after`, the gradients of the state after a step, into those of the state before. */
static void step_backward(const direction *p, const double *x, const cell_state *before,
                          const cell_state *now, flow *after, double *d_x) {
  const dg_recurrent_desc *d = p->d;
  size_t hidden = d->hidden;
  bool gru = d->cell == DG_CELL_GRU;
  double *d_h = calloc(hidden, sizeof *d_h), *d_reset = calloc(hidden, sizeof *d_reset);
  double *d_reset_state = calloc(hidden, sizeof *d_reset_state);
  double *reset = reset_state(d, before, now);
  for (size_t j = 0; j < hidden && d->cell == DG_CELL_LSTM; j++) {
    double tanh_c = tanh(now->cell[j]);
    after->cell[j] += after->h[j] * now->gate[3 * hidden + j] * (1 - tanh_c * tanh_c);
  }
  for (uint32_t g = dg_cell_gates(d->cell); g-- > 0;) { /* r last: its gradient comes from n */
    bool candidate = gru && g == 2, reset_first = candidate && d->reset_before;
    for (size_t j = 0; j < hidden; j++) {
      double d_a = gate_gradient(d, before, now, g, j, after, d_reset), d_back = d_a;
      if (candidate && !reset_first) {
        d_reset[j] = d_a * now->u_n[j];
        d_back = d_a * now->gate[j];
      }
      row_gradients(p, g * hidden + j, d_a, d_back, x, reset_first ? reset : before->h, d_x,
                    reset_first ? d_reset_state : d_h);
    }
    for (size_t j = 0; j < hidden && reset_first; j++) {
      d_reset[j] = d_reset_state[j] * before->h[j];
      d_h[j] += d_reset_state[j] * now->gate[j];
    }
  }
  for (size_t j = 0; j < hidden; j++) {
    if (gru) d_h[j] += after->h[j] * now->gate[hidden + j];
    if (d->cell == DG_CELL_LSTM) after->cell[j] *= now->gate[hidden + j];
    after->h[j] = d_h[j];
  }
  free(d_h), free(d_reset), free(d_reset_state), free(reset);
}

static void sample_backward(const direction *p, const double *x, double *d_out, double *d_in) {
  const dg_recurrent_desc *d = p->d;
  cell_state *states = sample_forward(p, x);
  flow after = {calloc(d->hidden, sizeof(double)), calloc(d->hidden, sizeof(double))};
  for (size_t k = d->steps; k-- > 0;) {
    const double *given = place_of(p, d_out, k);
    for (size_t j = 0; given && j < d->hidden; j++) after.h[j] += given[j];
    size_t at = time_of(p, k) * d->in;
    step_backward(p, x + at, &states[k], &states[k + 1], &after, d_in ? d_in + at : NULL);
  }
  free(after.h), free(after.cell);
  states_free(states);
}

static void recurrent_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                               const dg_step *step) {
  const dg_recurrent_desc *d = &desc->recurrent;
  oracle_sizes z = oracle_sizes_of(desc);
  for (uint32_t k = 0; k < (d->bidirectional ? 2 : 1); k++) {
    direction p = direction_of(d, t, k);
    for (uint32_t s = 0; s < step->n; s++)
      sample_backward(&p, t->in[0] + s * z.in[0], (double *)dz + s * z.out,
                      t->d_in[0] ? t->d_in[0] + s * z.in[0] : NULL);
  }
}

const oracle_family oracle_recurrent = {recurrent_sizes, recurrent_forward, recurrent_backward};
