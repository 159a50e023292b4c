/* Recurrent layers for GPUs: a work-group of ITEMS work-items computes all steps of a tile of
 * samples, forward or backward, with the same kernels as the work-items of
 * cl/recurrent/recurrent_tile.cl. A work-item computes one hidden unit at a time, with all of its
 * sums for all of the samples; inputs, states and gradients pass through local memory a few at a
 * time, so that their number isn't limited, and weights are read from global memory in coalesced
 * loads.
 *
 * A number of a unit is always written by the work-item of that unit; multiply begins with a
 * barrier, so it sees what the others wrote before.
 */
#define ITEMS 128
#define CHUNK 256 /* numbers per sample in local memory */

/* The offset of the number of a unit, like place for a vector. */
inline uint place_of(uint unit, uint count, uint which, uint sample) {
  return place(unit, count, which, sample) + unit % 16;
}

/* sums[v][s] += the sum over k of a[k][s] * b[k * b_row + v * 16] for v < vectors; a is in blocks,
   a_block apart, with `count` times 16 numbers of each sample. All work-items must call this; those
   without a unit pass `active` 0. */
inline __attribute__((always_inline)) void multiply(float (*sums)[SAMPLES], const uint vectors,
                                                    global const float *a, uint a_block,
                                                    uint blocks, uint count,
                                                    global const float *b, uint b_row, uint active,
                                                    local float (*chunk)[SAMPLES]) {
  const uint all = blocks * count * 16;
  for (uint k0 = 0; k0 < all; k0 += CHUNK) {
    const uint length = min(all - k0, (uint)CHUNK);
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    for (uint s = 0; s < SAMPLES; s++)
      for (uint i = get_local_id(0); i < length; i += ITEMS) {
        const uint k = k0 + i, block = k / 16 / count, which = k / 16 % count;
        chunk[i][s] = a[block * a_block + (which * SAMPLES + s) * 16 + k % 16];
      }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < length && active; i++)
      for (uint v = 0; v < vectors; v++) {
        const float b_now = b[(k0 + i) * b_row + v * 16];
        for (uint s = 0; s < SAMPLES; s++)
          sums[v][s] = MULTIPLY_ADD(chunk[i][s], b_now, sums[v][s]);
      }
  }
}

/* Copies the inputs of a tile at one time step, in blocks. */
inline void load_inputs(global const float *x, uint first, uint n, uint steps, uint time, uint in,
                        global float *to) {
  const uint padded = (in + 15) / 16 * 16;
  for (uint i = get_local_id(0); i < padded; i += ITEMS)
    for (uint s = 0; s < SAMPLES; s++) {
      const size_t row = (size_t)min(first + s, n - 1) * steps + time;
      to[place_of(i, 1, 0, s)] = i < in ? x[row * in + i] : 0.0f;
    }
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
recurrent_forward(global const float *x, global float *workspace, uint inputs_first,
                  global float *saved, uint saved_first, uint ring, global float *out, uint out_row,
                  uint out_first, uint n, uint steps, uint in, uint hidden, uint sequence,
                  uint reverse) {
  local float chunk[CHUNK][SAMPLES];
  const uint tile = get_group_id(0), first = tile * SAMPLES;
  const uint padded = (hidden + 15) / 16 * 16, in_padded = (in + 15) / 16 * 16;
  const uint size = padded * SAVED * SAMPLES, block = (SUMS + GATES * (in_padded + padded)) * 16;
  global float *inputs = workspace + inputs_first + tile * in_padded * SAMPLES;
  saved += saved_first + (size_t)tile * ring * size;
  for (uint step = 0; step < steps; step++) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    global float *now = saved + time % ring * size;
    global const float *state = saved + before % ring * size;
    load_inputs(x, first, n, steps, time, in, inputs);

    for (uint unit0 = 0; unit0 < padded; unit0 += ITEMS) {
      const uint unit = unit0 + get_local_id(0), active = unit < padded;
      global const float *weights = workspace + unit / 16 * block + unit % 16;
      float sums[SUMS][SAMPLES];
      for (uint v = 0; v < SUMS; v++)
        for (uint s = 0; s < SAMPLES; s++) sums[v][s] = active ? weights[v * 16] : 0.0f;
      weights += SUMS * 16;
      multiply(sums, GATES, inputs, SAMPLES * 16, in_padded / 16, 1, weights, GATES * 16, active,
               chunk);
      weights += GATES * 16 * in_padded;
      if (step > 0)
        multiply(sums + RESET_AFTER, GATES_OF_H, state, SAVED * SAMPLES * 16, padded / 16, 1,
                 weights, GATES_OF_H * 16, active, chunk);
      for (uint s = 0; s < SAMPLES && active; s++) {
        float of_unit[SUMS], made[SAVED], h = 0.0f, c = 0.0f;
        for (uint v = 0; v < SUMS; v++) of_unit[v] = sums[v][s];
        if (step > 0) {
          h = state[place_of(unit, SAVED, 0, s)];
          if (CELL == LSTM) c = state[place_of(unit, SAVED, 1, s)];
        }
        cell_forward(of_unit, h, c, made);
        for (uint v = RESET_BEFORE; v < SAVED; v++) now[place_of(unit, SAVED, v, s)] = made[v];
      }
    }

#if RESET_BEFORE
    for (uint unit0 = 0; unit0 < padded; unit0 += ITEMS) {
      const uint unit = unit0 + get_local_id(0), active = unit < padded;
      global const float *weights = workspace + unit / 16 * block + unit % 16 +
                                    (SUMS + GATES * in_padded + GATES_OF_H * padded) * 16;
      float sums[1][SAMPLES];
      for (uint s = 0; s < SAMPLES; s++)
        sums[0][s] = active ? now[place_of(unit, SAVED, 3, s)] : 0.0f;
      if (step > 0)
        multiply(sums, 1, now + place(0, SAVED, 4, 0), SAVED * SAMPLES * 16, padded / 16, 1,
                 weights, 16, active, chunk);
      for (uint s = 0; s < SAMPLES && active; s++) {
        const float z = now[place_of(unit, SAVED, 2, s)], candidate = tanh_of(sums[0][s]);
        const float h = step > 0 ? state[place_of(unit, SAVED, 0, s)] : 0.0f;
        now[place_of(unit, SAVED, 3, s)] = candidate;
        now[place_of(unit, SAVED, 0, s)] = blend(z, candidate, h);
      }
    }
#endif

    if (!sequence && step + 1 < steps) continue;
    for (uint s = 0; s < min(n - first, (uint)SAMPLES); s++) {
      const size_t row = sequence ? (size_t)(first + s) * steps + time : first + s;
      for (uint unit = get_local_id(0); unit < hidden; unit += ITEMS)
        out[row * out_row + out_first + unit] = now[place_of(unit, SAVED, 0, s)];
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

#define TILE 4  /* units per work-item in backward */

/* sums[s] = the sum over k of a[k][s] * b[k][column], over `count` gradients of each unit; b is in
   panels of padded_columns columns in total, packed by recurrent_pack_rows. */
inline __attribute__((always_inline)) void
multiply_column(float *sums, global const float *a, uint count, uint padded,
                global const float *b, uint column, uint padded_columns,
                local float (*chunk)[SAMPLES]) {
  const uint panel = column / (PANEL * 16) * (PANEL * 16), active = column < padded_columns;
  const uint width = active ? min(padded_columns - panel, (uint)PANEL * 16) : 0;
  for (uint s = 0; s < SAMPLES; s++) sums[s] = 0.0f;
  multiply((float(*)[SAMPLES])sums, 1, a, SUMS * SAMPLES * 16, padded / 16, count,
           b + panel * count * padded + column - panel, width, active, chunk);
}

/* to[i] = or += the sum over k of a[k] * b[k][i], for number `which` of what is carried. */
inline __attribute__((always_inline)) void
multiply_rows(global const float *a, uint count, uint padded, global const float *b,
              global float *carry, uint which, uint add, local float (*chunk)[SAMPLES]) {
  for (uint unit0 = 0; unit0 < padded; unit0 += ITEMS) {
    const uint unit = unit0 + get_local_id(0);
    float sums[SAMPLES];
    multiply_column(sums, a, count, padded, b, unit, padded, chunk);
    for (uint s = 0; s < SAMPLES && unit < padded; s++) {
      global float *to = carry + place_of(unit, CARRIED, which, s);
      *to = add ? *to + sums[s] : sums[s];
    }
  }
}

/* The same for the gradient of x at one time step, of the first `samples` samples, `row` apart. */
inline __attribute__((always_inline)) void
multiply_rows_to_x(global const float *a, uint padded, global const float *b, global float *to,
                   size_t row, uint samples, uint in, uint add, local float (*chunk)[SAMPLES]) {
  const uint in_padded = (in + 15) / 16 * 16;
  for (uint column0 = 0; column0 < in; column0 += ITEMS) {
    const uint column = column0 + get_local_id(0);
    float sums[SAMPLES];
    multiply_column(sums, a, GATES, padded, b, column, in_padded, chunk);
    for (uint s = 0; s < samples && column < in; s++) {
      global float *at = to + s * row + column;
      *at = add ? *at + sums[s] : sums[s];
    }
  }
}

/* to[unit][column] (+)= the sum over all samples of `steps` steps of a[unit] * b[column], all
   padded. The steps of a and b are a_step and b_step apart; blocks of b are b_block apart. */
inline void add_products(global const float *a, uint a_step, global const float *b, int b_step,
                         uint b_block, uint steps, uint padded, uint columns, global float *to,
                         uint add) {
  for (uint i = get_local_id(0); i < padded / TILE * columns; i += ITEMS) {
    const uint unit = i / columns * TILE, column = i % columns;
    global const float *a_now = a + place_of(unit, SUMS, 0, 0);
    global const float *b_now = b + column / 16 * b_block + column % 16;
    float sums[TILE];
    for (uint j = 0; j < TILE; j++) sums[j] = add ? to[(unit + j) * columns + column] : 0.0f;
    for (uint step = 0; step < steps; step++, a_now += a_step, b_now += b_step)
      for (uint s = 0; s < SAMPLES; s++)
        for (uint j = 0; j < TILE; j++)
          sums[j] = MULTIPLY_ADD(a_now[s * 16 + j], b_now[s * 16], sums[j]);
    for (uint j = 0; j < TILE; j++) to[(unit + j) * columns + column] = sums[j];
  }
}

/* Adds (or writes) the contribution of steps `begin` up to `end` to the gradients of the weights of
   x, of h, and of the sums, all padded, one after the other in `part`. */
inline void add_weights(const tile_state *t, uint begin, uint end, global float *part, uint add) {
  const uint first = begin == 0; /* there is no state before the first step */
  const int back = t->reverse ? -(int)t->saved_size : (int)t->saved_size;
  for (uint gate = 0; gate < GATES; gate++, part += t->padded * t->in_padded)
    add_products(t->grads + place(0, SUMS, gate, 0), t->grads_size, t->inputs, (int)t->inputs_size,
                 SAMPLES * 16, end - begin, t->padded, t->in_padded, part, add);
  for (uint gate = 0; gate < GATES; gate++, part += t->padded * t->padded) {
    global const float *a = t->grads + place(0, SUMS, gate + RESET_AFTER, 0);
    if (gate < GATES_OF_H)
      add_products(a + first * t->grads_size, t->grads_size, saved_before(t, begin), back,
                   SAVED * SAMPLES * 16, end - begin - first, t->padded, t->padded, part, add);
    else
      add_products(a, t->grads_size, saved_of(t, begin) + place(0, SAVED, 4, 0), back,
                   SAVED * SAMPLES * 16, end - begin, t->padded, t->padded, part, add);
  }
  for (uint v = 0; v < SUMS; v++)
    for (uint unit = get_local_id(0); unit < t->padded; unit += ITEMS) {
      float sum = 0.0f;
      for (uint step = 0; step < end - begin; step++)
        for (uint s = 0; s < SAMPLES; s++)
          sum += t->grads[step * t->grads_size + place_of(unit, SUMS, v, s)];
      global float *to = part + v * t->padded + unit;
      *to = add ? *to + sum : sum;
    }
}

/* The gradients of a step's sums, and the part of the previous step's gradient that doesn't go
   through products. d_out is that of the state itself, for the first `samples` samples, d_row
   apart, or NULL. */
inline void step_back(const tile_state *t, uint step, uint hidden, global const float *d_out,
                      uint d_row, uint samples, global float *grads) {
  global const float *now = saved_of(t, step), *before = saved_before(t, step);
  const bool last = step + 1 == t->steps;
  for (uint unit = get_local_id(0); unit < t->padded; unit += ITEMS)
    for (uint s = 0; s < SAMPLES; s++) {
      float made[SAVED], of_sums[SUMS], carried[CARRIED], d_h = 0.0f, h = 0.0f, c = 0.0f;
      for (uint v = 0; v < SAVED; v++) made[v] = now[place_of(unit, SAVED, v, s)];
      for (uint v = 0; v < CARRIED; v++)
        carried[v] = last ? 0.0f : t->carry[place_of(unit, CARRIED, v, s)];
      if (step > 0) {
        h = before[place_of(unit, SAVED, 0, s)];
        if (CELL == LSTM) c = before[place_of(unit, SAVED, 1, s)];
      }
      if (d_out && s < samples && unit < hidden) d_h = d_out[s * d_row + unit];
      cell_backward(made, h, c, d_h + carried[0], carried, of_sums);
      for (uint v = RESET_BEFORE; v < SUMS; v++) grads[place_of(unit, SUMS, v, s)] = of_sums[v];
      for (uint v = 0; v < CARRIED - RESET_BEFORE; v++)
        t->carry[place_of(unit, CARRIED, v, s)] = carried[v];
    }
}

#if RESET_BEFORE
/* The gradient of r h, through U_n, and from it those of r and h. */
inline __attribute__((always_inline)) void reset_back(const tile_state *t, uint step,
                                                      global const float *weights,
                                                      global float *grads,
                                                      local float (*chunk)[SAMPLES]) {
  global const float *now = saved_of(t, step), *before = saved_before(t, step);
  multiply_rows(grads + place(0, SUMS, 2, 0), 1, t->padded, weights, t->carry, 1, 0, chunk);
  for (uint unit = get_local_id(0); unit < t->padded; unit += ITEMS)
    for (uint s = 0; s < SAMPLES; s++) {
      const float r = now[place_of(unit, SAVED, 1, s)];
      const float h = step > 0 ? before[place_of(unit, SAVED, 0, s)] : 0.0f;
      const float d = t->carry[place_of(unit, CARRIED, 1, s)];
      grads[place_of(unit, SUMS, 0, s)] = d * h * sigmoid_slope(r);
      t->carry[place_of(unit, CARRIED, 0, s)] += d * r;
    }
}
#endif

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
recurrent_backward(global const float *x, global const float *saved, uint saved_first,
                   global const float *d_out, uint out_row, uint out_first,
                   global float *workspace, uint x_first, uint scratch_first, uint scratch_size,
                   uint parts_first, uint part_size, global float *d_x, uint add, uint n,
                   uint steps, uint in, uint hidden, uint sequence, uint reverse) {
  local float chunk[CHUNK][SAMPLES];
  const uint item = get_group_id(0), items = get_num_groups(0);
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
          d_now = d_out + out_first +
                  (size_t)(sequence ? first * steps + time : first) * out_row;
        step_back(&t, step, hidden, d_now, d_row, samples, grads);
#if RESET_BEFORE
        reset_back(&t, step, workspace + GATES_OF_H * padded * padded, grads, chunk);
#endif
        if (step > 0)
          multiply_rows(grads + place(0, SUMS, RESET_AFTER, 0), GATES_OF_H, padded, workspace,
                        t.carry, 0, 1, chunk);
        if (d_x)
          multiply_rows_to_x(grads, padded, workspace + x_first,
                             d_x + ((size_t)first * steps + time) * in, (size_t)steps * in, samples,
                             in, add, chunk);
        load_inputs(x, first, n, steps, time, in, t.inputs + (step - begin) * t.inputs_size);
      }
      barrier(CLK_GLOBAL_MEM_FENCE);
      add_weights(&t, begin, end, workspace + parts_first + item * part_size,
                  tile != item || end < steps);
      barrier(CLK_GLOBAL_MEM_FENCE);
    }
  }
}
