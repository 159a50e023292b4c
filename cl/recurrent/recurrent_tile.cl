/* Recurrent layers for CPUs: a work-item computes all steps of a tile of samples, forward or
 * backward. It processes 16 hidden units at a time: it holds all of their sums for all of its
 * samples in registers, broadcasts inputs and states, loads weights packed by
 * cl/recurrent/recurrent_pack.cl, and applies the cell (cl/recurrent/recurrent_cell.cl) before
 * storing anything. The gradients of the weights are products over a few steps at a time, while
 * these are still in a cache.
 *
 * Loops over registers have constant bounds, or else they would not be unrolled before their
 * functions are inlined; other loops over samples are not unrolled, to reduce build time.
 */
#define MOST 4 /* vectors of a product at a time */

/* For our own memory, where vectors are aligned. */
inline void store(float16 value, global float *to) {
  *(global float16 *)to = value;
}

/* sums[v][s] += the sum over k of a[k][s] * b[k][v], for v < vectors <= MOST; a is in blocks,
   a_block apart, with `count` times 16 numbers of each sample. */
inline __attribute__((always_inline)) void multiply(float16 (*sums)[SAMPLES], const uint vectors,
                                                    global const float *a, uint a_block,
                                                    uint blocks, uint count,
                                                    global const float *restrict b) {
  for (uint block = 0; block < blocks; block++) {
    for (uint which = 0; which < count; which++) {
      global const float *now = a + block * a_block + which * SAMPLES * 16;
      for (uint k = 0; k < 16; k++) {
        float16 b_now[MOST];
#pragma unroll
        for (uint v = 0; v < MOST; v++)
          if (v < vectors) b_now[v] = vload16(v, b);
        b += vectors * 16;
#pragma unroll
        for (uint s = 0; s < SAMPLES; s++) {
          const float16 a_now = now[s * 16 + k];
#pragma unroll
          for (uint v = 0; v < MOST; v++)
            if (v < vectors) sums[v][s] = MULTIPLY_ADD(a_now, b_now[v], sums[v][s]);
        }
      }
    }
  }
}

/* Copies the inputs of a tile at one time step, in blocks. */
inline void load_inputs(global const float *x, uint first, uint n, uint steps, uint time, uint in,
                        global float *to) {
  for (uint s = 0; s < SAMPLES; s++) {
    global const float *from = x + ((size_t)min(first + s, n - 1) * steps + time) * in;
    for (uint i = 0; i < in; i += 16)
      store(load_block(from + i, in - i), to + place(i, 1, 0, s));
  }
}

/* `ring` time steps of each tile are saved: all of them, or two alternately for a network that
   isn't trained. The output of a sample has `out_row` numbers per step, of which this direction's
   begin at out_first. The workspace holds the packed weights and, at inputs_first, the inputs. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_forward(global const float *restrict x, global float *workspace, uint inputs_first,
                  global float *saved, uint saved_first, uint ring, global float *restrict out,
                  uint out_row, uint out_first, uint n, uint steps, uint in, uint hidden,
                  uint sequence, uint reverse) {
  const uint tile = get_global_id(0), first = tile * SAMPLES;
  const uint padded = (hidden + 15) / 16 * 16, in_padded = (in + 15) / 16 * 16;
  const uint size = padded * SAVED * SAMPLES, block = (SUMS + GATES * (in_padded + padded)) * 16;
  global float *inputs = workspace + inputs_first + tile * in_padded * SAMPLES;
  saved += saved_first + (size_t)tile * ring * size;
  for (uint step = 0; step < steps; step++) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    global float *now = saved + time % ring * size;
    global const float *state = saved + before % ring * size;
    load_inputs(x, first, n, steps, time, in, inputs);

    for (uint unit = 0; unit < padded; unit += 16) {
      global const float *weights = workspace + unit / 16 * block;
      float16 sums[SUMS][SAMPLES];
#pragma unroll
      for (uint v = 0; v < SUMS; v++)
#pragma unroll
        for (uint s = 0; s < SAMPLES; s++) sums[v][s] = vload16(v, weights);
      weights += SUMS * 16;
      multiply(sums, GATES, inputs, SAMPLES * 16, in_padded / 16, 1, weights);
      weights += GATES * 16 * in_padded;
      if (step > 0)
        multiply(sums + RESET_AFTER, GATES_OF_H, state, SAVED * SAMPLES * 16, padded / 16, 1,
                 weights);
      float16 done[SAMPLES][SUMS];
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++)
#pragma unroll
        for (uint v = 0; v < SUMS; v++) done[s][v] = sums[v][s];

#pragma unroll 1
      for (uint s = 0; s < SAMPLES; s++) {
        float16 made[SAVED], h = 0.0f, c = 0.0f;
        if (step > 0) {
          h = vload16(0, state + place(unit, SAVED, 0, s));
          if (CELL == LSTM) c = vload16(0, state + place(unit, SAVED, 1, s));
        }
        cell_forward(done[s], h, c, made);
#pragma unroll
        for (uint v = RESET_BEFORE; v < SAVED; v++)
          store(made[v], now + place(unit, SAVED, v, s));
      }
    }

#if RESET_BEFORE
    for (uint unit = 0; unit < padded; unit += 16) {
      global const float *weights =
          workspace + unit / 16 * block + (SUMS + GATES * in_padded + GATES_OF_H * padded) * 16;
      float16 sums[1][SAMPLES];
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) sums[0][s] = vload16(0, now + place(unit, SAVED, 3, s));
      if (step > 0)
        multiply(sums, 1, now + place(0, SAVED, 4, 0), SAVED * SAMPLES * 16, padded / 16, 1,
                 weights);
      float16 done[SAMPLES];
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) done[s] = sums[0][s];
#pragma unroll 1
      for (uint s = 0; s < SAMPLES; s++) {
        const float16 z = vload16(0, now + place(unit, SAVED, 2, s)), candidate = tanh_of(done[s]);
        const float16 h = step > 0 ? vload16(0, state + place(unit, SAVED, 0, s)) : 0.0f;
        store(candidate, now + place(unit, SAVED, 3, s));
        store(blend(z, candidate, h), now + place(unit, SAVED, 0, s));
      }
    }
#endif

    if (!sequence && step + 1 < steps) continue;
    for (uint s = 0; s < min(n - first, (uint)SAMPLES); s++) {
      const size_t row = sequence ? (size_t)(first + s) * steps + time : first + s;
      for (uint unit = 0; unit < hidden; unit += 16)
        store_block(vload16(0, now + place(unit, SAVED, 0, s)),
                    out + row * out_row + out_first + unit, hidden - unit);
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

/* A panel of the product of gradients with rows of weights: sums[v][s] for PANEL vectors, or for
   the last one alone. */
inline __attribute__((always_inline)) void
multiply_panel(float16 (*sums)[SAMPLES], uint vectors, global const float *a, uint count,
               uint padded, global const float *b) {
#pragma unroll
  for (uint v = 0; v < PANEL; v++)
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) sums[v][s] = 0.0f;
  if (vectors == PANEL)
    multiply(sums, PANEL, a, SUMS * SAMPLES * 16, padded / 16, count, b);
  else
    multiply(sums, 1, a, SUMS * SAMPLES * 16, padded / 16, count, b);
}

/* to[i] = or += the sum over k of a[k] * b[k][i], for all samples: over `count` gradients of each
   unit, to number `which` of what is carried; b is in panels, packed by recurrent_pack_rows. */
inline __attribute__((always_inline)) void multiply_rows(global const float *a, uint count,
                                                         uint padded, global const float *b,
                                                         global float *carry, uint which,
                                                         uint add) {
  for (uint unit = 0; unit < padded; unit += PANEL * 16) {
    const uint vectors = min((padded - unit) / 16, (uint)PANEL);
    float16 sums[PANEL][SAMPLES];
    multiply_panel(sums, vectors, a, count, padded, b);
    b += vectors * 16 * count * padded;
#pragma unroll
    for (uint v = 0; v < PANEL; v++)
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++)
        if (v < vectors) {
          global float *to = carry + place(unit + v * 16, CARRIED, which, s);
          store(add ? vload16(0, to) + sums[v][s] : sums[v][s], to);
        }
  }
}

/* The same for the gradient of x at one time step, of the first `samples` samples, `row` apart. */
inline void multiply_rows_to_x(global const float *a, uint padded, global const float *b,
                               global float *to, size_t row, uint samples, uint in, uint add) {
  for (uint column = 0; column < in; column += PANEL * 16) {
    const uint vectors = min((in - column + 15) / 16, (uint)PANEL);
    float16 sums[PANEL][SAMPLES], done[PANEL][SAMPLES];
    multiply_panel(sums, vectors, a, GATES, padded, b);
    b += vectors * 16 * GATES * padded;
#pragma unroll
    for (uint v = 0; v < PANEL; v++)
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) done[v][s] = sums[v][s];
    for (uint v = 0; v < vectors; v++)
#pragma unroll 1
      for (uint s = 0; s < samples; s++)
        store_gradient(done[v][s], to + s * row + column + v * 16, in - column - v * 16, add);
  }
}

/* ---- gradients of weights ----------------------------------------------- */

#define TILE 4  /* units whose rows are in registers */

/* The rows of a product: all samples of `steps` steps. The steps of a and b are a_step and b_step
   apart; blocks of b are b_block apart. */
typedef struct {
  global const float *a, *b;
  uint steps, a_step, b_block;
  int b_step;
} products;

/* to[j][i] (+)= the sum over the rows of a[j] * b[i], for TILE units j and `vectors` vectors i. */
inline __attribute__((always_inline)) void add_tile(const products *p, uint a_first, uint b_first,
                                                    const uint vectors, global float *to,
                                                    uint to_row, uint add) {
  float16 sums[TILE][MOST];
#pragma unroll
  for (uint j = 0; j < TILE; j++)
#pragma unroll
    for (uint v = 0; v < MOST; v++)
      if (v < vectors) sums[j][v] = add ? vload16(v, to + j * to_row) : 0.0f;
  global const float *a = p->a + a_first, *b = p->b + b_first;
  for (uint step = 0; step < p->steps; step++) {
    for (uint s = 0; s < SAMPLES; s++) {
      float16 b_now[MOST];
#pragma unroll
      for (uint v = 0; v < MOST; v++)
        if (v < vectors) b_now[v] = vload16(s, b + v * p->b_block);
#pragma unroll
      for (uint j = 0; j < TILE; j++) {
        const float16 a_now = a[s * 16 + j];
#pragma unroll
        for (uint v = 0; v < MOST; v++)
          if (v < vectors) sums[j][v] = MULTIPLY_ADD(a_now, b_now[v], sums[j][v]);
      }
    }
    a += p->a_step;
    b += p->b_step;
  }
#pragma unroll
  for (uint j = 0; j < TILE; j++)
#pragma unroll
    for (uint v = 0; v < MOST; v++)
      if (v < vectors) vstore16(sums[j][v], v, to + j * to_row);
}

/* to[unit][column] (+)= the sum over the rows of a[unit] * b[column], all padded. */
inline void add_products(const products *p, uint padded, uint columns, global float *to, uint add) {
  for (uint column = 0; column < columns;) {
    const uint vectors = (columns - column) / 16, b_first = column / 16 * p->b_block;
    for (uint unit = 0; unit < padded; unit += TILE) {
      const uint a_first = place(unit, SUMS, 0, 0) + unit % 16;
      global float *at = to + unit * columns + column;
      if (vectors >= 4)
        add_tile(p, a_first, b_first, 4, at, columns, add);
      else if (vectors >= 2)
        add_tile(p, a_first, b_first, 2, at, columns, add);
      else
        add_tile(p, a_first, b_first, 1, at, columns, add);
    }
    column += vectors >= 4 ? 64 : vectors >= 2 ? 32 : 16;
  }
}

/* Adds (or writes) the contribution of steps `begin` up to `end` to the gradients of the weights of
   x, of h, and of the sums, all padded, one after the other in `part`. Their gradients of sums and
   their inputs must be available. */
inline void add_weights(const tile_state *t, uint begin, uint end, global float *part, uint add) {
  const uint first = begin == 0; /* there is no state before the first step */
  for (uint i = 0; i < 2 * GATES; i++) {
    const bool of_x = i < GATES, of_reset = RESET_BEFORE && i == 2 * GATES - 1;
    products p = {.a = t->grads + place(0, SUMS, of_x ? i : i - GATES + RESET_AFTER, 0),
                  .b = t->inputs,
                  .steps = end - begin,
                  .a_step = t->grads_size,
                  .b_step = (int)t->inputs_size,
                  .b_block = SAMPLES * 16};
    if (!of_x) {
      p.b_step = t->reverse ? -(int)t->saved_size : (int)t->saved_size;
      p.b_block = SAVED * SAMPLES * 16;
      p.b = saved_of(t, begin) + place(0, SAVED, 4, 0);
    }
    if (!of_x && !of_reset) {
      p.b = saved_before(t, begin);
      p.a += first * t->grads_size;
      p.steps -= first;
    }
    const uint columns = of_x ? t->in_padded : t->padded;
    add_products(&p, t->padded, columns, part, add);
    part += t->padded * columns;
  }
  for (uint v = 0; v < SUMS; v++)
    for (uint unit = 0; unit < t->padded; unit += 16) {
      float16 sum = add ? vload16(0, part + v * t->padded + unit) : 0.0f;
      for (uint step = 0; step < end - begin; step++)
        for (uint s = 0; s < SAMPLES; s++)
          sum += vload16(0, t->grads + step * t->grads_size + place(unit, SUMS, v, s));
      store(sum, part + v * t->padded + unit);
    }
}

/* The gradients of a step's sums, and the part of the previous step's gradient that doesn't go
   through products. d_out is that of the state itself, for the first `samples` samples, d_row
   apart, or NULL. */
inline void step_back(const tile_state *t, uint step, uint hidden, global const float *d_out,
                      uint d_row, uint samples, global float *grads) {
  global const float *now = saved_of(t, step), *before = saved_before(t, step);
  const bool last = step + 1 == t->steps;
  for (uint unit = 0; unit < t->padded; unit += 16)
#pragma unroll 1
    for (uint s = 0; s < SAMPLES; s++) {
      float16 made[SAVED], of_sums[SUMS], carried[CARRIED], d_h = 0.0f, h = 0.0f, c = 0.0f;
#pragma unroll
      for (uint v = 0; v < SAVED; v++) made[v] = vload16(0, now + place(unit, SAVED, v, s));
#pragma unroll
      for (uint v = 0; v < CARRIED; v++)
        carried[v] = last ? 0.0f : vload16(0, t->carry + place(unit, CARRIED, v, s));
      if (step > 0) {
        h = vload16(0, before + place(unit, SAVED, 0, s));
        if (CELL == LSTM) c = vload16(0, before + place(unit, SAVED, 1, s));
      }
      if (d_out && s < samples) d_h = load_block(d_out + s * d_row + unit, hidden - unit);
      cell_backward(made, h, c, d_h + carried[0], carried, of_sums);
#pragma unroll
      for (uint v = RESET_BEFORE; v < SUMS; v++)
        store(of_sums[v], grads + place(unit, SUMS, v, s));
#pragma unroll
      for (uint v = 0; v < CARRIED - RESET_BEFORE; v++)
        store(carried[v], t->carry + place(unit, CARRIED, v, s));
    }
}

#if RESET_BEFORE
/* The gradient of r h, through U_n, and from it those of r and h. */
inline void reset_back(const tile_state *t, uint step, global const float *weights,
                       global float *grads) {
  global const float *now = saved_of(t, step), *before = saved_before(t, step);
  multiply_rows(grads + place(0, SUMS, 2, 0), 1, t->padded, weights, t->carry, 1, 0);
  for (uint unit = 0; unit < t->padded; unit += 16)
    for (uint s = 0; s < SAMPLES; s++) {
      const float16 r = vload16(0, now + place(unit, SAVED, 1, s));
      const float16 h = step > 0 ? vload16(0, before + place(unit, SAVED, 0, s)) : 0.0f;
      const float16 d = vload16(0, t->carry + place(unit, CARRIED, 1, s));
      global float *d_h = t->carry + place(unit, CARRIED, 0, s);
      store(d * h * sigmoid_slope(r), grads + place(unit, SUMS, 0, s));
      store(vload16(0, d_h) + d * r, d_h);
    }
}
#endif

/* Work-item w processes the tiles w, w + work-items, …. Its sums of the gradients of weights and
   biases lie at parts_first + w * part_size of the workspace, and its scratch for data carried
   between steps at scratch_first + w * scratch_size; the rows of the weights of h are at the
   beginning, those of x at x_first. d_x may be NULL. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_backward(global const float *restrict x, global const float *restrict saved,
                   uint saved_first, global const float *restrict d_out, uint out_row,
                   uint out_first, global float *workspace, uint x_first, uint scratch_first,
                   uint scratch_size, uint parts_first, uint part_size, global float *d_x,
                   uint add, uint n, uint steps, uint in, uint hidden, uint sequence,
                   uint reverse) {
  const uint item = get_global_id(0), items = get_global_size(0);
  const uint padded = (hidden + 15) / 16 * 16, in_padded = (in + 15) / 16 * 16;
  const uint d_row = sequence ? steps * out_row : out_row;
  tile_state t = {.steps = steps,
                  .reverse = reverse,
                  .padded = padded,
                  .in_padded = in_padded,
                  .saved_size = padded * SAVED * SAMPLES,
                  .grads_size = padded * SUMS * SAMPLES,
                  .inputs_size = in_padded * SAMPLES,
                  .carry = workspace + scratch_first + item * scratch_size};
  t.grads = t.carry + padded * CARRIED * SAMPLES;
  t.inputs = t.grads + STEPS * t.grads_size;

  for (uint tile = item; tile * SAMPLES < n; tile += items) {
    const uint first = tile * SAMPLES, samples = min(n - first, (uint)SAMPLES);
    t.saved = saved + saved_first + (size_t)tile * steps * t.saved_size;
    for (uint end = steps, begin; end > 0; end = begin) {
      begin = (end - 1) / STEPS * STEPS;
      for (uint step = end; step-- > begin;) {
        const uint time = time_of(&t, step);
        global float *grads = t.grads + (step - begin) * t.grads_size;
        global const float *d_now = 0;
        if (sequence || step + 1 == steps)
          d_now = d_out +
                  ((size_t)first * (sequence ? steps : 1) + (sequence ? time : 0)) * out_row +
                  out_first;
        step_back(&t, step, hidden, d_now, d_row, samples, grads);
#if RESET_BEFORE
        reset_back(&t, step, workspace + GATES_OF_H * padded * padded, grads);
#endif
        if (step > 0)
          multiply_rows(grads + place(0, SUMS, RESET_AFTER, 0), GATES_OF_H, padded, workspace,
                        t.carry, 0, 1);
        if (d_x)
          multiply_rows_to_x(grads, padded, workspace + x_first,
                             d_x + ((size_t)first * steps + time) * in, (size_t)steps * in, samples,
                             in, add);
        load_inputs(x, first, n, steps, time, in, t.inputs + (step - begin) * t.inputs_size);
      }
      add_weights(&t, begin, end, workspace + parts_first + item * part_size,
                  tile != item || end < steps);
    }
  }
}
