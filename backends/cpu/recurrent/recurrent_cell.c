#include "backends/cpu/recurrent/recurrent_cell.h"

#include "backends/cpu/elementwise/vector_math.h"

#define INLINE static inline __attribute__((always_inline))

/** The location of a vector of one sample's units. */
typedef struct {
  size_t at;   /**< offset in every plane */
  size_t unit; /**< index of the first unit */
  size_t sample;
} place;

INLINE dg_vector load(const float *from) {
  return *(const dg_vector *)from;
}

INLINE void store(float *to, dg_vector x) {
  *(dg_vector *)to = x;
}

/** Calls `visit`, which is inlined, for every vector of the planes. */
INLINE void each(size_t units, size_t n, void (*visit)(const void *step, place p),
                 const void *step) {
  for (size_t u = 0; u < units; u += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(units - u));
    for (size_t s = 0; s < n; s++)
      for (size_t v = 0; v < width; v += DG_VECTOR)
        visit(step, (place){u * n + s * width + v, u + v, s});
  }
}

/* ---- forward ------------------------------------------------------------ */

INLINE dg_vector sum_of(const dg_cell_step *s, size_t slot, place p) {
  return load(s->slot[slot] + p.at) + load(s->bias[slot] + p.unit);
}

/** Turns a sum into a gate: by the layer's sigmoid, or by tanh. */
INLINE dg_vector make_gate(const dg_cell_step *s, size_t slot, place p) {
  dg_vector sum = sum_of(s, slot, p);
  dg_vector gate = s->desc->hard_sigmoid ? dg_hard_sigmoid(sum) : dg_sigmoid(sum);
  store(s->slot[slot] + p.at, gate);
  return gate;
}

INLINE dg_vector make_candidate(const dg_cell_step *s, size_t slot, place p, dg_vector sum) {
  dg_vector candidate = dg_tanh(sum);
  store(s->slot[slot] + p.at, candidate);
  return candidate;
}

INLINE float *h_at(const dg_cell_step *s, place p) {
  return s->h + p.sample * s->row + p.unit;
}

INLINE void rnn_forward(const void *step, place p) {
  const dg_cell_step *s = step;
  store(h_at(s, p), make_candidate(s, 0, p, sum_of(s, 0, p)));
}

/** The GRU's next state: n + z (h - n) = (1 - z) n + z h. */
INLINE void gru_state(const dg_cell_step *s, place p, dg_vector z, dg_vector n) {
  dg_vector h = n + z * (load(h_at(s, p)) - n);
  store(h_at(s, p), h);
  if (s->state) store(s->state + p.at, h);
}

INLINE void split_gru_forward(const void *step, place p) {
  const dg_cell_step *s = step;
  dg_vector u_n = sum_of(s, 0, p);
  store(s->slot[0] + p.at, u_n);
  dg_vector r = make_gate(s, 1, p), z = make_gate(s, 2, p);
  gru_state(s, p, z, make_candidate(s, 3, p, sum_of(s, 3, p) + r * u_n));
}

INLINE void gru_reset(const void *step, place p) {
  const dg_cell_step *s = step;
  dg_vector r = make_gate(s, 0, p);
  make_gate(s, 1, p);
  store(s->reset + p.sample * s->row + p.unit, r * load(h_at(s, p)));
}

INLINE void gru_forward(const void *step, place p) {
  const dg_cell_step *s = step;
  gru_state(s, p, load(s->slot[1] + p.at), make_candidate(s, 2, p, sum_of(s, 2, p)));
}

INLINE void lstm_forward(const void *step, place p) {
  const dg_cell_step *s = step;
  dg_vector i = make_gate(s, 0, p), f = make_gate(s, 1, p), o = make_gate(s, 3, p);
  dg_vector c = i * make_candidate(s, 2, p, sum_of(s, 2, p));
  if (s->c) c += f * load(s->c + p.at);
  store(s->state + p.at, c);
  store(h_at(s, p), o * dg_tanh(c));
}

void dg_cell_reset(const dg_cell_step *s) {
  each(s->units, s->n, gru_reset, s);
}

void dg_cell_forward(const dg_cell_step *s) {
  if (s->desc->cell == DG_CELL_RNN)
    each(s->units, s->n, rnn_forward, s);
  else if (s->desc->cell == DG_CELL_LSTM)
    each(s->units, s->n, lstm_forward, s);
  else if (s->desc->reset_before)
    each(s->units, s->n, gru_forward, s);
  else
    each(s->units, s->n, split_gru_forward, s);
}

/* ---- backward ----------------------------------------------------------- */

INLINE dg_vector tanh_slope(dg_vector y) {
  return 1.0f - y * y;
}

/** The derivative of a gate's sigmoid, from the gate. */
INLINE dg_vector gate_slope(const dg_cell_step_back *s, dg_vector gate) {
  if (!s->desc->hard_sigmoid) return gate * (1.0f - gate);
  dg_vector slope = (dg_vector){0} + 0.2f;
  dg_int_vector inside = (gate > 0.0f) & (gate < 1.0f);
  return (dg_vector)((dg_int_vector)slope & inside);
}

INLINE dg_vector gate_at(const dg_cell_step_back *s, size_t slot, place p) {
  return load(s->slot[slot] + p.at);
}

INLINE void store_gradient(const dg_cell_step_back *s, size_t slot, place p, dg_vector gradient) {
  size_t units = dg_panels_width(s->desc->hidden);
  store(s->d_slot + p.sample * s->d_row + slot * units + p.unit, gradient);
}

INLINE dg_vector or_zeros(const float *plane, place p) {
  return plane ? load(plane + p.at) : (dg_vector){0};
}

INLINE void rnn_backward(const void *step, place p) {
  const dg_cell_step_back *s = step;
  store_gradient(s, 0, p, load(s->d_h + p.at) * tanh_slope(gate_at(s, 0, p)));
  store(s->d_h + p.at, (dg_vector){0});
}

/** The gradient of z, and the part of d_h that bypasses n; returns the gradient of the sum in n. */
INLINE dg_vector gru_update(const dg_cell_step_back *s, place p, size_t z_slot, size_t n_slot) {
  dg_vector z = gate_at(s, z_slot, p), n = gate_at(s, n_slot, p), d_h = load(s->d_h + p.at);
  store_gradient(s, z_slot, p, d_h * (or_zeros(s->h, p) - n) * gate_slope(s, z));
  store(s->d_h + p.at, d_h * z);
  return d_h * (1.0f - z) * tanh_slope(n);
}

INLINE void split_gru_backward(const void *step, place p) {
  const dg_cell_step_back *s = step;
  dg_vector d_n = gru_update(s, p, 2, 3), r = gate_at(s, 1, p);
  store_gradient(s, 0, p, d_n * r);
  store_gradient(s, 1, p, d_n * gate_at(s, 0, p) * gate_slope(s, r));
  store_gradient(s, 3, p, d_n);
}

INLINE void gru_backward(const void *step, place p) {
  store_gradient(step, 2, p, gru_update(step, p, 1, 2));
}

INLINE void gru_reset_backward(const void *step, place p) {
  const dg_cell_step_back *s = step;
  if (!s->h) {
    store_gradient(s, 0, p, (dg_vector){0});
    return;
  }
  dg_vector r = gate_at(s, 0, p), h = load(s->h + p.at), d_reset = load(s->d_reset + p.at);
  store_gradient(s, 0, p, d_reset * h * gate_slope(s, r));
  store(s->d_h + p.at, load(s->d_h + p.at) + d_reset * r);
  store(s->d_reset + p.at, r * h);
}

INLINE void lstm_backward(const void *step, place p) {
  const dg_cell_step_back *s = step;
  dg_vector i = gate_at(s, 0, p), f = gate_at(s, 1, p), g = gate_at(s, 2, p), o = gate_at(s, 3, p);
  dg_vector d_h = load(s->d_h + p.at), tanh_c = load(s->tanh_c + p.at);
  dg_vector d_c = load(s->d_c + p.at) + d_h * o * tanh_slope(tanh_c);
  store_gradient(s, 0, p, d_c * g * gate_slope(s, i));
  store_gradient(s, 1, p, d_c * or_zeros(s->c, p) * gate_slope(s, f));
  store_gradient(s, 2, p, d_c * i * tanh_slope(g));
  store_gradient(s, 3, p, d_h * tanh_c * gate_slope(s, o));
  store(s->d_c + p.at, d_c * f);
  store(s->d_h + p.at, (dg_vector){0});
}

void dg_cell_backward(const dg_cell_step_back *s) {
  size_t hidden = s->desc->hidden;
  if (s->desc->cell == DG_CELL_RNN)
    each(hidden, s->n, rnn_backward, s);
  else if (s->desc->cell == DG_CELL_LSTM)
    each(hidden, s->n, lstm_backward, s);
  else if (s->desc->reset_before)
    each(hidden, s->n, gru_backward, s);
  else
    each(hidden, s->n, split_gru_backward, s);
}

void dg_cell_reset_backward(const dg_cell_step_back *s) {
  each(s->desc->hidden, s->n, gru_reset_backward, s);
}

void dg_cell_output(size_t count, const float *o, const float *c, float *tanh_c, float *h) {
  for (size_t i = 0; i < count; i += DG_VECTOR) {
    dg_vector now = dg_tanh(load(c + i));
    store(tanh_c + i, now);
    if (h) store(h + i, load(o + i) * now);
  }
}
